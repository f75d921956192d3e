"""Dagster assets that run varjoin: ``pip install varjoin[dagster]``.

``dagster dev -m varjoin.dagster.definitions`` shows them as they are; a project of its own takes
``build_definitions`` or single assets from here.
"""

from varjoin.dagster.assets import (
    ASSETS,
    IO_MANAGER_KEY,
    POOL,
    ensembl_annotations,
    ensembl_duckdb,
    ensembl_hf_dataset,
    user_annotated_vcf,
    user_annotated_vcf_duckdb,
    user_annotated_vcf_native,
    user_vcf_files,
    user_vcf_normalized,
    user_vcf_source,
)
from varjoin.dagster.config import (
    AnnotationConfig,
    DuckDBAnnotationConfig,
    NormalizeConfig,
    SampleConfig,
    TableConfig,
)
from varjoin.dagster.jobs import (
    JOBS,
    annotate_all_job,
    annotate_vcf_duckdb_job,
    annotate_vcf_job,
    annotate_vcf_native_job,
    build_ensembl_duckdb_job,
    normalize_vcf_job,
)
from varjoin.dagster.pipes import WholeLineReader, run_pipes
from varjoin.dagster.resources import VarjoinPathIOManager, VarjoinResource
from varjoin.dagster.sensors import discover_user_vcf_files

__all__ = [
    "ASSETS",
    "IO_MANAGER_KEY",
    "JOBS",
    "POOL",
    "AnnotationConfig",
    "DuckDBAnnotationConfig",
    "NormalizeConfig",
    "SampleConfig",
    "TableConfig",
    "VarjoinPathIOManager",
    "VarjoinResource",
    "WholeLineReader",
    "annotate_all_job",
    "annotate_vcf_duckdb_job",
    "annotate_vcf_job",
    "annotate_vcf_native_job",
    "build_ensembl_duckdb_job",
    "discover_user_vcf_files",
    "ensembl_annotations",
    "ensembl_duckdb",
    "ensembl_hf_dataset",
    "normalize_vcf_job",
    "run_pipes",
    "user_annotated_vcf",
    "user_annotated_vcf_duckdb",
    "user_annotated_vcf_native",
    "user_vcf_files",
    "user_vcf_normalized",
    "user_vcf_source",
]
