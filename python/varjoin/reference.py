"""Built databases in Polars: the columns under their own names and types, however they are stored.

``scan_reference`` needs Polars; nothing else here does, and importing it costs nothing.
"""

from __future__ import annotations

import glob
import json
import os
from typing import TYPE_CHECKING, Any

from varjoin._polars_worker import logical_columns
from varjoin.errors import InputError

if TYPE_CHECKING:
    import polars

__all__ = ["reference_columns", "scan_reference"]

LAYOUT_KEY = "varjoin.layout"


def _files(path: str | os.PathLike[str]) -> list[str]:
    """A file, the Parquet files of a folder, or those of a glob; by name, as the program has it."""
    path = os.fspath(path)
    if os.path.isdir(path):
        names = sorted(n for n in os.listdir(path) if n.endswith(".parquet") and not n.startswith("."))
        return [os.path.join(path, name) for name in names]
    return [path] if os.path.exists(path) else sorted(glob.glob(path))


def reference_columns(layout: str | bytes | dict[str, Any]) -> list[polars.Expr]:
    """Expressions that make a tuned database's columns; layout is its key-value varjoin.layout."""
    import polars as pl

    facts: dict[str, Any] = layout if isinstance(layout, dict) else json.loads(layout)
    if facts.get("version") != 1:
        raise InputError(f"layout version {facts.get('version')}: this package reads version 1")
    columns: list[polars.Expr] = logical_columns(pl, facts)  # type: ignore[no-untyped-call]
    return columns


def scan_reference(path: str | os.PathLike[str]) -> polars.LazyFrame:
    """A database (file, folder or glob) as a LazyFrame with its own column names and types.

    A tuned database is read through expressions over the columns that are stored; filters on
    ``chrom`` and ``start``, which are stored as they are, still skip row groups. Any other Parquet
    database is scanned as it is.
    """
    import polars as pl

    files = _files(path)
    if not files:
        raise InputError(f"{os.fspath(path)}: no Parquet file there")
    layouts = {pl.read_parquet_metadata(file).get(LAYOUT_KEY) for file in files}
    if len(layouts) > 1:
        raise InputError(f"{os.fspath(path)}: files of two builds are two databases")
    scan = pl.scan_parquet(files, glob=False, hive_partitioning=False, missing_columns="insert")
    layout = layouts.pop()
    return scan if layout is None else scan.select(reference_columns(layout))
