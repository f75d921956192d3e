"""Files of our Parquet writer, opened by pyarrow, Polars and DuckDB: the same values come back.

The tool write_table writes a made-up table twice, as Parquet and as JSON lines; the lines say
what a reader must find (texts and bytes as hex, reals as text that reads back exactly).
"""

import datetime
import decimal
import json
import math
import os
import struct
import subprocess
import uuid
from pathlib import Path

import pytest

os.environ["POLARS_IMPORT_INTERVAL_AS_STRUCT"] = "1"  # Polars looks once, when it is loaded
pa = pytest.importorskip("pyarrow")
pc = pytest.importorskip("pyarrow.compute")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).resolve().parents[2]


def find_tool() -> Path:
    for path in (os.environ.get("VJ_WRITE_TABLE"), ROOT / "build/dev/tests/write_table", ROOT / "build/release/tests/write_table"):
        if path and Path(path).is_file():
            return Path(path)
    pytest.skip("the test program write_table is not built")


@pytest.fixture(scope="module")
def make_table(tmp_path_factory):
    """make_table("flat", 1000, 7, "compat=1") -> (path, rows as JSON values); made once each"""
    tool = find_tool()
    folder = tmp_path_factory.mktemp("written")
    made = {}

    def make(*args):
        if args not in made:
            path = folder / f"{len(made)}.parquet"
            name, n_rows, seed, *options = map(str, args)
            rows = path.with_suffix(".jsonl")
            subprocess.run([tool, name, n_rows, seed, path, f"rows={rows}", *options], check=True, timeout=120)
            made[args] = path, [json.loads(line) for line in rows.read_text().splitlines()]
        return made[args]

    return make


def plain(value, kind):
    """Our JSON value as what to_pylist gives for a column of this Arrow type."""
    t = pa.types
    if value is None:
        return None
    if t.is_list(kind) or t.is_large_list(kind):
        return [plain(v, kind.value_type) for v in value]
    if t.is_struct(kind):
        return {f.name: plain(value[f.name], f.type) for f in kind.fields}
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return bytes.fromhex(value).decode()
    if t.is_decimal(kind):
        number = int.from_bytes(bytes.fromhex(value), "big", signed=True) if isinstance(value, str) else value
        return decimal.Decimal(number).scaleb(-kind.scale, decimal.Context(prec=60))
    if t.is_floating(kind):
        return float(value)
    if t.is_boolean(kind) or t.is_integer(kind):
        return value
    if t.is_date(kind):
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=value)
    return bytes.fromhex(value)


UNIT_NS = {"ms": 1_000_000, "us": 1000, "ns": 1}


def as_plain(column, name=""):
    """Times as integers of the unit in the name, extension types as their storage: exact."""
    kind = column.type
    if name[-3:] in ("_ms", "_us", "_ns") and getattr(kind, "unit", name[-2:]) != name[-2:]:
        ours, theirs = UNIT_NS[name[-2:]], UNIT_NS[kind.unit]  # the reader has no such unit
        column = column.cast(pa.int64())
        return pc.divide(column, ours // theirs) if ours > theirs else pc.multiply(column, theirs // ours)
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], kind.storage_type)
        kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return column.cast(pa.int64())
    if pa.types.is_time32(kind):
        return column.cast(pa.int32())
    return column


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isnan(a) and math.isnan(b) or a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b and (a is None) == (b is None)


