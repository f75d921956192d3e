"""varjoin: join variants with reference variant databases, and say what the run cost.

Functions start the varjoin program and return its run record; results are read with any
Parquet reader, or as an Arrow stream through open_parquet(). ``varjoin.dagster`` has the assets
(``pip install varjoin[dagster]``); nothing here imports Dagster, Polars or pyarrow.
"""

from varjoin._find import find_binary, find_library
from varjoin._run import Progress
from varjoin._verbs import annotate, normalize, reference_build, simulate
from varjoin._version import __version__
from varjoin.arrow import ParquetStream, open_parquet, write_parquet
from varjoin.errors import (
    BinaryNotFound,
    BugError,
    Cancelled,
    InputError,
    KilledError,
    OutputError,
    PolicyError,
    UsageError,
    VarjoinError,
)
from varjoin.record import Check, Column, Database, Metadata, RunRecord, Sample, Stage
from varjoin.reference import reference_columns, scan_reference

__all__ = [
    "BinaryNotFound",
    "BugError",
    "Cancelled",
    "Check",
    "Column",
    "Database",
    "InputError",
    "KilledError",
    "Metadata",
    "OutputError",
    "ParquetStream",
    "PolicyError",
    "Progress",
    "RunRecord",
    "Sample",
    "Stage",
    "UsageError",
    "VarjoinError",
    "__version__",
    "annotate",
    "find_binary",
    "find_library",
    "normalize",
    "open_parquet",
    "reference_build",
    "reference_columns",
    "scan_reference",
    "simulate",
    "write_parquet",
]
