"""Files of Polars, DuckDB and pyarrow, read by our reader through tests/tools/pq_dump.

Each file is read in several ways (all rows, small slices, selections, a random mix of calls);
each way must give the rows that pyarrow reads from it.
"""
import datetime
import decimal
import json
import math
import os
import random
import struct
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

DUMP = os.environ.get("VJ_PQ_DUMP", "")
pytestmark = pytest.mark.skipif(not os.path.exists(DUMP), reason="VJ_PQ_DUMP is not set")

WAYS = [["next", "1000000"], ["next", "97"], ["select", "3", "1"], ["select", "701", "350"],
        ["mix", "1"], ["mix", "2"]]


def dump(path, *way):
    run = subprocess.run([DUMP, str(path), *way], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def refuse(path, *way):
    run = subprocess.run([DUMP, str(path), *(way or ("next", "1000"))], capture_output=True,
                         text=True, timeout=120)
    assert run.returncode == 2, (run.returncode, run.stdout[:200], run.stderr)
    return run.stderr


def same(got, want, kind):
    """A dumped value against a Python value of an Arrow type."""
    if want is None or got is None:
        return got is None and want is None
    t = pa.types
    if t.is_dictionary(kind):
        return same(got, want, kind.value_type)
    if t.is_map(kind):
        return len(got) == len(want) and all(
            same(g[0], w[0], kind.key_type) and same(g[1], w[1], kind.item_type)
            for g, w in zip(got, want))
    if t.is_list(kind) or t.is_large_list(kind):
        return len(got) == len(want) and all(same(g, w, kind.value_type)
                                             for g, w in zip(got, want))
    if t.is_struct(kind):
        return all(same(g, want[f.name], f.type) for g, f in zip(got, kind))
    if t.is_float16(kind):
        return got == "x" + struct.pack("<e", float(want)).hex()
    if t.is_floating(kind):
        value = float(got) if not isinstance(got, str) else float(got)
        if math.isnan(want):
            return math.isnan(value)
        if t.is_float32(kind):
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        return struct.pack("<d", value) == struct.pack("<d", want)
    if t.is_decimal(kind):
        unscaled = int(want.scaleb(kind.scale, decimal.Context(prec=80)))
        if isinstance(got, str):
            return int.from_bytes(bytes.fromhex(got[1:]), "big", signed=True) == unscaled
        return got == unscaled
    if isinstance(want, datetime.datetime):
        return got == pa.scalar(want, kind).cast(pa.int64()).as_py()
    if isinstance(want, datetime.date):
        return got == (want - datetime.date(1970, 1, 1)).days
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind):
        return got == "x" + want.hex()
    return got == want


def plain(table):
    """Times as integers: what the file stores."""
    for i, field in enumerate(table.schema):
        t = field.type
        if pa.types.is_date32(t) or pa.types.is_time32(t):
            table = table.set_column(i, field.name, table.column(i).cast(pa.int32()))
        elif pa.types.is_temporal(t):
            table = table.set_column(i, field.name, table.column(i).cast(pa.int64()))
    return table


def check(path, table=None, ways=WAYS):
    table = plain(pq.read_table(path) if table is None else table)
    columns = [c.to_pylist() for c in table.columns]
    kinds = [f.type for f in table.schema]
    for way in ways:
        rows = dump(path, *way)
        if way[0] == "next":
            assert [r[0] for r in rows] == list(range(table.num_rows)), way
        for row in rows:
            for got, column, kind, name in zip(row[1:], columns, kinds, table.column_names):
                assert same(got, column[row[0]], kind), (way, name, row[0], got, column[row[0]])


def some(rng, make, nulls=0.0):
    return None if rng.random() < nulls else make()


