"""The engines of the program under test: which are here, and one run of each."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("native", "duckdb", "polars")


def find_duckdb():
    """The DuckDB library or None."""
    for path in (os.environ.get("VARJOIN_DUCKDB_LIB"), ROOT / "build" / "duckdb" / "libduckdb.so"):
        if path and Path(path).is_file():
            return Path(path)
    return None


def find_python():
    """A Python that has Polars, or None."""
    given = os.environ.get("VARJOIN_PYTHON")
    if given:
        return given
    return sys.executable if importlib.util.find_spec("polars") else None


def absent(engine):
    """Why this engine cannot be run here; None: it can."""
    if engine == "duckdb" and find_duckdb() is None:
        return "no DuckDB library: `make duckdb`, or set VARJOIN_DUCKDB_LIB"
    if engine == "polars" and find_python() is None:
        return "no Python with Polars: set VARJOIN_PYTHON"
    return None


def present():
    return [name for name in NAMES if absent(name) is None]


def engine_args(engine):
    args = ["--engine", engine]
    if engine == "duckdb":
        args += ["--duckdb-lib", str(find_duckdb())]
    if engine == "polars":
        args += ["--python", find_python()]
    return args


@dataclass
class Ran:
    code: int
    stderr: str

    @property
    def errors(self):
        return [line for line in self.stderr.splitlines() if line.startswith("varjoin: error: ")]


def run(binary, args, timeout=300, **kwargs):
    # leaks are looked for in the unit tests; under the worker's ptrace-less start it only costs time
    env = {**os.environ, **kwargs.pop("env", {})}
    done = subprocess.run([str(binary), *map(str, args)], capture_output=True, timeout=timeout, env=env, **kwargs)
    return Ran(done.returncode, done.stderr.decode(errors="replace"))
