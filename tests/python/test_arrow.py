"""Arrow streams of the shared library, taken by pyarrow, Polars and DuckDB.

A library with sanitizers needs their runtime before Python's own: then this file runs itself
again with it.
"""

import datetime as dt
import gc
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VARJOIN_BIN", "")
LIBRARY = Path(BINARY).parent / "libvarjoin.so" if BINARY else ROOT / "build/dev/libvarjoin.so"
sys.path.insert(0, str(ROOT / "python"))

if not LIBRARY.exists():
    pytest.skip(f"no {LIBRARY}", allow_module_level=True)

SANITIZED = b"libasan" in subprocess.run(["ldd", LIBRARY], capture_output=True).stdout
READY = not SANITIZED or "libasan" in os.environ.get("LD_PRELOAD", "")
here = pytest.mark.skipif(not READY, reason="runs below, with the sanitizer's runtime")


def run_with_runtime(path):
    """The tests of this file again, where the sanitizer's runtime comes before Python's own."""
    # libstdc++ as well: without it the runtime cannot pass on the C++ exceptions of DuckDB.
    runtimes = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so.6")
    ]
    if not all(Path(runtime).exists() for runtime in runtimes):
        pytest.skip("no runtime of the sanitizer")
    env = {**os.environ, "LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0",
           "VARJOIN_LIB": str(LIBRARY)}
    with tempfile.TemporaryDirectory(prefix="varjoin-test-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/t", path],
            env=env, capture_output=True, text=True, timeout=250,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.skipif(READY, reason="no second run is needed")
def test_with_the_sanitizers_runtime():
    run_with_runtime(__file__)


@pytest.fixture(autouse=True)
def library(monkeypatch):
    monkeypatch.setenv("VARJOIN_LIB", str(LIBRARY))


@pytest.fixture
def vj():
    import varjoin

    return varjoin


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow")


FLAT = [
    ("bool", "bool_", [True, None, False]),
    ("i8", "int8", [1, None, -3]),
    ("u32", "uint32", [1, None, 2**32 - 1]),
    ("u64", "uint64", [1, None, 2**64 - 1]),
    ("f32", "float32", [1.5, None, 2.0]),
    ("f64", "float64", [1.5, None, -2.0]),
    ("text", "string", ["x", None, ""]),
    ("binary", "binary", [b"\0", None, b""]),
    ("date", "date32", [dt.date(2020, 1, 1), None, dt.date(1960, 1, 1)]),
]


def flat_table(pa):
    columns = {name: pa.array(values, getattr(pa, kind)()) for name, kind, values in FLAT}
    stamps = [dt.datetime(2020, 1, 1), None, dt.datetime(1960, 1, 1)]
    columns["ts_us"] = pa.array(stamps, pa.timestamp("us"))
    columns["ts_ns_utc"] = pa.array(stamps, pa.timestamp("ns", "UTC"))
    columns["time"] = pa.array([1, None, 3], pa.time64("us"))
    columns["fixed"] = pa.array([b"abc", None, b"def"], pa.binary(3))
    columns["dec32"] = pa.array([Decimal("1.23"), None, Decimal("-9.99")], pa.decimal128(5, 2))
    columns["dec128"] = pa.array(
        [Decimal("-" + "7" * 30), None, Decimal("9" * 38)], pa.decimal128(38, 0)
    )
    return pa.table(columns)


def nested_table(pa):
    pair = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])
    return pa.table(
        {
            "texts": pa.array([["a", None], None, []], pa.list_(pa.string())),
            "deep": pa.array([[[1], []], [], None], pa.list_(pa.list_(pa.int64()))),
            "pair": pa.array([{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}], pair),
            "decimals": pa.array([[Decimal("-1.5"), None], None, []], pa.list_(pa.decimal128(9, 1))),
        }
    )


@here
@pytest.mark.parametrize("make", [flat_table, nested_table])
def test_pyarrow_gets_the_same_table(vj, pa, tmp_path, make):
    import pyarrow.parquet as pq

    table = make(pa)
    pq.write_table(table, tmp_path / "t.parquet")
    got = pa.table(vj.open_parquet(tmp_path / "t.parquet"))
    got.validate(full=True)
    assert got.column_names == table.column_names
    for name in table.column_names:
        assert got[name].to_pylist() == table[name].to_pylist(), name
    if make is flat_table:
        assert got.schema.types == table.schema.types


