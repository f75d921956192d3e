"""Jobs over the assets; all partitioned ones take a partition ``user/sample``."""

from dagster import AssetSelection, define_asset_job

_SAMPLE = AssetSelection.assets("user_vcf_source", "user_vcf_normalized")


def _job(name: str, *assets: str, description: str):  # type: ignore[no-untyped-def]
    return define_asset_job(
        name,
        selection=_SAMPLE | AssetSelection.assets(*assets) if assets else _SAMPLE,
        description=description,
    )


build_ensembl_duckdb_job = define_asset_job(
    "build_ensembl_duckdb_job",
    selection=AssetSelection.assets("ensembl_annotations", "ensembl_duckdb"),
    description="The catalog of views that the DuckDB engine reads.",
)
normalize_vcf_job = _job("normalize_vcf_job", description="One typed row per allele.")
annotate_vcf_job = _job(
    "annotate_vcf_job", "user_annotated_vcf", description="Normalise, and annotate with Polars."
)
annotate_vcf_duckdb_job = _job(
    "annotate_vcf_duckdb_job", "user_annotated_vcf_duckdb",
    description="Normalise, and annotate with DuckDB.",
)
annotate_vcf_native_job = _job(
    "annotate_vcf_native_job", "user_annotated_vcf_native",
    description="Normalise, and annotate with varjoin's own engine.",
)
annotate_all_job = _job(
    "annotate_all_job",
    "user_annotated_vcf", "user_annotated_vcf_duckdb", "user_annotated_vcf_native",
    description="Normalise, and annotate with every engine.",
)

JOBS = [
    build_ensembl_duckdb_job,
    normalize_vcf_job,
    annotate_vcf_job,
    annotate_vcf_duckdb_job,
    annotate_vcf_native_job,
    annotate_all_job,
]
