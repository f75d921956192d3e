"""The assets: each names its inputs and starts the program; nothing is computed here."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    DataVersion,
    DynamicPartitionsDefinition,
    Failure,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    asset,
)

from varjoin._run import option
from varjoin._version import __version__
from varjoin.dagster.config import (
    AnnotationConfig,
    DuckDBAnnotationConfig,
    NormalizeConfig,
    SampleConfig,
    TableConfig,
)
from varjoin.dagster.partitions import (
    PARTITIONS_NAME,
    OutputFolder,
    PartitionError,
    Sample,
    parse_key,
)
from varjoin.dagster.pipes import failure_of, run_pipes
from varjoin.dagster.resources import VarjoinResource
from varjoin.errors import VarjoinError

user_vcf_files = DynamicPartitionsDefinition(name=PARTITIONS_NAME)

# How many of these run at once is set by the instance: concurrency.pools in dagster.yaml.
POOL = "varjoin"
IO_MANAGER_KEY = "varjoin_paths"
_ROW_CHECK = "rows_in_equals_rows_out"
_MATCH_CHECK = "matches_above_zero"
_MEMORY_CHECK = "memory_within_promise"
_CHECK_TEXTS = {
    _ROW_CHECK: "Every allele row of the input came out.",
    _MATCH_CHECK: "Every database matched at least one row.",
    _MEMORY_CHECK: "The run stayed within the memory that it was given.",
}


def _checks(asset_name: str, names: Sequence[str]) -> list[AssetCheckSpec]:
    return [
        AssetCheckSpec(name, asset=asset_name, description=_CHECK_TEXTS[name]) for name in names
    ]


def _refuse(error: Exception) -> Failure:
    return Failure(str(error), allow_retries=False)


# ---- the database ----

ensembl_hf_dataset = AssetSpec(
    "ensembl_hf_dataset",
    description="Ensembl's human variation set as one Parquet file per chromosome, as published.",
    metadata={"source": "Ensembl variation", "type": "parquet"},
    kinds={"parquet"},
)


def _database_files(path: str) -> list[Path]:
    root = Path(path).absolute()
    if root.is_dir():
        return sorted(root.glob("*.parquet"))
    if root.is_file():
        return [root]
    return sorted(root.parent.glob(root.name)) if root.parent.is_dir() else []


def _files_version(files: Sequence[Path]) -> DataVersion:
    facts = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return DataVersion(hashlib.sha256(repr(facts).encode()).hexdigest()[:32])


@asset(
    deps=[ensembl_hf_dataset],
    kinds={"parquet"},
    description="The Parquet files of the Ensembl database that annotations are joined with.",
)
def ensembl_annotations(
    context: AssetExecutionContext, varjoin: VarjoinResource
) -> MaterializeResult:
    files = _database_files(varjoin.ensembl_path)
    if not files:
        raise Failure(
            f"no Parquet file at {os.path.abspath(varjoin.ensembl_path)}", allow_retries=False
        )
    size = sum(file.stat().st_size for file in files)
    return MaterializeResult(
        metadata={
            "cache_path": MetadataValue.path(os.path.abspath(varjoin.ensembl_path)),
            "num_files": len(files),
            "total_size_gb": round(size / 1e9, 6),
            "status": "present",
            "dagster/size_bytes": size,
        },
        data_version=_files_version(files),
    )


@asset(
    deps=[ensembl_annotations],
    kinds={"duckdb"},
    code_version=__version__,
    description="A DuckDB file with one view per database over its Parquet files; no copies.",
)
def ensembl_duckdb(context: AssetExecutionContext, varjoin: VarjoinResource) -> MaterializeResult:
    try:
        with varjoin.database_folder() as folder:
            output = folder.path / "ensembl.duckdb"
            args = ["catalog", *varjoin.database_args(), "-o", str(output)]
            result, report = _run_in(context, varjoin, folder, output, args, checks=[])
    except PartitionError as error:
        raise _refuse(error) from None
    except VarjoinError as error:
        raise failure_of(error) from None
    shown = dict(result.metadata or {})
    # The pipeline's own asset calls two of them so.
    for name in ("duration_sec", "cpu_percent"):
        if name in shown:
            shown[f"build_{name}"] = shown[name]
    return result._replace(metadata={**shown, "run_record": MetadataValue.path(str(report))})


# ---- the sample ----


@asset(
    partitions_def=user_vcf_files,
    kinds={"vcf"},
    description="The VCF or BCF of a sample in the input folder.",
)
def user_vcf_source(
    context: AssetExecutionContext, config: SampleConfig, varjoin: VarjoinResource
) -> MaterializeResult:
    try:
        sample = parse_key(context.partition_key)
        path = varjoin.source(sample, config.vcf_path)
    except PartitionError as error:
        raise _refuse(error) from None
    stat = path.stat()
    return MaterializeResult(
        metadata={
            "user_name": config.user_name or sample.user,
            "sample_name": config.sample_name or sample.sample,
            "vcf_count": 1,
            "vcf_files": MetadataValue.path(str(path)),
            "total_size_mb": round(stat.st_size / 1e6, 3),
            "latest_modified": MetadataValue.timestamp(stat.st_mtime),
            "status": "present",
        },
        data_version=_files_version([path]),
    )


def _describe(config: SampleConfig, sample: Sample) -> list[str]:
    return [
        *option("user-name", config.user_name or sample.user),
        *option("sample-name", config.sample_name or sample.sample),
        *option("sample-description", config.sample_description),
        *option("sequencing-type", config.sequencing_type),
        *option("species", config.species),
        *option("reference-genome", config.reference_genome),
    ]


def _columns(config: TableConfig) -> list[str]:
    return [
        *option("info-fields", config.info_fields),
        *option("format-fields", config.format_fields),
        *option("no-formats", not config.with_formats),
    ]


def _output_name(asset_name: str, config: TableConfig) -> str:
    """The output's file name; the folder is the partition's, whatever the config says."""
    if config.output_path is None:
        return f"{asset_name}.parquet"
    name = config.output_path
    if name != os.path.basename(name) or name in ("", ".", "..") or name.startswith("."):
        raise PartitionError(
            f"output_path: expected a file name inside the partition's folder, found {name!r}"
        )
    return name


def _run_in(
    context: AssetExecutionContext,
    varjoin: VarjoinResource,
    folder: OutputFolder,
    output: Path,
    args: Sequence[str],
    checks: Sequence[str],
) -> tuple[MaterializeResult, Path]:
    """The program alone on one output, and its run record beside it."""
    name = context.asset_key.path[-1]
    report = folder.path / f"{name}.run.json"
    # Under another name until the run is known to be good: the record of the output that stands
    # is not replaced by that of a run which failed.
    failed = folder.path / f"{name}.failed.run.json"
    holder = f"Dagster run {context.run.run_id} (process {os.getpid()})"
    with folder.lock(output.name, holder, varjoin.lock_wait_sec) as lock_fd:
        result = run_pipes(
            context, [varjoin.binary(), *args], checks=checks, lock_fd=lock_fd,
            env={"VARJOIN_REPORT": str(failed)},
        )
        os.replace(failed, report)
    return result, report


def _run(
    context: AssetExecutionContext,
    varjoin: VarjoinResource,
    config: TableConfig,
    args: Sequence[str],
    source: str,
    checks: Sequence[str],
) -> MaterializeResult:
    """The program on one partition, alone there, with its output in the partition's folder."""
    sample = parse_key(context.partition_key)
    with varjoin.folder(sample) as folder:
        output = folder.path / _output_name(context.asset_key.path[-1], config)
        words = [
            *args, *_describe(config, sample),
            *option("compression", config.compression),
            *option("threads", config.threads or varjoin.threads),
            "-o", str(output), source,
        ]
        result, report = _run_in(context, varjoin, folder, output, words, checks)
    extra: dict[str, Any] = {
        "partition_key": MetadataValue.text(context.partition_key),
        "run_record": MetadataValue.path(str(report)),
    }
    return result._replace(metadata={**(result.metadata or {}), **extra})