def flat_table(n, seed=1):
    rng = random.Random(seed)
    word = lambda k: "".join(rng.choice("ACGT") for _ in range(rng.randrange(k)))
    col = lambda make, kind, nulls=0.0: pa.array([some(rng, make, nulls) for _ in range(n)], kind)
    return pa.table({
        "start": pa.array(sorted(rng.randrange(1 << 40) for _ in range(n)), pa.int64()),
        "i32": col(lambda: rng.randrange(-2**31, 2**31), pa.int32(), 0.3),
        "u8": col(lambda: rng.randrange(256), pa.uint8(), 0.1),
        "i16": col(lambda: rng.randrange(-2**15, 2**15), pa.int16()),
        "u64": col(lambda: rng.randrange(2**64), pa.uint64(), 0.1),
        "low": col(lambda: rng.choice(["SNV", "indel", "", "é"]), pa.string(), 0.2),
        "high": col(lambda: f"rs{rng.randrange(10**9)}", pa.string()),
        "alt": col(lambda: word(30), pa.string(), 0.05),
        "raw": col(lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(5))),
                   pa.binary(), 0.1),
        "fix": col(lambda: rng.randbytes(3), pa.binary(3), 0.1),
        "f32": col(lambda: rng.choice([rng.random(), math.nan, -0.0, math.inf]), pa.float32(), 0.4),
        "f64": col(rng.random, pa.float64()),
        "flag": col(lambda: rng.random() < 0.3, pa.bool_()),
        "flag_null": col(lambda: rng.random() < 0.5, pa.bool_(), 0.5),
        "no_value": pa.nulls(n, pa.int32()),
        "rare": col(lambda: rng.randrange(9), pa.int32(), 0.99),
        "null": pa.nulls(n),
    })


def time_table():
    day = datetime.datetime(2024, 2, 29, 13, 14, 15, 123456)
    times = [day, None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), day]
    make = lambda kind: pa.array(times, pa.timestamp("us")).cast(kind)
    clock = pa.array([t.time() if t else None for t in times], pa.time64("us"))
    dec = lambda p, s, v: pa.array([decimal.Decimal(x) if x else None for x in v],
                                   pa.decimal128(p, s))
    return pa.table({
        "day": pa.array([t.date() if t else None for t in times]),
        "us": make(pa.timestamp("us")), "ns": make(pa.timestamp("ns")),
        "ms": make(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False),
        "utc": make(pa.timestamp("us", "UTC")),
        "t32": clock.cast(pa.time32("ms"), safe=False), "t64": clock,
        "d5": dec(5, 2, ["1.25", "-999.99", None, "0.00"]),
        "d18": dec(18, 0, ["1", "-999999999999999999", None, "0"]),
        "d38": dec(38, 10, ["1.0000000001", "-12345678901234567890.5", None, "0"]),
        "half": pa.array([1.5, None, -0.25, 65504.0], pa.float16()),
    })


def nested_table(n, seed=2):
    rng = random.Random(seed)
    few = lambda make: [make() for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    col = lambda make, kind, nulls=0.2: pa.array([some(rng, make, nulls) for _ in range(n)], kind)
    text = lambda: some(rng, lambda: rng.choice(["0/1", "1|1", "x" * 40]), 0.2)
    small = pa.struct([("a", pa.int16()), ("b", pa.list_(pa.int8()))])
    return pa.table({
        "genotype": col(lambda: few(text), pa.list_(pa.string())),
        "required": col(lambda: few(lambda: rng.randrange(9)),
                        pa.list_(pa.field("element", pa.int32(), False)), 0),
        "lists": col(lambda: few(lambda: some(rng, lambda: few(lambda: rng.random()), 0.2)),
                     pa.list_(pa.list_(pa.float64()))),
        "struct": col(lambda: {"a": rng.randrange(9), "b": text()},
                      pa.struct([("a", pa.int32()), ("b", pa.string())])),
        "list_struct": col(lambda: few(lambda: some(rng, lambda: {
            "a": rng.randrange(9), "b": some(rng, lambda: [1] * rng.randrange(3), 0.1)}, 0.2)),
            pa.list_(small)),
        "map": col(lambda: [(f"k{i}", some(rng, lambda: i, 0.3)) for i in range(rng.randrange(3))],
                   pa.map_(pa.string(), pa.int32())),
        "bools": col(lambda: few(lambda: rng.random() < 0.5), pa.list_(pa.bool_())),
        "never": pa.nulls(n, pa.list_(pa.int32())),
    })


CODECS = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_codecs_and_page_versions(tmp_path, codec, version):
    path = tmp_path / "f.parquet"
    pq.write_table(flat_table(2000), path, compression=codec, data_page_version=version,
                   data_page_size=3000, write_batch_size=100, row_group_size=900)
    check(path)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025])
def test_sizes_round_page_boundaries(tmp_path, n):
    path = tmp_path / "f.parquet"
    pq.write_table(flat_table(n), path, data_page_size=64 * 8, write_batch_size=64)
    check(path)
    pq.write_table(nested_table(n), path, data_page_size=64 * 8, write_batch_size=8)
    check(path)


