"""The verbs as functions: keyword arguments are the long options of the command line."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from varjoin._run import (
    LogCallback,
    ProgressCallback,
    StrPath,
    operand,
    option,
    run_command,
    run_job,
)
from varjoin.record import RunRecord

Engine = Literal["auto", "native", "polars", "duckdb"]
Duplicates = Literal["all", "first", "error"]
Fields = Union[str, Sequence[str]]


def _options(values: Mapping[str, Any]) -> list[str]:
    args: list[str] = []
    for name, value in values.items():
        args += option(name.replace("_", "-"), value)
    return args


def annotate(
    input: StrPath | Sequence[StrPath],
    databases: Mapping[str, StrPath],
    output: StrPath,
    *,
    engine: Engine | None = None,
    columns: Fields | None = None,
    join_columns: Fields | None = None,
    duplicates: Duplicates | None = None,
    any_order: bool = False,
    fail_on_empty: bool = False,
    output_type: str | None = None,
    compression: str | None = None,
    samples: Fields | None = None,
    sites_only: bool = False,
    all_samples: bool = False,
    info_fields: Fields | None = None,
    format_fields: Fields | None = None,
    formats: bool = True,
    strict: bool = False,
    memory: str | int | None = None,
    threads: int | None = None,
    temp_dir: StrPath | None = None,
    user_name: str | None = None,
    sample_name: str | None = None,
    sample_description: str | None = None,
    sequencing_type: str | None = None,
    species: str | None = None,
    reference_genome: str | None = None,
    report: StrPath | None = None,
    progress: ProgressCallback | None = None,
    log: LogCallback | None = None,
    cancel: threading.Event | None = None,
    extra_args: Sequence[str] = (),
) -> RunRecord:
    """Join the variants of ``input`` with databases and write ``output``.

    A list of inputs is annotated in one sweep, in which each database is read once for all of
    them: ``output`` is then a folder that receives one file for each, all of them or none, and
    ``RunRecord.samples`` tells what became of each.

    ``databases`` maps names to a Parquet file, a folder or a glob. The keywords are the options
    of ``varjoin annotate`` (``varjoin annotate --help``); others go through ``extra_args``.
    ``progress`` and ``log`` are called from a thread while the program runs. Returns the run
    record, also written to ``report`` where one is named.

    Raises UsageError, InputError, OutputError, PolicyError, Cancelled, BugError or KilledError;
    after an error an older output still stands.
    """
    args = ["annotate"]
    for name, path in databases.items():
        args += ["-a", f"{name}={operand(path)}"]
    args += _options(
        {
            "engine": engine, "columns": columns, "join_columns": join_columns,
            "duplicates": duplicates, "any_order": any_order, "fail_on_empty": fail_on_empty,
        }
    )
    args += _job_options(locals())
    return run_job(args, report=report, progress=progress, log=log, cancel=cancel)


def normalize(
    input: StrPath,
    output: StrPath,
    *,
    output_type: str | None = None,
    compression: str | None = None,
    samples: Fields | None = None,
    sites_only: bool = False,
    all_samples: bool = False,
    info_fields: Fields | None = None,
    format_fields: Fields | None = None,
    formats: bool = True,
    strict: bool = False,
    memory: str | int | None = None,
    threads: int | None = None,
    temp_dir: StrPath | None = None,
    user_name: str | None = None,
    sample_name: str | None = None,
    sample_description: str | None = None,
    sequencing_type: str | None = None,
    species: str | None = None,
    reference_genome: str | None = None,
    report: StrPath | None = None,
    progress: ProgressCallback | None = None,
    log: LogCallback | None = None,
    cancel: threading.Event | None = None,
    extra_args: Sequence[str] = (),
) -> RunRecord:
    """Turn VCF or BCF into one typed row per allele; see annotate() for the keywords."""
    args = ["normalize", *_job_options(locals())]
    return run_job(args, report=report, progress=progress, log=log, cancel=cancel)


_JOB_OPTIONS = (
    "output_type", "compression", "samples", "sites_only", "all_samples", "info_fields",
    "format_fields", "strict", "memory", "threads", "temp_dir", "user_name", "sample_name",
    "sample_description", "sequencing_type", "species", "reference_genome",
)


def _job_options(keywords: Mapping[str, Any]) -> list[str]:
    """What annotate and normalize share, from their keyword arguments."""
    args = _options({name: keywords[name] for name in _JOB_OPTIONS})
    args += option("no-formats", not keywords["formats"])
    given, output = keywords["input"], operand(keywords["output"])
    if isinstance(given, (str, os.PathLike)):
        return [*args, "-o", output, *keywords["extra_args"], operand(given)]
    # a folder, even where the list has one item
    args += ["-o", output.rstrip("/") + "/", *keywords["extra_args"]]
    return [*args, *map(operand, given)]


def reference_build(
    source: StrPath,
    output: StrPath,
    *,
    memory: str | int | None = None,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
    log: LogCallback | None = None,
    cancel: threading.Event | None = None,
    extra_args: Sequence[str] = (),
) -> None:
    """Make a sorted, indexed database from a VCF, BCF or Parquet files.

    Further options of ``varjoin reference build`` go through ``extra_args``. Raises as
    annotate() does.
    """
    args = ["reference", "build", *_options({"memory": memory, "threads": threads})]
    args += ["-o", operand(output), *extra_args, operand(source)]
    run_command(args, progress=progress, log=log, cancel=cancel)


def simulate(
    output: StrPath | None = None,
    *,
    rows: int | None = None,
    contigs: Fields | None = None,
    sample: StrPath | None = None,
    sample_variants: int | None = None,
    samples: int | None = None,
    seed: int | None = None,
    sample_seed: int | None = None,
    unsorted: bool = False,
    gvcf: bool = False,
    memory: str | int | None = None,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
    log: LogCallback | None = None,
    cancel: threading.Event | None = None,
    extra_args: Sequence[str] = (),
) -> None:
    """Make a database like Ensembl's in the folder ``output``, and people in ``sample``.

    The same seed and options give the same bytes. Raises as annotate() does.
    """
    args = ["simulate"]
    if output is not None:
        args += ["-o", operand(output)]
    args += _options(
        {
            "rows": rows, "contigs": contigs, "sample": sample,
            "sample_variants": sample_variants, "samples": samples, "seed": seed,
            "sample_seed": sample_seed, "unsorted": unsorted, "gvcf": gvcf,
            "memory": memory, "threads": threads,
        }
    )
    run_command([*args, *extra_args], progress=progress, log=log, cancel=cancel)