@asset(
    partitions_def=user_vcf_files,
    deps=[user_vcf_source],
    kinds={"parquet"},
    pool=POOL,
    io_manager_key=IO_MANAGER_KEY,
    code_version=__version__,
    check_specs=_checks("user_vcf_normalized", [_ROW_CHECK, _MEMORY_CHECK]),
    description="One typed row per allele of the sample's VCF.",
)
def user_vcf_normalized(
    context: AssetExecutionContext, config: NormalizeConfig, varjoin: VarjoinResource
) -> MaterializeResult:
    try:
        source = varjoin.source(parse_key(context.partition_key), config.vcf_path)
        args = [
            "normalize", *_columns(config),
            *option("apply-filters", config.pass_filters),
            *option("min-dp", config.min_depth),
            *option("min-qual", config.min_qual),
            *option("min-gq", config.min_gq),
            *option("memory", config.memory_limit or varjoin.memory_limit),
        ]
        return _run(context, varjoin, config, args, str(source), [_ROW_CHECK, _MEMORY_CHECK])
    except PartitionError as error:
        raise _refuse(error) from None
    except VarjoinError as error:
        raise failure_of(error) from None


# ---- annotations ----


class Attempt:
    """One way to run a join: when memory runs out, the next one is tried."""

    def __init__(self, engine: str, args: Sequence[str] = ()) -> None:
        self.engine = engine
        self.args = [f"--engine={engine}", *args]


