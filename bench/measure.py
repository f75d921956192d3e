"""Run whole programs in turn and say what each took. Nothing large is imported here: a child's peak
memory as the kernel reports it begins with what this process held when it started the child."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def bytes_read(pid: int) -> int:
    """Bytes that a process which has ended, and is not waited for yet, asked the kernel for; -1: unknown."""
    try:
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        return int(fields["rchar"])
    except (OSError, KeyError, ValueError):
        return -1


def measured(command: list[str], log: Path) -> dict:
    """Run to the end: wall, CPU, peak memory and bytes read of the process and its waited-for children."""
    with open(log, "wb") as sink:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL)
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - begun
        read = bytes_read(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"failed ({process.returncode}): {' '.join(command)}\n{log.read_text(errors='replace')[-2000:]}")
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
        "read_mb": read / 1e6,
    }


def shown(word: str) -> str:
    """A word of a command without this machine's folders."""
    if word == sys.executable or word.endswith("/bin/python"):
        return "python"
    return word.replace(str(ROOT) + "/", "")


def in_turn(commands: dict[str, list[str]], repeats: int, folder: Path, check=None, each=None) -> dict:
    """
    Each command once unmeasured, then `check()`, which ends the program when the results differ, then
    all of them in turn, `repeats` times: a machine whose mood changes is as moody to all.
    """
    runs = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            result = measured(command, folder / "last.log")
            if turn == 0:
                continue
            runs[name].append(result)
            if each is not None:
                each(name)
            say(f"  {name:24s} {result['wall_s']:7.2f} s {result['cpu_s']:7.2f} CPU-s {result['peak_mb']:8.0f} MB")
        if turn == 0 and check is not None:
            check()
    return {
        name: {
            "command": " ".join(shown(word) for word in commands[name]),
            "runs": results,
            "median": {key: statistics.median(r[key] for r in results) for key in results[0]},
        }
        for name, results in runs.items()
    }


def once(path: Path, make) -> Path:
    """Make a file or folder unless it is there from an earlier run."""
    if not path.exists():
        part = path.with_name("." + path.name)
        shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        say(f"making {path.relative_to(path.parents[1])}")
        make(part)
        part.rename(path)
    return path


def quiet(*command) -> None:
    done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"failed ({done.returncode}): {' '.join(map(str, command))}\n{done.stderr.decode(errors='replace')[-2000:]}")


def python(code: str, *arguments) -> str:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])
    return done.stdout


def size_mb(path: Path) -> float:
    if path.is_dir():
        return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) / 1e6
    return path.stat().st_size / 1e6