@here
def test_rare_types(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "dec256": pa.array([Decimal("-1"), None, Decimal("9" * 50)], pa.decimal256(60, 0)),
            "half": pa.array([1.5, None, 2.0], pa.float16()),
            "nothing": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    got = pa.table(vj.open_parquet(tmp_path / "t.parquet"))
    got.validate(full=True)
    assert got.to_pylist() == table.to_pylist() and got.schema.types == table.schema.types


@here
def test_polars_and_duckdb_take_the_object(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    pl, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    table = flat_table(pa).drop_columns(["time"])
    pq.write_table(table, tmp_path / "t.parquet")
    stream = vj.open_parquet(tmp_path / "t.parquet")
    assert pl.DataFrame(stream).equals(pl.DataFrame(table))
    assert pl.from_arrow(stream).len() == 3
    assert duckdb.sql("SELECT count(*), sum(u32) FROM stream").fetchall() == [(3, 2**32)]
    assert duckdb.from_arrow(stream).fetchall()[0][6] == "x"


@here
def test_a_result_of_the_program(vj, pa, tmp_path, varjoin_bin, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.setenv("VARJOIN_BIN", str(varjoin_bin))
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    vj.simulate(tmp_path / "db", rows=3000, sample=tmp_path / "p.vcf.gz")
    record = vj.annotate(tmp_path / "p.vcf.gz", {"e": tmp_path / "db"}, tmp_path / "o.parquet")
    got = pa.table(vj.open_parquet(tmp_path / "o.parquet"))
    assert got.num_rows == record.metadata.num_rows
    assert got.num_columns == record.metadata.num_columns
    assert got.to_pylist() == pq.read_table(tmp_path / "o.parquet").to_pylist()


@here
def test_many_batches_and_every_consumer_from_the_first_row(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    numbers = pa.table({"n": pa.array(range(200_000), pa.int64())})
    pq.write_table(numbers, tmp_path / "n.parquet", row_group_size=70_000)
    stream = vj.open_parquet(tmp_path / "n.parquet")
    for _ in range(2):
        batches = list(pa.RecordBatchReader.from_stream(stream))
        assert [b.num_rows for b in batches] == [65536, 4464, 65536, 4464, 60000]
        assert pa.Table.from_batches(batches).equals(numbers)


@here
def test_batches_outlive_the_stream(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"t": ["a", "b"], "n": [1, 2]}), tmp_path / "n.parquet")
    reader = pa.RecordBatchReader.from_stream(vj.open_parquet(tmp_path / "n.parquet"))
    column = next(reader).column("t")
    del reader
    gc.collect()
    assert column.to_pylist() == ["a", "b"]


@here
def test_a_capsule_that_nobody_takes_is_released(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "n.parquet")
    stream = vj.open_parquet(tmp_path / "n.parquet")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        stream.__arrow_c_stream__()
    try:
        capsule = stream.__arrow_c_stream__()
        del capsule
        raise KeyError("a capsule may go while an exception is on its way")
    except KeyError:
        pass
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


@here
def test_errors_keep_their_text(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    with pytest.raises(vj.InputError, match="nowhere.parquet"):
        vj.open_parquet(tmp_path / "nowhere.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no Parquet PAR1")
    with pytest.raises(vj.InputError, match="bad.parquet"):
        vj.open_parquet(tmp_path / "bad.parquet")
    pq.write_table(pa.table({"n": list(range(100_000))}), tmp_path / "n.parquet", compression="none")
    broken = bytearray((tmp_path / "n.parquet").read_bytes())
    broken[4:40] = b"\xff" * 36
    (tmp_path / "n.parquet").write_bytes(broken)
    with pytest.raises(Exception, match="n.parquet"):
        pa.table(vj.open_parquet(tmp_path / "n.parquet"))


@here
def test_a_bound_on_memory(vj, pa, tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"n": list(range(1_000_000))}), tmp_path / "n.parquet")
    with pytest.raises(Exception, match="budget"):
        pa.table(vj.open_parquet(tmp_path / "n.parquet", memory="3MB"))
    with pytest.raises(ValueError, match="256MB"):
        vj.open_parquet(tmp_path / "n.parquet", memory="much")


@here
def test_any_table_is_written(vj, pa, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.table({
        "flag": pa.array([True, None, False, True]),
        "i8": pa.array([1, None, -3, 127], pa.int8()),
        "u64": pa.array([1, None, 3, 2**64 - 1], pa.uint64()),
        "f": pa.array([1.5, None, float("nan"), -0.0], pa.float32()),
        "text": pa.array(["a", None, "", "\u00e4" * 40]),
        "large": pa.array(["x", None, "y" * 300, ""], pa.large_string()),
        "view": pa.array(["short", None, "longer than twelve bytes", ""], pa.string_view()),
        "bin": pa.array([b"\0", None, b"", b"\xff"], pa.large_binary()),
        "coded": pa.array(["b", None, "a", "b"]).dictionary_encode(),
        "fixed": pa.array([b"abc", None, b"def", b"ghi"], pa.binary(3)),
        "money": pa.array([Decimal("1.10"), None, Decimal("-99999999999999999999.99"), Decimal("0.00")], pa.decimal128(38, 2)),
        "day": pa.array([dt.date(1969, 12, 31), None, dt.date(2024, 2, 29), dt.date(1, 1, 1)]),
        "day64": pa.array([dt.date(1969, 12, 31), None, dt.date(2024, 2, 29), dt.date(1, 1, 1)], pa.date64()),
        "seconds": pa.array([1, None, -1, 0], pa.timestamp("s")),
        "micros": pa.array([1, None, -1, 0], pa.timestamp("us", tz="UTC")),
        "clock": pa.array([1, None, 5, 0], pa.time32("s")),
        "list": pa.array([["a", None], None, [], ["b"]]),
        "lists": pa.array([[1], None, [], [2, 3]], pa.large_list(pa.int16())),
        "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}]),
        "none": pa.nulls(4),
    })
    # slices have offsets in every buffer; several batches follow each other
    for name, source in {"whole": table, "slice": table.slice(1, 3), "twice": pa.concat_tables([table, table.slice(2)])}.items():
        path = tmp_path / f"{name}.parquet"
        vj.write_parquet(source, path, compression="zstd", rows_per_rowgroup=3)
        back = pq.read_table(path)
        for column in source.column_names:
            wanted = source[column].to_pylist()
            if column == "seconds":
                assert back[column].cast(pa.timestamp("s")).to_pylist() == wanted
            elif column == "f":
                assert str(back[column].to_pylist()) == str(wanted)
            else:
                assert back[column].to_pylist() == wanted, column


@here
def test_what_cannot_be_written_is_named(vj, pa, tmp_path):
    table = pa.table({"span": pa.array([1, 2], pa.duration("s"))})
    with pytest.raises(vj.VarjoinError, match="column span: Arrow format 'tDs'"):
        vj.write_parquet(table, tmp_path / "d.parquet")
    assert list(tmp_path.iterdir()) == []


@here
def test_a_stream_that_fails_leaves_nothing(vj, pa, tmp_path):
    def batches():
        yield pa.record_batch({"a": [1, 2]})
        raise ValueError("the source broke")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches())
    with pytest.raises(vj.VarjoinError, match="the source broke"):
        vj.write_parquet(reader, tmp_path / "e.parquet")
    assert list(tmp_path.iterdir()) == []


@here
def test_tables_of_others_are_written(vj, pa, tmp_path):
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    frame = pl.DataFrame({"a": ["x", None, "a longer text than twelve"], "b": [[1], None, [2, 3]],
                          "c": pl.Series(["u", "v", "u"], dtype=pl.Categorical)})
    vj.write_parquet(frame, tmp_path / "p.parquet")
    back = pl.read_parquet(tmp_path / "p.parquet")
    assert back.to_dict(as_series=False) == frame.with_columns(pl.col("c").cast(pl.String)).to_dict(as_series=False)
    vj.write_parquet(duckdb.sql("SELECT range AS i, 'r' || range AS t FROM range(5000)"), tmp_path / "d.parquet")
    assert duckdb.sql(f"SELECT count(*), sum(i), max(t) FROM '{tmp_path}/d.parquet'").fetchall() == [(5000, 12497500, "r999")]
    vj.write_parquet(vj.open_parquet(tmp_path / "p.parquet"), tmp_path / "again.parquet")
    assert pl.read_parquet(tmp_path / "again.parquet").equals(back)
