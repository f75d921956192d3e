"""Tuned databases as other programs see them: pyarrow, Polars and DuckDB open the files; the view, the
Python package, Arrow, verify, --head and the catalog give the columns that the source had."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")
pq = pytest.importorskip("pyarrow.parquet")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import varjoin  # noqa: E402


@pytest.fixture(scope="module")
def world(varjoin_bin, tmp_path_factory):
    """A simulated database with 60,000 rows on two contigs, as it is and built."""
    folder = tmp_path_factory.mktemp("reference")

    def run(*words):
        done = subprocess.run([varjoin_bin, *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("simulate", "-q", "--rows", 60000, "--contigs", "21,22", "-o", folder / "source")
    run("reference", "build", "-q", "--release", "r1", "-o", folder / "tuned", folder / "source")
    return folder, run


def source_rows(folder):
    return pl.scan_parquet(folder / "source" / "*.parquet").collect()


def test_files_open_everywhere(world):
    folder, _ = world
    files = sorted((folder / "tuned").glob("*.parquet"))
    assert len(files) == 2
    for file in files:
        rows = pq.read_table(file).num_rows
        assert rows == len(pl.read_parquet(file))
        assert rows == duckdb.sql(f"SELECT count(*) FROM read_parquet('{file}')").fetchall()[0][0]
        assert json.loads(pq.read_metadata(file).metadata[b"varjoin.layout"])["version"] == 1


def test_built_is_no_larger(world):
    folder, _ = world
    size = {name: sum(f.stat().st_size for f in (folder / name).glob("*.parquet")) for name in ("source", "tuned")}
    assert size["tuned"] <= size["source"], size


def test_polars_sees_the_source(world):
    folder, _ = world
    scan = varjoin.scan_reference(folder / "tuned")
    source = source_rows(folder)
    assert scan.collect_schema() == source.schema
    assert scan.collect().equals(source)
    some = pl.col("start").is_between(source["start"][100], source["start"][2000])
    assert scan.filter(some).collect().equals(source.filter(some))
    assert "SELECTION" in scan.filter(some).explain()
    assert varjoin.scan_reference(folder / "source").collect().equals(source)


def test_the_view_sees_the_source(world, monkeypatch):
    folder, _ = world
    monkeypatch.chdir(folder / "tuned")
    con = duckdb.connect()
    con.execute((folder / "tuned" / "view.sql").read_text())
    assert con.execute("DESCRIBE reference").fetchall() == con.execute(
        f"DESCRIBE SELECT * FROM read_parquet('{folder}/source/*.parquet')").fetchall()
    for a, b in (("reference", f"read_parquet('{folder}/source/*.parquet')"),
                 (f"read_parquet('{folder}/source/*.parquet')", "reference")):
        assert con.execute(f"SELECT count(*) FROM (FROM {a} EXCEPT ALL FROM {b})").fetchone()[0] == 0


def test_catalog_sees_the_source(world, monkeypatch):
    folder, run = world
    library = os.environ.get("VARJOIN_DUCKDB_LIB")
    if not library:
        pytest.skip("VARJOIN_DUCKDB_LIB names no DuckDB library")
    run("catalog", "-o", folder / "all.duckdb", f"built={folder / 'tuned'}")
    con = duckdb.connect(str(folder / "all.duckdb"), read_only=True)
    left = con.execute(f"SELECT count(*) FROM (FROM built EXCEPT ALL FROM read_parquet('{folder}/source/*.parquet'))")
    assert left.fetchone()[0] == 0


def test_content_hash_and_head(world):
    folder, run = world
    for tuned, source in zip(sorted((folder / "tuned").glob("*.parquet")),
                             sorted((folder / "source").glob("*.parquet"))):
        found = [re.search(r"vjh1:\w+", run("verify", f)).group() for f in (tuned, source)]
        assert found[0] == found[1]
        assert run("inspect", "--head", 50, tuned) == run("inspect", "--head", 50, source)


def test_info_shows_what_is_inside(world):
    folder, run = world
    info = json.loads(run("reference", "info", "--json", folder / "tuned"))
    assert (info["layout"], info["release"], info["rows"]) == ("tuned", "r1", 60000)
    assert info["source_checksum"].startswith("xxh3:") and "page-rows=4096" in info["parameters"]
    stored = {c["name"]: c["stored"] for c in info["columns"]}
    assert list(stored) == source_rows(folder).columns
    assert stored["id"].startswith("rs + number") and stored["ref"] == "part of vj_allele"
    assert sum(c["bytes"] for c in info["storage"]) <= info["bytes"]
    assert "layout          tuned" in run("reference", "info", folder / "tuned")


def test_rebuilt_from_tuned_is_the_same(world):
    """A built database is a database: building it again, plain, gives the source's rows."""
    folder, run = world
    run("reference", "build", "-q", "--layout", "plain", "-o", folder / "plain", folder / "tuned")
    assert pl.scan_parquet(folder / "plain" / "*.parquet").collect().equals(source_rows(folder))


def test_records_without_an_allele_are_left_out_and_counted(varjoin_bin, tmp_path):
    lines = ["##fileformat=VCFv4.3", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
             "1\t10\ta\tA\tC\t.\t.\t.", "1\t11\tb\tG\t.\t.\t.\t.", "1\t12\tc\tG\tT\t.\t.\t."]
    (tmp_path / "in.vcf").write_text("\n".join(lines) + "\n")
    done = subprocess.run([varjoin_bin, "reference", "build", "-o", tmp_path / "db", tmp_path / "in.vcf"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and "1 rows have no value in a key column" in done.stderr, done.stderr
    assert varjoin.scan_reference(tmp_path / "db").collect()["start"].to_list() == [10, 12]