def _source_of(
    context: AssetExecutionContext, config: AnnotationConfig, varjoin: VarjoinResource
) -> tuple[str, list[str]]:
    """What to annotate, and the options for its columns."""
    sample = parse_key(context.partition_key)
    if config.reads_vcf():
        return str(varjoin.source(sample, config.vcf_path)), _columns(config)
    shown = option("source-vcf", varjoin.source(sample))
    path = varjoin.output_path(context.partition_key, "user_vcf_normalized")
    if not path.is_file():
        raise PartitionError(f"{path} is not there: materialise user_vcf_normalized first")
    return str(path), shown


def _annotate(
    context: AssetExecutionContext,
    config: AnnotationConfig,
    varjoin: VarjoinResource,
    attempts: Sequence[Attempt],
) -> MaterializeResult:
    attempt_i = min(context.retry_number, len(attempts) - 1)
    attempt = attempts[attempt_i]
    try:
        source, columns = _source_of(context, config, varjoin)
        args = [
            "annotate", *varjoin.database_args(), *columns, *attempt.args,
            *option("join-columns", config.join_columns),
        ]
        return _run(
            context, varjoin, config, args, source, [_ROW_CHECK, _MATCH_CHECK, _MEMORY_CHECK]
        )
    except PartitionError as error:
        raise _refuse(error) from None
    except VarjoinError as error:
        if error.out_of_memory and attempt_i + 1 < len(attempts):
            following = attempts[attempt_i + 1]
            context.log.warning(
                "%s ran out of memory (%s); the next attempt: %s",
                attempt.engine, error, " ".join(following.args),
            )
            raise RetryRequested(max_retries=len(attempts) - 1) from error
        raise failure_of(error) from None


def _annotated(name: str, engine: str, deps: Sequence[Any], description: str) -> dict[str, Any]:
    """What the three annotated assets share."""
    return {
        "name": name,
        "partitions_def": user_vcf_files,
        "deps": [*deps, user_vcf_source, user_vcf_normalized],
        "kinds": {"parquet", engine},
        "pool": POOL,
        "io_manager_key": IO_MANAGER_KEY,
        "code_version": __version__,
        "check_specs": _checks(name, [_ROW_CHECK, _MATCH_CHECK, _MEMORY_CHECK]),
        "description": description,
    }


def _memory(limit: Optional[str]) -> list[str]:
    return option("memory", limit)


@asset(
    **_annotated(
        "user_annotated_vcf", "polars", [ensembl_annotations],
        "The sample joined with the databases by Polars; by DuckDB when memory does not do.",
    )
)
def user_annotated_vcf(
    context: AssetExecutionContext, config: AnnotationConfig, varjoin: VarjoinResource
) -> MaterializeResult:
    memory = _memory(config.memory_limit)
    return _annotate(
        context, config, varjoin, [Attempt("polars", memory), Attempt("duckdb", memory)]
    )


@asset(
    **_annotated(
        "user_annotated_vcf_duckdb", "duckdb", [ensembl_duckdb],
        "The sample joined with the databases by DuckDB, larger than memory if need be.",
    )
)
def user_annotated_vcf_duckdb(
    context: AssetExecutionContext, config: DuckDBAnnotationConfig, varjoin: VarjoinResource
) -> MaterializeResult:
    args = [
        *option("temp-dir", config.temp_directory),
        *option("any-order", not config.preserve_insertion_order),
    ]
    # Without order, and with one thread, DuckDB holds far less at a time.
    frugal = [*option("temp-dir", config.temp_directory), "--any-order", "--threads=1"]
    memory = _memory(config.memory_limit)
    return _annotate(
        context, config, varjoin,
        [Attempt("duckdb", [*memory, *args]), Attempt("duckdb", [*memory, *frugal])],
    )


@asset(
    **_annotated(
        "user_annotated_vcf_native", "varjoin", [ensembl_annotations],
        "The sample joined with the databases by varjoin's own engine, within a fixed memory.",
    )
)
def user_annotated_vcf_native(
    context: AssetExecutionContext, config: AnnotationConfig, varjoin: VarjoinResource
) -> MaterializeResult:
    memory = _memory(config.memory_limit or varjoin.memory_limit)
    return _annotate(
        context, config, varjoin, [Attempt("native", memory), Attempt("duckdb")]
    )


ASSETS: list[AssetsDefinition | AssetSpec] = [
    ensembl_hf_dataset,
    ensembl_annotations,
    ensembl_duckdb,
    user_vcf_source,
    user_vcf_normalized,
    user_annotated_vcf,
    user_annotated_vcf_duckdb,
    user_annotated_vcf_native,
]
ANNOTATED = [
    AssetKey("user_annotated_vcf"),
    AssetKey("user_annotated_vcf_duckdb"),
    AssetKey("user_annotated_vcf_native"),
]