@pytest.mark.parametrize("options", [
    {"use_dictionary": False},
    {"dictionary_pagesize_limit": 300},
    {"dictionary_pagesize_limit": 300, "data_page_version": "2.0", "compression": "none"},
    {"write_page_checksum": True},
    {"write_page_index": True, "use_dictionary": False},
    {"write_page_index": True, "data_page_version": "2.0", "compression": "zstd"},
    {"write_statistics": False, "store_schema": False},
    {"version": "1.0"},
], ids=str)
def test_writer_options(tmp_path, options):
    path = tmp_path / "f.parquet"
    pq.write_table(flat_table(1500), path, data_page_size=700, write_batch_size=50, **options)
    check(path, flat_table(1500) if options.get("version") != "1.0" else None)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_encodings(tmp_path, version):
    path = tmp_path / "f.parquet"
    table = flat_table(3000)
    encodings = {name: "BYTE_STREAM_SPLIT" for name in ["f32", "f64", "fix"]}
    encodings |= {name: "DELTA_BINARY_PACKED" for name in ["start", "i32", "u8", "u64", "no_value"]}
    encodings |= {name: "DELTA_BYTE_ARRAY" for name in ["high", "raw"]}
    encodings |= {name: "DELTA_LENGTH_BYTE_ARRAY" for name in ["low", "alt"]}
    encodings |= {"flag": "RLE", "flag_null": "RLE"}
    pq.write_table(table, path, use_dictionary=False, column_encoding=encodings,
                   data_page_version=version, data_page_size=2000, write_batch_size=77)
    check(path)
    encodings = {name: "BYTE_STREAM_SPLIT" for name in ["start", "i32", "u64"]}
    encodings |= {"fix": "DELTA_BYTE_ARRAY"}
    pq.write_table(table, path, use_dictionary=False, column_encoding=encodings)
    check(path)


@pytest.mark.parametrize("options", [
    {}, {"data_page_version": "2.0"}, {"use_dictionary": False, "compression": "zstd"},
    {"write_page_index": True, "use_dictionary": False}, {"use_compliant_nested_type": False},
], ids=str)
def test_nested(tmp_path, options):
    path = tmp_path / "f.parquet"
    pq.write_table(nested_table(1200), path, row_group_size=500, data_page_size=200,
                   write_batch_size=32, **options)
    check(path, nested_table(1200))


def test_a_row_longer_than_a_page(tmp_path):
    path = tmp_path / "f.parquet"
    lists = [list(range(n)) for n in (3, 5000, 0, 1, 9000, 2)]
    pq.write_table(pa.table({"l": pa.array(lists, pa.list_(pa.int32()))}), path,
                   data_page_size=400, write_batch_size=50, use_dictionary=False)
    check(path, ways=[["next", "100"], ["next", "1"], ["select", "2", "1"], ["select", "4", "0"]])


def test_more_pages_than_fit_16_bits(tmp_path):
    path = tmp_path / "f.parquet"
    table = pa.table({"a": pa.array(range(33000), pa.int32())})
    for index in (False, True):
        pq.write_table(table, path, data_page_size=1, write_batch_size=1, use_dictionary=False,
                       compression="none", write_page_index=index)
        check(path, ways=[["next", "1000000"], ["select", "9999", "5"]])


def test_times_decimals_halves(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(time_table(), path)
    check(path, time_table())
    pq.write_table(time_table(), path, store_decimal_as_integer=True)
    check(path, time_table())
    schema = subprocess.run([DUMP, str(path), "schema"], capture_output=True, text=True).stdout
    assert schema.splitlines() == [
        "day: date", "us: timestamp[us]", "ns: timestamp[ns]", "ms: timestamp[ms]",
        "utc: timestamp[us, UTC]", "t32: time[ms]", "t64: time[us]", "d5: decimal(5,2)",
        "d18: decimal(18,0)", "d38: decimal(38,10)", "half: float16"]


def test_int96_and_its_saturation(tmp_path):
    path = tmp_path / "f.parquet"
    table = pa.table({"t": pa.array([datetime.datetime(2020, 1, 1), None,
                                     datetime.datetime(1950, 6, 1, 12)], pa.timestamp("ns"))})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, compression="none",
                   use_dictionary=False, write_statistics=False)
    check(path, table)
    whole = path.read_bytes()
    value = struct.pack("<qI", 0, 2458850)  # 2020-01-01 as a Julian day
    assert whole.count(value) == 1
    for day, want in ((5_000_000, 2**63 - 1), (1_000_000, -2**63), (2**32 - 1, 2**63 - 1)):
        path.write_bytes(whole.replace(value, struct.pack("<qI", 0, day)))
        assert dump(path, "next", "10")[0][1] == want


