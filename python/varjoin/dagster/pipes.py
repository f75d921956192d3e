"""One run of the program under Dagster Pipes.

Dagster's own reader stops at the first message that it cannot use, and the run stays green with
an empty materialisation. This one reads whole lines only, goes on behind a bad one, and every
bad one fails the step; and a run that reported nothing is never a success.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    Failure,
    MaterializeResult,
    MetadataValue,
    PipesMessageReader,
    PipesTempFileContextInjector,
    open_pipes_session,
)

from varjoin._run import StderrReader, describe_end, own_environment, stop_process
from varjoin.errors import VarjoinError, error_for

# The program fits what it reports into lines of this length; our reader never tears one.
_MAX_LINE_BYTES = 1 << 20
_POLL_SECONDS = 0.05
_CANCEL_GRACE_SECONDS = 20.0


class WholeLineReader(PipesMessageReader):
    """Messages from a file, by whole lines; what Dagster cannot handle is kept in ``errors``."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="varjoin-pipes-") as folder:
            path = Path(folder) / "messages"
            path.touch()
            done = threading.Event()
            thread = threading.Thread(
                target=self._follow, args=(path, handler, done), name="varjoin-pipes", daemon=True
            )
            thread.start()
            try:
                yield {"path": str(path), "include_stdio_in_messages": False}
            finally:
                done.set()
                thread.join()

    def _follow(self, path: Path, handler: Any, done: threading.Event) -> None:
        rest = b""
        with path.open("rb") as file:
            while True:
                last = done.is_set()  # asked before reading: what was written by then is read
                chunk = file.read(1 << 16)
                *lines, rest = (rest + chunk).split(b"\n")
                if last and not chunk and rest:
                    lines, rest = [rest], b""
                for line in filter(bytes.strip, lines):
                    self._handle(line, handler)
                if not chunk:
                    if last:
                        return
                    time.sleep(_POLL_SECONDS)

    def _handle(self, line: bytes, handler: Any) -> None:
        try:
            handler.handle_message(json.loads(line))
        except Exception as error:
            self.errors.append(f"{error!r} at {line[:200]!r}")

    def no_messages_debug_text(self) -> str:
        return "Looked for messages in a temporary file, by whole lines."


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Short waits, so that an interruption by Dagster gets through at once."""
    while True:
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue


def _start(
    command: Sequence[str], env: dict[str, str], lock_fd: int | None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        env={**os.environ, **env, **own_environment()},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=() if lock_fd is None else (lock_fd,),
        # Ctrl-C and "Terminate" reach this process, which passes them on once.
        start_new_session=True,
    )


def _echo(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run_pipes(
    context: AssetExecutionContext,
    command: Sequence[str],
    *,
    checks: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    lock_fd: int | None = None,
    on_start: Callable[[int], object] | None = None,
) -> MaterializeResult:
    """Run the command and return what it reported.

    Raises VarjoinError by its exit code, with its one line; Failure when it ended well but its
    report is missing or damaged; Dagster's own interruption after the program has stopped.
    """
    reader = WholeLineReader()
    extras = {"varjoin_checks": list(checks), "varjoin_max_line_bytes": _MAX_LINE_BYTES}
    with open_pipes_session(
        context=context,
        context_injector=PipesTempFileContextInjector(),
        message_reader=reader,
        extras=extras,
    ) as session:
        process = _start(
            command, {**(env or {}), **session.get_bootstrap_env_vars()}, lock_fd
        )
        if on_start is not None:
            on_start(process.pid)
        assert process.stderr is not None
        stderr = StderrReader(process.stderr, on_line=_echo)
        stderr.start()
        try:
            _wait(process)
        except BaseException:
            context.log.info("interrupted: stopping varjoin (process %d)", process.pid)
            stop_process(process, _CANCEL_GRACE_SECONDS)
            raise
        finally:
            stderr.join(5)
    if process.returncode != 0:
        message = describe_end(process.returncode, stderr)
        raise error_for(process.returncode, message, stderr="\n".join(stderr.lines))
    if reader.errors:
        raise Failure(
            f"varjoin ended well, but {len(reader.errors)} of its messages could not be read: "
            f"{reader.errors[0]}",
            allow_retries=False,
        )
    return _one_result(session.get_results(implicit_materializations=False))


def _one_result(results: Sequence[Any]) -> MaterializeResult:
    reported = [one for one in results if isinstance(one, MaterializeResult)]
    checks = [one for one in results if isinstance(one, AssetCheckResult)]
    if len(reported) != 1:
        raise Failure(
            f"varjoin ended well, but reported {len(reported)} materialisations instead of one",
            allow_retries=False,
        )
    return reported[0]._replace(check_results=checks) if checks else reported[0]


def failure_of(error: VarjoinError, allow_retries: bool = False) -> Failure:
    """The program's error as Dagster shows it: its line first, the rest as metadata."""
    metadata: dict[str, Any] = {
        "exit_code": MetadataValue.int(error.exit_code),
        "kind": MetadataValue.text(type(error).__name__),
    }
    if error.stderr:
        metadata["stderr"] = MetadataValue.text(error.stderr[-8000:])
    if error.exit_code > 128:
        try:
            metadata["signal"] = MetadataValue.text(signal.Signals(error.exit_code - 128).name)
        except ValueError:
            pass
    return Failure(str(error), metadata=metadata, allow_retries=allow_retries)
