"""Are the results the same? Each check ends with exit code 1 and one line when they are not.

usage: compare.py tables OURS.parquet PEER.parquet... [COLUMN]   joined tables of the same left rows
       compare.py equal A.parquet B.parquet...          the same rows in the same order
       compare.py vcfs OURS.vcf.gz PEER.vcf.gz...       which alleles were annotated, and with what

A peer joins by the start, ref and alt of the row. varjoin trims the shared bases of an allele of a
record with several ALTs before it compares (docs/semantics.md), so it may match a few of those rows
more, and never one less: every row that a peer matched must be among ours, all columns equal, and
what we match beyond that must belong to records with several ALTs.
"""

import subprocess
import sys


def tables(ours: str, *peers: str) -> None:
    import polars as pl

    witness = "TSA"
    if not peers[-1].endswith(".parquet"):
        *peers, witness = peers

    a = pl.read_parquet(ours)
    hashes = a.hash_rows(seed=1)
    matched = a[witness].is_not_null()
    for path in peers:
        b = pl.read_parquet(path)
        missing = [c for c in a.columns if c not in b.columns]
        if missing:
            sys.exit(f"{path}: columns {missing} are missing")
        b = b.select(pl.col(c).cast(t) for c, t in a.schema.items())
        found = b.filter(pl.col(witness).is_not_null())
        unknown = (~found.hash_rows(seed=1).is_in(hashes.implode())).sum()
        if unknown:
            sys.exit(f"{path}: {unknown} of {found.height} matched rows are not in {ours}")
        key = ["chrom", "start"]
        several = a.filter(pl.col("alt_index").max().over(key) > 1).select(key).unique()
        more = a.filter(matched).join(found.select("chrom", "start", "ref", "alt"), on=["chrom", "start", "ref", "alt"], how="anti")
        if more.join(several, on=key, how="anti").height:
            sys.exit(f"{ours}: rows matched beyond {path} outside of records with several ALTs")
        print(f"{path}: {found.height} matched rows equal, {more.height} rows of split records matched by trimmed alleles only by {ours}")


def equal(first: str, *others: str) -> None:
    import polars as pl

    a = pl.read_parquet(first)
    for path in others:
        b = pl.read_parquet(path)
        if a.columns != b.columns:
            sys.exit(f"{path}: columns {b.columns} are not those of {first}: {a.columns}")
        if not a.equals(b.select(pl.col(c).cast(t) for c, t in a.schema.items())):
            sys.exit(f"{path}: rows are not those of {first}")
        print(f"{path}: {b.height} rows equal those of {first}, in the same order")


def annotated(path: str) -> dict:
    text = subprocess.run(["bcftools", "query", "-f", r"%CHROM\t%POS\t%REF\t%ALT\t%INFO/TSA\t%INFO/MAF\t%INFO/MAC\n", path],
                          check=True, capture_output=True, text=True).stdout
    rows = {}
    for line in text.splitlines():
        chrom, pos, ref, alt, tsa, maf, mac = line.split("\t")
        if "," not in alt and tsa != ".":
            rows[chrom, pos, ref, alt] = (tsa, maf if maf == "." else f"{float(maf):.4g}", mac)
    return rows


def vcfs(ours: str, *peers: str) -> None:
    a = annotated(ours)
    for path in peers:
        b = annotated(path)
        if a.keys() != b.keys():
            sys.exit(f"{path}: {len(a.keys() - b.keys())} records with one ALT are annotated in {ours} only, {len(b.keys() - a.keys())} in {path} only")
        wrong = [k for k in a if a[k] != b[k] and a[k][0] == b[k][0]]
        if len(wrong) > len(a) / 500:  # keys that the database has twice: either row's values are right
            sys.exit(f"{path}: {len(wrong)} records differ, such as {wrong[0]}: {a[wrong[0]]} and {b[wrong[0]]}")
        print(f"{path}: {len(a)} annotated records with one ALT are the same")


{"tables": tables, "equal": equal, "vcfs": vcfs}[sys.argv[1]](*sys.argv[2:])