def test_text_that_is_not_utf8_is_an_error(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"s": ["good", "abcd", "good"]}), path, compression="none",
                   use_dictionary=False, write_statistics=False, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"abcd", b"ab\xff\xfe"))
    text = refuse(path)
    assert "expected UTF-8, found 'ab\\xff\\xfe'" in text and str(path) in text and "column s" in text
    # rows that are not asked for are not looked at
    assert dump(path, "select", "2", "0") == [[0, "good"], [2, "good"]]


def test_a_wrong_checksum_is_an_error(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"s": ["good", "abcd"]}), path, compression="none",
                   use_dictionary=False, write_statistics=False, write_page_checksum=True,
                   store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"abcd", b"abce"))
    assert "expected checksum" in refuse(path)


def test_polars_files(tmp_path):
    pl = pytest.importorskip("polars")
    path = tmp_path / "f.parquet"
    table = flat_table(3000).drop_columns(["fix", "null"])
    frame = pl.from_arrow(table).with_columns(
        cat=pl.col("low").cast(pl.Categorical), dec=pl.col("i16").cast(pl.Decimal(12, 3)),
        day=pl.col("i16").cast(pl.Int32).cast(pl.Date),
        when=pl.col("start").cast(pl.Datetime("us")), genotype=pl.concat_list("low", "alt"),
        pair=pl.struct("i16", "high"))
    for codec in ["zstd", "snappy", "gzip", "brotli", "lz4", "uncompressed"]:
        frame.write_parquet(path, compression=codec, row_group_size=1100, data_page_size=4000)
        check(path, ways=WAYS[:1] + WAYS[2:5])
    frame.clear().write_parquet(path)
    assert dump(path, "next", "10") == []
    frame.head(1).write_parquet(path)
    check(path)


def test_duckdb_files(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "f.parquet"
    con = duckdb.connect()
    con.execute("""create table t as select i::bigint as start, (i%200)::utinyint as small,
        'rs'||(i*7919%100003) as id, case when i%5=0 then null else ['SNV','indel'][1+i%2] end as tsa,
        (i/7)::float as f, i%3=0 as flag, [('g'||(i%4))::varchar, null, 'x'][1:i%4] as genotype,
        {'a': i%9, 'b': [i, i+1]} as s, (i*1.25)::decimal(12,2) as d12, (i*1.25)::decimal(30,2) as d30,
        uuid() as u, timestamp '2020-01-01' + interval (i) second as ts, date '2020-01-01' as day,
        map([i%5, 7], ['p', 'q']) as m
        from range(6000) r(i)""")
    con.execute("set preserve_insertion_order=true")
    uuids = [r[0] for r in con.execute("select u from t order by start").fetchall()]
    for codec in ["snappy", "zstd", "gzip", "brotli", "lz4_raw", "uncompressed"]:
        for version in ["v1", "v2"]:
            con.execute(f"copy (select * exclude u, u from t order by start) to '{path}' (format "
                        f"parquet, compression {codec}, parquet_version {version}, "
                        "row_group_size 2048)")
            table = pq.read_table(path).drop_columns(["u"])
            check(path, table, ways=WAYS[:1] + WAYS[3:5])
            for row in dump(path, "select", "997", "0"):
                assert row[-1] == "x" + uuids[row[0]].bytes.hex()
    con.execute(f"copy (select * from t where false) to '{path}' (format parquet)")
    assert dump(path, "next", "10") == []


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_chunks_too_large_to_read_at_once(tmp_path, index, version):
    path = tmp_path / "f.parquet"
    n = 700_000
    table = pa.table({
        "start": pa.array(range(n), pa.int64()),
        "id": pa.array([f"rs{i * 7919 % 1000003}" for i in range(n)]),
        "low": pa.array(["A" if i % 3 else None for i in range(n)]),
        "gt": pa.array([["0/1", str(i)] if i % 5 else None for i in range(n)]),
    })
    pq.write_table(table, path, row_group_size=n, compression="none", write_page_index=index,
                   use_dictionary=["low"], data_page_version=version)
    check(path, table, ways=[["select", "99991", "7"], ["select", "333", "600000"]])
