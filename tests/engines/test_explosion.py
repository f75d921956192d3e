"""A key that stands many times on both sides: rows come out in pieces, the same in every engine."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

import engines  # noqa: E402

N = 400  # more rows than a piece holds (32,768) come of each half of the input
LEFT = [(900, "G")] + [(1000, "C")] * N + [(1000, "T"), (1500, "A")] + [(2000, "C")] * 3


@pytest.fixture
def place(tmp_path):
    head = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    lines = [f"1\t{pos}\tr{i}\tN\t{alt}\t.\tPASS\t.\n" for i, (pos, alt) in enumerate(LEFT)]
    (tmp_path / "in.vcf").write_text(head + "".join(lines))
    write(tmp_path / "many.parquet", [(900, "G")] + [(1000, "C")] * N + [(1500, "A"), (1500, "A"), (2000, "G")])
    write(tmp_path / "few.parquet", [(1000, "C")] * 2 + [(1000, "T"), (2000, "C")])
    return tmp_path


def write(path, rows):
    pq.write_table(pa.table({
        "chrom": ["1"] * len(rows), "start": pa.array([pos for pos, _ in rows], pa.uint32()),
        "ref": ["N"] * len(rows), "alt": [alt for _, alt in rows],
        path.stem: pa.array(range(len(rows)), pa.int32()),
    }), path)


def annotate(varjoin, place, engine, *options, out="o.parquet"):
    """The report; the output is at place/out."""
    done = engines.run(varjoin, [
        "annotate", "-q", *engines.engine_args(engine), "-a", f"many={place}/many.parquet", "-a",
        f"few={place}/few.parquet", "--report", place / "run.json", *options, place / "in.vcf", "-o", place / out,
        "--no-version"])
    assert done.code == 0, done.stderr
    return json.loads((place / "run.json").read_text())


def expected():
    """(id, row of many, row of few), in order: the last database goes through its rows fastest."""
    rows = []
    for i, (pos, alt) in enumerate(LEFT):
        many = {(900, "G"): [0], (1000, "C"): range(1, N + 1), (1500, "A"): [N + 1, N + 2]}.get((pos, alt), [None])
        few = {(1000, "C"): [0, 1], (1000, "T"): [2], (2000, "C"): [3]}.get((pos, alt), [None])
        rows += [(f"r{i}", m, f) for m in many for f in few]
    return rows


def test_rows_of_an_explosion_in_order(varjoin_bin, place):
    report = annotate(varjoin_bin, place, "native", "-m", "64MB")
    table = pq.read_table(place / "o.parquet")
    found = list(zip(*(table[name].to_pylist() for name in ("rsid", "many", "few"))))
    assert found == expected()
    assert find(report, "rows_out") == len(found)
    dbs = {db["name"]: db for db in report["databases"]}
    assert dbs["many"]["matched_rows"] == sum(m is not None for _, m, _ in found)
    assert dbs["few"]["matched_rows"] == sum(f is not None for _, _, f in found)
    assert dbs["many"]["duplicate_keys"] == N + 1 and dbs["few"]["duplicate_keys"] == N


def test_pieces_are_the_same_bytes(varjoin_bin, place):
    """S-57: neither threads nor the size of batches and pieces show in the file."""
    files = set()
    for i, options in enumerate((["-@", "1", "-m", "64MB"], ["-@", "3"], ["--batch-rows", "7"], ["-m", "1GB"])):
        annotate(varjoin_bin, place, "native", *options, out=f"o{i}.parquet")
        files.add((place / f"o{i}.parquet").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_engines_agree(varjoin_bin, place, engine):
    if reason := engines.absent(engine):
        pytest.skip(reason)
    reports = [annotate(varjoin_bin, place, name) for name in ("native", engine)]
    assert len({find(report, "content_hash") for report in reports}) == 1
    carried = [[db["matched_rows"] for db in report["databases"]] for report in reports]
    assert carried[0] == carried[1]


def test_vcf_takes_one_row_an_allele(varjoin_bin, place):
    report = annotate(varjoin_bin, place, "native", "-m", "64MB", out="o.vcf")
    annotate(varjoin_bin, place, "native", "--duplicates", "first", out="first.vcf")
    assert (place / "o.vcf").read_text() == (place / "first.vcf").read_text()
    assert any(f"{len(expected()) - len(LEFT)} database rows beyond the first" in text for text in report["warnings"])
    table = annotate(varjoin_bin, place, "native")
    assert find(report, "content_hash") == find(table, "content_hash")


def find(value, name):
    if isinstance(value, dict):
        if name in value:
            return value[name]
        value = list(value.values())
    return next((hit for one in value if (hit := find(one, name)) is not None), None) if isinstance(value, list) else None
