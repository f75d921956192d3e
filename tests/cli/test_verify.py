"""varjoin verify: rows and content hash of Parquet files (S-54)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def needs_verb(has_verb):
    if not has_verb("verify"):
        pytest.skip("verify is not linked")


@pytest.fixture(scope="module")
def tool():
    for path in (os.environ.get("VJ_WRITE_TABLE"), ROOT / "build/dev/tests/write_table"):
        if path and Path(path).is_file():
            return Path(path)
    pytest.skip("the test program write_table is not built")


@pytest.fixture
def make(tool, tmp_path):
    def make(name, *options, table="nested", rows=3000):
        path = tmp_path / name
        subprocess.run([tool, table, str(rows), "1", path, *options], check=True, timeout=60)
        return path

    return make


def facts(varjoin, *args, exit_code=0):
    return [json.loads(line) for line in varjoin("verify", "--json", *args, exit_code=exit_code).stdout.splitlines()]


@pytest.mark.parametrize("table", ["flat", "nested", "edges", "variants"])
def test_a_recorded_hash_is_confirmed(varjoin, make, table):
    path = make("a.parquet", "hash=1", "group=700", "page=90", table=table)
    (found,) = facts(varjoin, path)
    assert found["ok"] and found["rows"] == 3000 and found["content_hash"] == found["expected_content_hash"]


def test_layout_codec_and_threads_do_not_matter(varjoin, make):
    a = make("a.parquet", "codec=zstd")
    b = make("b.parquet", "codec=snappy", "compat=1", "group=300", "page=7")
    one, two = facts(varjoin, "--same", "-@", "1", a, b)
    three = facts(varjoin, "-@", "4", b)[0]
    assert one["content_hash"] == two["content_hash"] == three["content_hash"]
    assert one["expected_content_hash"] is None and one["ok"]


def test_files_of_other_writers(varjoin, make, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    a = make("a.parquet", table="variants")
    pq.write_table(pq.read_table(a), tmp_path / "b.parquet", row_group_size=999)
    pytest.importorskip("polars").read_parquet(a).write_parquet(tmp_path / "c.parquet")
    pytest.importorskip("duckdb").connect().execute(f"copy (from '{a}') to '{tmp_path}/d.parquet'")
    varjoin("verify", "--same", a, tmp_path / "b.parquet", tmp_path / "c.parquet", tmp_path / "d.parquet")


def test_row_order_does_not_matter_but_values_do(varjoin, make, tmp_path):
    pl = pytest.importorskip("polars")
    a = make("a.parquet", table="variants")
    frame = pl.read_parquet(a)
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(tmp_path / "b.parquet")
    varjoin("verify", "--same", a, tmp_path / "b.parquet")
    frame.with_columns(pl.col("DP") + (pl.int_range(pl.len()) == 17)).write_parquet(tmp_path / "c.parquet")
    done = varjoin("verify", "--same", a, tmp_path / "c.parquet", exit_code=4)
    assert done.stderr == f"varjoin: error: {a} and {tmp_path}/c.parquet do not hold the same rows\n"


def test_a_wrong_hash_is_exit_4(varjoin, make):
    path = make("a.parquet")
    wrong = "vjh1:" + "0" * 32
    done = varjoin("verify", "--expect", wrong, path, exit_code=4)
    assert done.stdout.endswith(": DIFFERS\n")
    assert f"{path}: expected content hash {wrong}, the rows give vjh1:" in done.stderr


def test_a_wrong_number_of_rows_is_exit_4(varjoin, make):
    add_kvs = os.environ.get("VJ_ADD_KVS", ROOT / "build/dev/tests/add_kvs")
    path = make("a.parquet")
    subprocess.run([add_kvs, path, "varjoin.rows=2999"], check=True)
    done = varjoin("verify", path, exit_code=4)
    assert done.stderr == f"varjoin: error: {path}: expected 2999 rows, found 3000\n"


def test_a_flipped_bit_is_found_by_its_page_checksum(varjoin, make):
    path = make("a.parquet", "hash=1", table="variants")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 16
    path.write_bytes(data)
    done = varjoin("verify", path, exit_code=2)
    assert str(path) in done.stderr and done.stdout == ""


def test_checksums_may_be_left_out(varjoin, tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), path, write_page_checksum=True, use_dictionary=False, compression="none")
    data = bytearray(path.read_bytes())
    data[data.index(bytes([1] + [0] * 7 + [2]))] = 9
    path.write_bytes(data)
    assert "expected checksum" in varjoin("verify", path, exit_code=2).stderr
    assert "3 rows" in varjoin("verify", "--no-checksums", path).stdout


def test_no_rows(varjoin, make):
    (found,) = facts(varjoin, make("a.parquet", "hash=1", rows=0))
    assert found["ok"] and found["rows"] == 0


def test_usage(varjoin, tmp_path):
    assert "which file?" in varjoin("verify", exit_code=1).stderr
    assert "expected vjh1:" in varjoin("verify", "--expect", "x", "y", exit_code=1).stderr
    missing = varjoin("verify", tmp_path / "none.parquet", exit_code=2)
    assert str(tmp_path / "none.parquet") in missing.stderr
