"""Starting the program: command lines, progress, cancelling, the run record."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Union

from varjoin._find import find_binary
from varjoin.errors import Cancelled, VarjoinError, error_for
from varjoin.record import RunRecord

StrPath = Union[str, "os.PathLike[str]"]

_STDERR_KEPT_LINES = 200
_GRACE_SECONDS = 5.0  # the program ends within one second of SIGINT; more is a machine in trouble
_UNITS = {"": 1.0, " ": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_PROGRESS = re.compile(
    r"^(?P<rows>[\d.]+)(?P<rows_unit>[ kMG]?) rows, (?P<rate>[\d.]+)(?P<rate_unit>[ kMG]?) rows/s"
    r"(?:, (?P<percent>\d+)%, ETA (?P<eta>[\d:]+))?$"
)


@dataclass(frozen=True)
class Progress:
    """Where a run stands. Counts from 10,000 on are rounded to three figures."""

    rows: int
    rows_per_second: float
    fraction: float | None = None
    """Of the input, 0 to 1; None where its size is not known."""
    eta_seconds: int | None = None


ProgressCallback = Callable[[Progress], object]
LogCallback = Callable[[str], object]


def parse_progress(text: str) -> Progress | None:
    """The program's progress line as an object; None for any other line."""
    match = _PROGRESS.match(text)
    if match is None:
        return None
    eta = None
    for part in (match["eta"] or "").split(":"):
        eta = (eta or 0) * 60 + int(part) if part else eta
    return Progress(
        rows=round(float(match["rows"]) * _UNITS[match["rows_unit"]]),
        rows_per_second=float(match["rate"]) * _UNITS[match["rate_unit"]],
        fraction=None if match["percent"] is None else int(match["percent"]) / 100,
        eta_seconds=eta,
    )


class StderrReader(threading.Thread):
    """Splits stderr into lines and progress, so that the program never blocks on a full pipe.

    ``on_progress`` and ``on_line`` are called from this thread; what they raise is kept in
    ``failure`` and ends the calls, not the reading.
    """

    def __init__(
        self,
        pipe: IO[bytes],
        on_progress: ProgressCallback | None = None,
        on_line: LogCallback | None = None,
    ) -> None:
        super().__init__(name="varjoin-stderr", daemon=True)
        self._pipe = pipe
        self._on_progress = on_progress
        self._on_line = on_line
        self.lines: deque[str] = deque(maxlen=_STDERR_KEPT_LINES)
        self.failure: BaseException | None = None

    def run(self) -> None:
        rest = b""
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), 1 << 16):
                # A progress line is redrawn: it ends where the next carriage return begins.
                *parts, rest = re.split(rb"[\r\n]", rest + chunk)
                for part in parts:
                    self._take(part)
        self._take(rest)

    def _take(self, part: bytes) -> None:
        text = part.replace(b"\x1b[K", b"").decode("utf-8", "replace")
        if not text:
            return
        progress = parse_progress(text)
        if progress is None:
            self.lines.append(text)
        if self.failure is not None:
            return
        try:
            if progress is not None:
                if self._on_progress is not None:
                    self._on_progress(progress)
            elif self._on_line is not None:
                self._on_line(text)
        except BaseException as error:  # handed to the caller of run_command
            self.failure = error

    def error_line(self) -> str | None:
        """The program's own last error, without its name before it."""
        for line in reversed(self.lines):
            if line.startswith("varjoin: error: "):
                return line.removeprefix("varjoin: error: ")
        return None


def own_environment() -> dict[str, str]:
    """Options that stand in the environment, since command lines are kept in outputs: the kernel
    ends the program when this process is gone; and the Polars engine takes this interpreter."""
    env = {"VARJOIN_DIE_WITH_PARENT": str(os.getpid())}
    if "VARJOIN_PYTHON" not in os.environ and importlib.util.find_spec("polars") is not None:
        env["VARJOIN_PYTHON"] = sys.executable
    return env


def describe_end(returncode: int, reader: StderrReader) -> str:
    """One line for a person: what the program said, or how it ended."""
    said = reader.error_line()
    if said is not None:
        return said
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        return f"varjoin was ended by {name}"
    return f"varjoin ended with exit code {returncode}"


def stop_process(process: subprocess.Popen[bytes], grace_seconds: float = _GRACE_SECONDS) -> int:
    """SIGINT, then SIGKILL for one that does not answer; the return code."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _load_record(path: Path) -> RunRecord | None:
    try:
        return RunRecord.load(path)
    except (OSError, ValueError):
        return None


def run_command(
    args: Sequence[str],
    *,
    report: StrPath | None = None,
    progress: ProgressCallback | None = None,
    log: LogCallback | None = None,
    cancel: threading.Event | None = None,
    env: Mapping[str, str] | None = None,
) -> RunRecord | None:
    """Run the program with these arguments and wait for it.

    Ctrl-C, or ``cancel`` set from another thread, stops it within a second. The record is read
    from ``report`` where one is given. Raises the class of varjoin.errors for its exit code.
    """
    binary = find_binary()
    command = [str(binary), *args, "--progress=" + ("always" if progress else "never")]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # Ctrl-C reaches this process only; the program is told once, by us.
        start_new_session=True,
        env={**os.environ, **(env or {}), **own_environment()},
    )
    assert process.stderr is not None
    reader = StderrReader(process.stderr, progress, log)
    reader.start()
    interrupted: BaseException | None = None
    try:
        while process.poll() is None:
            if (cancel is not None and cancel.is_set()) or reader.failure is not None:
                stop_process(process)
                break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt as error:
        interrupted = error
        stop_process(process)
    except BaseException:
        stop_process(process)
        raise
    finally:
        reader.join(_GRACE_SECONDS)
    if reader.failure is not None:
        raise reader.failure
    record = None if report is None else _load_record(Path(report))
    if process.returncode != 0 or interrupted is not None:
        raise _error(process.returncode, reader, record, interrupted is not None)
    return record


def _error(
    returncode: int, reader: StderrReader, record: RunRecord | None, interrupted: bool
) -> VarjoinError:
    message = describe_end(returncode, reader)
    stderr = "\n".join(reader.lines)
    if interrupted:
        return Cancelled(message, stderr=stderr, record=record)
    return error_for(returncode, message, stderr=stderr, record=record)


def run_job(
    args: Sequence[str],
    *,
    report: StrPath | None,
    progress: ProgressCallback | None,
    log: LogCallback | None,
    cancel: threading.Event | None,
    env: Mapping[str, str] | None = None,
) -> RunRecord:
    """run_command for the verbs that write a run record; a temporary one where none is named."""
    with tempfile.TemporaryDirectory(prefix="varjoin-") as folder:
        path = Path(report) if report is not None else Path(folder) / "run.json"
        record = run_command(
            [*args, "--report", os.fspath(path)],
            report=path, progress=progress, log=log, cancel=cancel, env=env,
        )
    if record is None:
        raise VarjoinError(f"varjoin ended well, but wrote no run record to {path}")
    return record


def option(name: str, value: Any) -> list[str]:
    """A keyword argument as options: None and False give none, True the bare option."""
    if value is None or value is False:
        return []
    if value is True:
        return [f"--{name}"]
    if isinstance(value, (str, os.PathLike)):
        return [f"--{name}={os.fspath(value)}"]
    if isinstance(value, Iterable):
        return [f"--{name}={','.join(str(item) for item in value)}"]
    return [f"--{name}={value}"]


def operand(path: StrPath) -> str:
    """A path as an operand: one that begins with a dash is a file, not an option."""
    text = os.fspath(path)
    return "./" + text if text.startswith("-") and text != "-" else text