def assert_equal(table, rows, names):
    assert table.num_rows == len(rows)
    for c, name in enumerate(names):
        if name not in table.column_names:
            continue
        column = as_plain(table.column(name), name)
        if pa.types.is_null(column.type) or name == "null":
            assert column.null_count == len(rows)
            continue
        expected = [row[c] for row in rows]
        if name == "f16":
            expected = [None if v is None else str(struct.unpack("<e", bytes.fromhex(v))[0]) for v in expected]
        unit = UNIT_NS.get(getattr(table.schema.field(name).type, "unit", None), 1)
        if name.endswith("_ns") and unit > 1:
            expected = [None if v is None else v // unit * unit for v in expected]
        found = column.to_pylist()
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert same(a, plain(b, column.type)), (name, i, a, b)


TABLES = ["flat", "nested", "edges", "variants"]
SHAPES = [
    ("one", 1, ()),
    ("page", 4096, ()),
    ("pages", 4500, ("group=4200", "batch=777")),
    ("small-pages", 1500, ("page=100", "group=1000", "batch=64")),
    ("compat", 2500, ("compat=1", "codec=snappy", "page=1000", "group=1500")),
    ("compat-plain", 1000, ("compat=1", "codec=none")),
    ("gzip", 1000, ("codec=gzip",)),
    ("lz4", 1000, ("codec=lz4",)),
    ("brotli", 1000, ("codec=brotli",)),
    ("none", 1000, ("codec=none",)),
]
CODECS = ("gzip", "lz4", "brotli")  # one table with each is enough
CASES = [pytest.param(t, n, o, id=f"{t}-{i}") for t in TABLES for i, n, o in SHAPES if i not in CODECS or t == "variants"]
PEER_CASES = [c for c in CASES if c.values[2] != () or c.values[1] == 1]


@pytest.mark.parametrize("name, n_rows, options", CASES)
def test_pyarrow_reads_the_same_values(make_table, name, n_rows, options):
    path, rows = make_table(name, n_rows, 1, *options)
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    assert_equal(table, rows, table.column_names)


@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("name", ["flat", "nested"])
def test_pyarrow_reads_other_nulls_and_values(make_table, name, seed):
    path, rows = make_table(name, 5000, seed, "group=3000")
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    assert_equal(table, rows, table.column_names)


@pytest.mark.parametrize("name, n_rows, options", PEER_CASES)
def test_polars_reads_the_same_values(make_table, name, n_rows, options):
    pl = pytest.importorskip("polars")
    path, rows = make_table(name, n_rows, 1, *options)
    names = pq.read_schema(path).names
    # Polars has no interval type
    found = pl.read_parquet(path, columns=[n for n in names if n != "interval"]).to_arrow()
    assert_equal(found, rows, names)


@pytest.mark.parametrize("name, n_rows, options", PEER_CASES)
def test_duckdb_reads_the_same_values(make_table, name, n_rows, options):
    duckdb = pytest.importorskip("duckdb")
    path, rows = make_table(name, n_rows, 1, *options)
    names = pq.read_schema(path).names
    # types that DuckDB holds in another form than the file are asked for as text or numbers
    other = {"uuid": "unhex(replace(uuid::text, '-', ''))"}
    picks = ", ".join(f'{other[n]} as "{n}"' if n in other else f'"{n}"' for n in names if n != "interval")
    table = duckdb.connect().sql(f"select {picks} from read_parquet('{path}')").to_arrow_table()
    assert_equal(table, rows, names)


@pytest.mark.parametrize("name", TABLES)
def test_no_rows(make_table, name):
    path, _ = make_table(name, 0, 1)
    file = pq.ParquetFile(path)
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (0, 0)
    assert file.read().column_names == file.schema_arrow.names


def test_types_are_kept(make_table):
    path, _ = make_table("flat", 10, 1)
    file = pq.ParquetFile(path)
    kinds = {f.name: str(f.type) for f in file.schema_arrow}
    assert kinds["i8"] == "int8" and kinds["u16"] == "uint16" and kinds["u32"] == "uint32" and kinds["u64"] == "uint64"
    assert kinds["dec32"] == "decimal128(9, 2)" and kinds["dec128"] == "decimal128(38, 10)"
    assert kinds["date"] == "date32[day]" and kinds["time_ns"] == "time64[ns]"
    assert kinds["ts_ms"] == "timestamp[ms]" and kinds["ts_us"] == "timestamp[us, tz=UTC]"
    assert kinds["f16"] == "halffloat" and kinds["null"] == "null"
    converted = {file.schema.column(i).name: file.schema.column(i).converted_type for i in range(len(file.schema.names))}
    assert converted["u32"] == "UINT_32" and converted["text"] == "UTF8" and converted["ts_us"] == "TIMESTAMP_MICROS"
    assert converted["dec64"] == "DECIMAL" and converted["json"] == "JSON" and converted["enum"] == "ENUM"
    assert not file.schema_arrow.field("required_i64").nullable
    assert file.metadata.metadata[b"varjoin.test"].decode() == "grün"
    assert file.metadata.created_by.startswith("varjoin version ")


def values_of(rows, c):
    return [row[c] for row in rows if row[c] is not None]


def test_statistics_are_the_extremes(make_table):
    path, rows = make_table("flat", 9001, 3, "group=4500")
    file = pq.ParquetFile(path)
    checked = 0
    for g in range(file.metadata.num_row_groups):
        part = rows[g * 4500 : (g + 1) * 4500]
        for c, name in enumerate(file.schema_arrow.names):
            stats = file.metadata.row_group(g).column(c).statistics
            values = values_of(part, c)
            assert stats.null_count == len(part) - len(values), name
            if name in ("f32", "f64"):
                values = [float(v) for v in values]
            elif name not in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "bool", "required_i64", "required_bool"):
                continue
            if values:
                assert (stats.min, stats.max) == (min(values), max(values)), name
                checked += 1
    assert checked > 10


