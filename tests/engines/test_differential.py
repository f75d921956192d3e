"""Native = DuckDB = Polars = an oracle, on seeded hard cases: rows and their order, types, content hash.

As a script, for long runs:  test_differential.py [--cases N] [--seed N] [--minutes N]
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

for _module in ("pyarrow", "polars", "duckdb"):
    pytest.importorskip(_module, reason="the generator writes databases with it")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import cases  # noqa: E402
import differential  # noqa: E402
import engines  # noqa: E402
import oracle  # noqa: E402

CASES_PER_BATCH = 26
BATCHES = range(12)


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_the_engine_is_here(engine):
    if reason := engines.absent(engine):
        pytest.skip(reason)


@pytest.mark.parametrize("seed", BATCHES)
def test_engines_agree_with_the_oracle(varjoin_bin, seed):
    batch = cases.make_batch(seed, CASES_PER_BATCH)
    odd = differential.check(varjoin_bin, batch, engines.present())[0]
    if odd:
        pytest.fail(differential.story(varjoin_bin, batch, odd), pytrace=False)


def agree(varjoin_bin, batch):
    odd, expected, *_ = differential.check(varjoin_bin, batch, engines.present())
    if odd:
        pytest.fail(differential.story(varjoin_bin, batch, odd), pytrace=False)
    return expected


def test_no_record_and_no_row(varjoin_bin):
    """S-2, S-28: columns and types stay, rows are none or unannotated."""
    batch = cases.make_batch(3, 4)
    empty = cases.without_records(batch, set())
    assert agree(varjoin_bin, empty).table.rows == []
    for d, database in enumerate(batch.databases):
        for f in range(len(database.files)):
            batch = cases.without_rows(batch, d, f, set())
    assert agree(varjoin_bin, batch).table.rows
    agree(varjoin_bin, cases.without_records(batch, set()))


@pytest.mark.parametrize("seed", ["error 2", "error 3", "error 4"])
def test_duplicates_are_refused_alike(varjoin_bin, seed):
    """S-39: --duplicates error is exit 2 in every engine, or the same rows where no key is twice."""
    batch = cases.make_batch(seed, 6)
    plain = oracle.Options()
    batch.options.columns, batch.options.regions, batch.options.join = plain.columns, plain.regions, plain.join
    batch = replace(batch, options=replace(batch.options, duplicates="error"))
    assert agree(varjoin_bin, batch).code == 2
    single = batch
    for d, database in enumerate(batch.databases):
        for f, file in enumerate(database.files):
            keys = [tuple(str(row.get(cases.key_name(file.columns, p))).upper() for p in ("chrom", "start"))
                    for _, row in file.rows]
            first = {i for i, k in enumerate(keys) if f == 0 and k not in keys[:i]}
            single = cases.without_rows(single, d, f, first)
    assert agree(varjoin_bin, single).code == 0


@pytest.mark.parametrize("seed", ["columns 1", "columns 2"])
def test_other_join_columns(varjoin_bin, tmp_path, seed):
    """S-38: DuckDB and Polars agree where the native engine does not apply, and it says so."""
    batch = cases.make_batch(seed, 12)
    args, _ = cases.write_batch(batch, tmp_path)
    batch.options.join, batch.options.columns = ("chrom", "start"), None
    found = {e: differential.run_engine(varjoin_bin, e, batch, args, tmp_path) for e in engines.present()}
    assert found["native"].code == 2 and "use --engine duckdb or polars" in found["native"].text
    if {"duckdb", "polars"} <= set(found):
        assert found["duckdb"].code == 0
        assert differential.difference(found["duckdb"], found["polars"]) is None


def test_symbolic_alleles_match_by_other_columns(varjoin_bin, tmp_path):
    """S-38: where alleles are not compared, those that never match by allele match by the columns named."""
    alts = ["<DEL>", "*", ".", "N[2:5[", "G"]
    lines = [f"chr1\t{100 + i}\t.\tC\t{alt}\t.\tPASS\t." for i, alt in enumerate(alts)]
    (tmp_path / "in.vcf").write_text("\n".join(["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
                                                *lines]) + "\n")
    rows = [("1", 100, "C", "<DUP>"), ("1", 101, "C", None), ("1", 102, None, "T"), ("1", 103, "C", "G|<DEL>"), ("1", 104, "C", "*"),
            ("1", None, "C", "G"), (None, 104, "C", "G")]
    pq.write_table(pa.table({n: [row[i] for row in rows] for i, n in enumerate(("chrom", "start", "ref", "alt"))} |
                            {"note": [f"n{i}" for i in range(len(rows))]}), tmp_path / "db.parquet")
    hashes = set()
    for engine in (e for e in engines.present() if e != "native"):
        for columns, expected in (("chrom,start", ["n0", "n1", "n2", "n3", "n4"]), ("chrom,start,ref,alt", [None] * 5)):
            done = engines.run(varjoin_bin, ["annotate", "-q", *engines.engine_args(engine), "--join-columns", columns,
                                             "--start-base", "1", "-a", f"db={tmp_path}/db.parquet", tmp_path / "in.vcf",
                                             "-o", tmp_path / f"{engine}.parquet", "--no-version"])
            assert done.code == 0, done.stderr
            table = pq.read_table(tmp_path / f"{engine}.parquet")
            assert table["note"].to_pylist() == expected, (engine, columns)
            assert table["start"].to_pylist() == [100, 101, 102, 103, 104]


def test_start_base_by_a_row_in_the_middle(varjoin_bin):
    """S-30: rows that tell nothing at both ends of a database do not hide those that do."""
    columns = [("chrom", pa.string()), ("start", pa.int64()), ("ref", pa.string()), ("alt", pa.string()),
               ("end", pa.int64())]
    rows = [("1", 50, "T", "<DEL>", 51), ("1", 99, "C", "G", 100), ("1", 200, None, "A", 201)]
    writer = {"by": "pyarrow", "rows": 1, "codec": "none", "version": "2.6", "page": "1.0", "dictionary": True,
              "stats": True, "index": False, "page_bytes": 1000}
    file = cases.File(columns, [(0, dict(zip([n for n, _ in columns], row))) for row in rows], writer)
    batch = cases.Batch("by hand", ["##fileformat=VCFv4.2"], [], [(0, "1\t100\t.\tC\tG\t.\t.\t.")],
                        [cases.Base("db", [file], None, "file")], oracle.Options())
    assert agree(varjoin_bin, batch).table.rows[0][-1] == 100


def test_the_oracle_by_hand():
    """The oracle itself, on rows that were worked out on paper."""
    vcf = ("##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n"
           "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
           "chr1\t100\t.\tCTT\tCT,TTT\t.\tPASS\tAF=0.5,0.25\n"
           "M\t7\trs1\ta\tg\t1\t.\t.\n")
    columns = [("chrom", "string"), ("start", "int64"), ("ref", "string"), ("alt", "string"), ("id", "string")]
    rows = [["1", 100, "C", "T", "snv"], ["CHR1", 100, "CT", "C|<DEL>", "deletion"], ["MT", 7, "A", "G", "m"],
            ["1", 100, "CTT", "CT", "not trimmed"]]
    table, _ = oracle.join(vcf, [oracle.Database("db", [oracle.Table(columns, rows)])])
    assert [(r[1], r[5], r[6], r[-2], r[-1]) for r in table.rows] == [
        (100, "CT", 1, 0.5, "deletion"), (100, "TTT", 2, 0.25, "snv"), (7, "g", 1, None, "m")]
    assert table.columns[-1] == ("rsid_db", "string")


# ---- script ----


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=60, help="cases answered by one run of each engine")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first difference")
    parser.add_argument("--bin", default=os.environ.get("VARJOIN_BIN"), required="VARJOIN_BIN" not in os.environ)
    args = parser.parse_args()
    end = time.monotonic() + 60 * args.minutes
    names, done, failed, batch_i = engines.present(), 0, 0, 0
    print(f"engines: {', '.join(names)} and the oracle", flush=True)
    while done < args.cases and time.monotonic() < end:
        batch = cases.make_batch(f"{args.seed}/{batch_i}", args.batch)
        odd = differential.check(args.bin, batch, names)[0]
        done, batch_i = done + args.batch, batch_i + 1
        if odd:
            failed += 1
            print(differential.story(args.bin, batch, odd), flush=True)
            if not args.keep_going:
                break
        if batch_i % 20 == 0:
            print(f"{done} cases, {failed} batches that differ", flush=True)
    print(f"{done} cases of seed {args.seed}: {failed} batches differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
