"""Where the program and the shared library are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from varjoin.errors import BinaryNotFound

_PACKAGE = Path(__file__).resolve().parent
# python/varjoin lies in the checkout, beside build/; an installed package has no such neighbour.
_CHECKOUT = _PACKAGE.parent.parent


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def find_binary() -> Path:
    """The varjoin program: $VARJOIN_BIN, the package's bin/, a checkout's build/, $PATH.

    Raises BinaryNotFound with the places that were looked at.
    """
    given = os.environ.get("VARJOIN_BIN")
    if given:
        if not os.access(given, os.X_OK) or not Path(given).is_file():
            raise BinaryNotFound(f"VARJOIN_BIN is no program: {given}")
        return Path(given).absolute()
    near = [_PACKAGE / "bin" / "varjoin"]
    near += [_CHECKOUT / "build" / preset / "varjoin" for preset in ("release", "dev")]
    found = _first(near)
    if found is not None:
        return found
    in_path = shutil.which("varjoin")
    if in_path is not None:
        return Path(in_path)
    places = ", ".join(str(path) for path in near)
    raise BinaryNotFound(f"no varjoin program in {places} or in PATH; set VARJOIN_BIN")


def find_library() -> str:
    """The shared library: $VARJOIN_LIB, the package's lib/, a checkout's build/, the loader."""
    given = os.environ.get("VARJOIN_LIB")
    if given:
        if not Path(given).is_file():
            raise BinaryNotFound(f"VARJOIN_LIB is no file: {given}")
        return given
    found = _first(
        [_PACKAGE / "lib" / "libvarjoin.so", _CHECKOUT / "build" / "release" / "libvarjoin.so"]
    )
    return str(found) if found is not None else "libvarjoin.so.0"
