"""The peers' side of the benchmark, each on its best path for the same job.

usage: peers.py polars|duckdb SAMPLE.parquet DATABASE_GLOB OUT.parquet
       peers.py polars-bio SAMPLE.vcf.gz OUT.parquet
"""

import sys

KEY = ["chrom", "start", "ref", "alt"]


def run_polars(sample: str, database: str, out: str) -> None:
    import polars as pl

    left = pl.scan_parquet(sample)
    right = pl.scan_parquet(database).rename({"id": "rsid"})
    left.join(right, on=KEY, how="left", suffix="_ensembl").sink_parquet(out)


def run_duckdb(sample: str, database: str, out: str) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"""
        COPY (
            SELECT s.*, d.* EXCLUDE (chrom, start, ref, alt)
                RENAME (id AS rsid_ensembl, "end" AS end_ensembl, qual AS qual_ensembl, filter AS filter_ensembl)
            FROM read_parquet('{sample}') s
            LEFT JOIN read_parquet('{database}') d
                ON s.chrom = d.chrom AND s.start = d.start AND s.ref = d.ref AND s.alt = d.alt
        ) TO '{out}' (FORMAT PARQUET, COMPRESSION ZSTD)
        """
    )


def run_polars_bio(sample: str, out: str) -> None:
    import polars_bio as pb

    pb.scan_vcf(sample).sink_parquet(out)


if __name__ == "__main__":
    {"polars": run_polars, "duckdb": run_duckdb, "polars-bio": run_polars_bio}[sys.argv[1]](*sys.argv[2:])
