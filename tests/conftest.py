"""Fixtures of the tests that run the program: where it is, and how to call it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def find_binary() -> Path:
    given = os.environ.get("VARJOIN_BIN")
    candidates = [Path(given).resolve()] if given else [ROOT / "build" / p / "varjoin" for p in ("dev", "release")]
    for path in candidates:
        if path.is_file():
            return path
    pytest.exit(f"no varjoin program among {[str(c) for c in candidates]}; set VARJOIN_BIN", 2)


@pytest.fixture(scope="session")
def varjoin_bin() -> Path:
    return find_binary()


@pytest.fixture(scope="session")
def has_verb(varjoin_bin):
    """has_verb("annotate"): is this verb linked into the program?"""
    text = subprocess.run([varjoin_bin, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = text.split("Verbs:")[1].split("\n\n")[0]
    names = {line[2:20].strip() for line in verbs.splitlines() if line.strip()}
    return names.__contains__


@pytest.fixture(scope="session")
def varjoin(varjoin_bin):
    """varjoin("verify", path, exit_code=0) -> CompletedProcess with text output."""

    def run(*args, exit_code=0, text=True, timeout=120, env=None, **kwargs):
        kwargs.setdefault("capture_output", True)
        done = subprocess.run(
            [varjoin_bin, *map(str, args)],
            text=text,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            **kwargs,
        )
        if exit_code is not None:
            assert done.returncode == exit_code, (done.args, done.returncode, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files that are lent for tests and not part of the project."""
    path = Path(os.environ.get("VARJOIN_SHARED", ROOT.parent / "shared")) / "data"
    if not path.is_dir():
        pytest.skip("no real files here: VARJOIN_SHARED or ../shared")
    return path
