"""What the Launchpad asks for; the field names are the pipeline's."""

from typing import Optional

from dagster import Config
from pydantic import Field


class SampleConfig(Config):
    """What a run tells about its sample; all of it is shown in the metadata."""

    vcf_path: Optional[str] = Field(
        default=None, description="VCF or BCF to read instead of the partition's file in the input folder."
    )
    user_name: Optional[str] = Field(default=None, description="Default: the partition's user.")
    sample_name: Optional[str] = Field(default=None, description="Default: the partition's sample.")
    sample_description: Optional[str] = None
    sequencing_type: Optional[str] = Field(default=None, description="WGS, WES, panel, array ...")
    species: Optional[str] = "Homo sapiens"
    reference_genome: Optional[str] = "GRCh38"


class TableConfig(SampleConfig):
    """Which columns come from the VCF, and how they are stored."""

    compression: str = Field(
        default="zstd", description="zstd, zstd:LEVEL, snappy, gzip, lz4, brotli or none."
    )
    info_fields: Optional[list[str]] = Field(default=None, description="Default: all INFO fields.")
    with_formats: bool = Field(default=True, description="Keep the FORMAT fields.")
    format_fields: Optional[list[str]] = Field(default=None, description="Default: all FORMAT fields.")
    output_path: Optional[str] = Field(
        default=None, description="A path inside the partition's folder instead of ASSET.parquet."
    )
    memory_limit: Optional[str] = Field(
        default=None, description='Such as "512MB" or "8GB". Default: the resource\'s, or the engine\'s own.'
    )
    threads: Optional[int] = Field(default=None, description="Default: what the machine has.")


class NormalizeConfig(TableConfig):
    """user_vcf_normalized."""

    pass_filters: Optional[list[str]] = Field(
        default=None, description='Keep records with one of these FILTERs, such as ["PASS", "."].'
    )
    min_depth: Optional[float] = None
    min_qual: Optional[float] = None
    min_gq: Optional[float] = None


class AnnotationConfig(TableConfig):
    """user_annotated_vcf and user_annotated_vcf_native.

    The normalised table is the input, unless a field asks for other rows or columns of the VCF
    (vcf_path, info_fields, with_formats, format_fields): then the VCF is read.
    """

    join_columns: Optional[list[str]] = Field(
        default=None, description="Default: chrom, start, ref, alt."
    )

    def reads_vcf(self) -> bool:
        return bool(
            self.vcf_path or self.info_fields is not None or self.format_fields is not None
            or not self.with_formats
        )


class DuckDBAnnotationConfig(AnnotationConfig):
    """user_annotated_vcf_duckdb."""

    temp_directory: Optional[str] = Field(
        default=None, description="Where DuckDB spills. Default: beside the output."
    )
    preserve_insertion_order: bool = Field(
        default=True, description="Rows in input order; without it DuckDB needs less memory."
    )
