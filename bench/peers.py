"""The peers' side of the benchmark, each on its best path for the same job.

usage: peers.py polars|duckdb SAMPLE.parquet DATABASE_GLOB OUT.parquet [COLUMN]
       peers.py polars-keyed KEYED.parquet DATABASE_GLOB OUT.parquet   the Polars engine's query by hand
       peers.py polars-bio SAMPLE.vcf.gz OUT.parquet
       peers.py reference-bcf DATABASE_GLOB OUT.bcf      the database as bcftools reads it fastest
"""

import sys

KEY = ["chrom", "start", "ref", "alt"]


def run_polars(sample: str, database: str, out: str, column: str | None = None) -> None:
    import polars as pl

    left = pl.scan_parquet(sample)
    right = pl.scan_parquet(database).rename({"id": "rsid"})
    if column is not None:
        right = right.select(*KEY, column)
    left.join(right, on=KEY, how="left", suffix="_ensembl").sink_parquet(out)


def run_polars_keyed(keyed: str, database: str, out: str) -> None:
    """Database rows at a place of the sample first, in one streaming scan; then alleles on those few."""
    import polars as pl

    left = pl.scan_parquet(keyed)
    right = pl.scan_parquet(database, row_index_name="i")
    places = left.select("__vj_contig", pl.col("__vj_pos").cast(pl.UInt32)).drop_nulls().unique().collect()
    starts = places["__vj_pos"].unique()
    at_hand = pl.col("start").is_between(starts.min(), starts.max()) & pl.col("start").is_in(starts.implode())
    near = right.filter(at_hand).join(
        places.lazy(), left_on=["chrom", "start"], right_on=["__vj_contig", "__vj_pos"], how="semi").collect(engine="streaming")
    alleles = near.select("i", "chrom", pl.col("start").cast(pl.Int64), pl.col("ref", "alt").str.to_uppercase())
    several = alleles["alt"].str.contains("[,|]")
    if several.any():
        sys.exit("this script takes databases with one ALT a row")
    keys = left.select("__vj_row", "__vj_contig", "__vj_pos", "__vj_ref", "__vj_alt").drop_nulls()
    pairs = keys.join(alleles.lazy(), left_on=keys.collect_schema().names()[1:], right_on=KEY).select("__vj_row", "i")
    rows = left.select("__vj_row").join(pairs.sort("__vj_row", "i"), on="__vj_row", how="left", maintain_order="left_right")
    names = [n for n in left.collect_schema().names() if not n.startswith("__vj_")]
    wanted = {n: "rsid" if n == "id" else n for n in near.columns if n not in (*KEY, "i")}
    payload = near.lazy().select("i", *(pl.col(n).alias(w + "_ensembl" if w in names else w) for n, w in wanted.items()))
    table = rows.join(left, on="__vj_row", how="left", maintain_order="left").join(payload, on="i", how="left", maintain_order="left")
    table.drop("i", "__vj_row", "__vj_contig", "__vj_pos", "__vj_ref", "__vj_alt").sink_parquet(out)


def run_duckdb(sample: str, database: str, out: str, column: str | None = None) -> None:
    import duckdb

    columns = f"d.{column}" if column is not None else """d.* EXCLUDE (chrom, start, ref, alt)
                RENAME (id AS rsid_ensembl, "end" AS end_ensembl, qual AS qual_ensembl, filter AS filter_ensembl)"""
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"""
        COPY (
            SELECT s.*, {columns}
            FROM read_parquet('{sample}') s
            LEFT JOIN read_parquet('{database}') d
                ON s.chrom = d.chrom AND s.start = d.start AND s.ref = d.ref AND s.alt = d.alt
        ) TO '{out}' (FORMAT PARQUET, COMPRESSION ZSTD)
        """
    )


def run_polars_bio(sample: str, out: str) -> None:
    import polars_bio as pb

    pb.scan_vcf(sample).sink_parquet(out)


def reference_bcf(database: str, out: str) -> None:
    import subprocess

    import polars as pl

    table = pl.scan_parquet(database)
    types = table.collect_schema()
    flags = [n for n, t in types.items() if t == pl.Boolean]
    values = [n for n, t in types.items() if n not in ("chrom", "start", "end", "id", "ref", "alt", "qual", "filter") and t != pl.Boolean]
    kinds = {pl.String: "String", pl.Float32: "Float", pl.Int32: "Integer"}
    contigs = table.select(pl.col("chrom").unique(maintain_order=True)).collect()["chrom"].to_list()
    cells = [pl.when(pl.col(n)).then(pl.lit(n + ";")).otherwise(pl.lit("")) for n in flags]
    cells += [pl.when(pl.col(n).is_null()).then(pl.lit("")).otherwise(pl.format(n + "={};", pl.col(n))) for n in values]
    header = ["##fileformat=VCFv4.3", *(f"##contig=<ID=chr{c}>" for c in contigs),
              *(f'##INFO=<ID={n},Number=0,Type=Flag,Description="{n}">' for n in flags),
              *(f'##INFO=<ID={n},Number=1,Type={kinds[types[n]]},Description="{n}">' for n in values),
              "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]
    dot = pl.lit(".")
    writer = subprocess.Popen(["bcftools", "view", "--threads", "2", "-Ob", "-o", out, "-"], stdin=subprocess.PIPE)
    writer.stdin.write("\n".join(header).encode())
    table.select(pl.concat_str([pl.lit("chr"), "chrom"]), "start", "id", "ref", "alt", dot.alias("q"), dot.alias("f"),
                 pl.concat_str(cells).alias("info")).sink_csv(writer.stdin, separator="\t", include_header=False, quote_style="never")
    writer.stdin.close()
    if writer.wait() != 0:
        sys.exit("bcftools view failed")


if __name__ == "__main__":
    {"polars": run_polars, "polars-keyed": run_polars_keyed, "duckdb": run_duckdb, "polars-bio": run_polars_bio, "reference-bcf": reference_bcf}[sys.argv[1]](*sys.argv[2:])
