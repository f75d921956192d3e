"""Key-values added to the footers of files that pyarrow, Polars and DuckDB wrote."""

import os
import subprocess
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"start": [5, 7, None] * 500, "alt": ["A", "é", None] * 500, "gt": [["A", "T"], [], None] * 500}


@pytest.fixture(scope="module")
def add_kvs():
    for path in (os.environ.get("VJ_ADD_KVS"), ROOT / "build/dev/tests/add_kvs"):
        if path and Path(path).is_file():
            return lambda *args: subprocess.run([path, *args], capture_output=True, text=True, timeout=60)
    pytest.skip("the test program add_kvs is not built")


def write_pyarrow(path):
    pq.write_table(pa.table(ROWS), path, row_group_size=700, write_page_index=True)


def write_polars(path):
    pytest.importorskip("polars").DataFrame(ROWS).write_parquet(path)


def write_duckdb(path):
    ours = pa.table(ROWS)  # found by its name in the query
    pytest.importorskip("duckdb").connect().execute(f"copy (select * from ours) to '{path}' (format parquet)")
    del ours


def write_duckdb_with_kvs(path):
    ours = pa.table(ROWS)  # found by its name in the query
    pytest.importorskip("duckdb").connect().execute(
        f"copy (select * from ours) to '{path}' (format parquet, kv_metadata {{'varjoin.rows': 'old', other: 'stays'}})"
    )
    del ours


@pytest.mark.parametrize("write", [write_pyarrow, write_polars, write_duckdb, write_duckdb_with_kvs])
def test_rows_stay_and_kvs_are_read(add_kvs, tmp_path, write):
    path = tmp_path / "a.parquet"
    write(path)
    before = pq.ParquetFile(path)
    old = dict(before.metadata.metadata or {})
    columns = [before.metadata.row_group(0).column(i).to_dict() for i in range(before.metadata.num_columns)]
    done = add_kvs(path, "varjoin.rows=1500", "varjoin.command=a b c")
    assert (done.returncode, done.stderr) == (0, "")
    after = pq.ParquetFile(path)
    assert dict(after.metadata.metadata) == {**old, b"varjoin.rows": b"1500", b"varjoin.command": b"a b c"}
    assert [after.metadata.row_group(0).column(i).to_dict() for i in range(after.metadata.num_columns)] == columns
    assert after.metadata.created_by == before.metadata.created_by
    assert after.read().to_pydict() == ROWS
    assert pytest.importorskip("polars").read_parquet(path).to_dict(as_series=False) == ROWS
    con = pytest.importorskip("duckdb").connect()
    assert con.execute(f"select count(*), sum(start) from read_parquet('{path}')").fetchall() == [(1500, 6000)]


def test_what_is_no_parquet_file_is_refused_and_kept(add_kvs, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then something else, long enough")
    done = add_kvs(path, "a=b")
    assert done.returncode == 2
    assert done.stderr == f"add_kvs: {path}: expected PAR1 as the last four bytes, while adding provenance to the footer\n"
    assert path.read_bytes() == b"PAR1 and then something else, long enough"