def test_long_text_bounds_are_cut_and_still_bound(make_table):
    path, rows = make_table("edges", 9001, 1, "group=4500")
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    cut = 0
    for g in range(file.metadata.num_row_groups):
        part = rows[g * 4500 : (g + 1) * 4500]
        for name in ("text", "binary"):
            c = names.index(name)
            stats = file.metadata.row_group(g).column(c).statistics
            values = [bytes.fromhex(v) for v in values_of(part, c)]
            low, high = (v.encode() if isinstance(v, str) else v for v in (stats.min, stats.max))
            assert low <= min(values) and high >= max(values)
            assert len(low) <= 64 and min(values).startswith(low)
            assert len(high) <= 68 or set(high[:64]) == {0xFF}
            cut += high != max(values)
    assert cut > 0


def test_no_bounds_where_a_nan_is(make_table):
    path, rows = make_table("edges", 9001, 1, "group=2250")
    file = pq.ParquetFile(path)
    seen = set()
    for g in range(file.metadata.num_row_groups):
        part = rows[g * 2250 : (g + 1) * 2250]
        for name in ("f32", "f64"):
            c = file.schema_arrow.names.index(name)
            has_nan = "nan" in values_of(part, c)
            assert file.metadata.row_group(g).column(c).statistics.has_min_max == (not has_nan)
            seen.add(has_nan)
    assert seen == {True, False}


def test_encodings_and_indexes(make_table):
    path, _ = make_table("variants", 30000, 1)
    group = pq.ParquetFile(path).metadata.row_group(0)
    by_name = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in by_name["start"].encodings
    assert "RLE_DICTIONARY" in by_name["ref"].encodings
    assert "DELTA_LENGTH_BYTE_ARRAY" in by_name["id"].encodings
    assert all(c.has_offset_index and c.has_column_index for c in by_name.values())
    compat, _ = make_table("variants", 30000, 1, "compat=1")
    group = pq.ParquetFile(compat).metadata.row_group(0)
    for i in range(group.num_columns):
        assert set(group.column(i).encodings) <= {"PLAIN", "RLE", "RLE_DICTIONARY"}


def test_duckdb_filters_by_our_statistics(make_table):
    duckdb = pytest.importorskip("duckdb")
    path, rows = make_table("flat", 9001, 3, "group=1000")
    con = duckdb.connect()
    for c, name in enumerate(pq.read_schema(path).names):
        values = sorted(set(values_of(rows, c)))
        if name not in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64") or not values:
            continue
        middle = values[len(values) // 2]
        (n,) = con.execute(f"select count(*) from read_parquet('{path}') where {name} >= {middle}").fetchone()
        assert n == sum(row[c] is not None and row[c] >= middle for row in rows), name


@pytest.mark.parametrize("name", TABLES)
def test_batches_do_not_change_the_bytes(make_table, name):
    whole, _ = make_table(name, 9001, 5, "group=4000")
    for batch in (1000, 4096, 333):
        cut, _ = make_table(name, 9001, 5, "group=4000", f"batch={batch}")
        assert cut.read_bytes() == whole.read_bytes()
