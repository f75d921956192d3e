"""Writers x types x nulls x pages x codecs x encodings: every file is read by us in several ways and
equals what pyarrow reads, and each of its columns what a second reader (Polars or DuckDB) reads.

The quick set takes pairs of options so that every value of each meets every type; VJ_WIDE=1 (make
test-long) takes all of them and the writers that tests/requirements-writers.txt brings: fastparquet,
datafusion, and Spark where Java is there.
"""
import datetime as dt
import decimal
import importlib.util
import itertools
import json
import os
import random
import shutil
import uuid

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")

from test_parquet_read import DUMP, WAYS, check

pytestmark = pytest.mark.skipif(not os.path.exists(DUMP), reason="VJ_PQ_DUMP is not set")

WIDE = os.environ.get("VJ_WIDE") == "1"
NULLS = ["none", "some", "all"]
RNG = random.Random(20)


def _whole(low, high):
    return lambda: RNG.choice([low, high, 0, RNG.randrange(low, high + 1)])


def _money(digits, scale):
    top = 10**digits - 1
    return lambda: decimal.Decimal(RNG.choice([top, -top, 0, RNG.randrange(-top, top)])).scaleb(-scale, decimal.Context(prec=80))


def _word():
    return RNG.choice(["", "A", "é", "chr1", "rs%d" % RNG.randrange(10**6), "x" * RNG.randrange(40)])


def _stamp(unit):
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    return lambda: RNG.randrange(-2 * 10**9, 4 * 10**9) * per + RNG.randrange(per)


TYPES = {
    "bool": (pa.bool_(), lambda: RNG.random() < 0.4),
    **{f"{'u' if not low else 'i'}{bits}": (getattr(pa, f"{'' if low else 'u'}int{bits}")(), _whole(-low, 2**bits - low - 1))
       for bits in (8, 16, 32, 64) for low in (0, 2**(bits - 1))},
    "f16": (pa.float16(), lambda: RNG.choice([0.5, -2.0, 0.0, 65504.0, float("inf")])),
    "f32": (pa.float32(), lambda: RNG.choice([RNG.randrange(2**20) / 64, -0.0, float("nan"), float("-inf")])),
    "f64": (pa.float64(), lambda: RNG.choice([RNG.random(), -0.0, float("nan"), float("inf"), 5e-324])),
    "dec9": (pa.decimal128(9, 2), _money(9, 2)),
    "dec18": (pa.decimal128(18, 4), _money(18, 4)),
    "dec38": (pa.decimal128(38, 10), _money(38, 10)),
    "dec60": (pa.decimal256(60, 5), _money(60, 5)),
    "date": (pa.date32(), lambda: dt.date(1850, 1, 1) + dt.timedelta(RNG.randrange(100_000))),
    "time_ms": (pa.time32("ms"), lambda: RNG.randrange(86_400_000)),
    "time_us": (pa.time64("us"), lambda: RNG.randrange(86_400_000_000)),
    "time_ns": (pa.time64("ns"), lambda: RNG.randrange(86_400_000_000) * 1000),
    **{f"ts_{unit}{'_utc' if zone else ''}": (pa.timestamp(unit, zone), _stamp(unit))
       for unit in ("ms", "us", "ns") for zone in (None, "UTC")},
    "text": (pa.string(), _word),
    "large": (pa.large_string(), _word),
    "view": (pa.string_view(), _word),
    "binary": (pa.binary(), lambda: RNG.randbytes(RNG.randrange(9))),
    "fixed": (pa.binary(5), lambda: RNG.randbytes(5)),
    "uuid": (pa.uuid(), lambda: uuid.UUID(int=RNG.getrandbits(128))),
    "json": (pa.json_(), lambda: json.dumps({"a": RNG.randrange(9)})),
    "enum": (pa.dictionary(pa.int8(), pa.string()), lambda: RNG.choice("ACGT")),
    "null": (pa.null(), lambda: None),
}


def _item(make):
    return lambda: None if RNG.random() < 0.2 else make()


def _many(make):
    return lambda: [make() for _ in range(RNG.choice([0, 1, 2, 5]))]


PAIR = pa.struct([("x", pa.int32()), ("y", pa.string())])


def _pair():
    return {"x": _item(lambda: RNG.randrange(99))(), "y": _item(_word)()}


TYPES |= {
    "list": (pa.list_(pa.int32()), _many(_item(lambda: RNG.randrange(999)))),
    "texts": (pa.list_(pa.string()), _many(_item(_word))),
    "struct": (PAIR, _pair),
    "map": (pa.map_(pa.string(), pa.int32()), lambda: [(f"k{i}", _item(lambda: i)()) for i in range(RNG.randrange(4))]),
    "lists": (pa.list_(pa.list_(pa.int64())), _many(_item(_many(_item(lambda: RNG.randrange(9)))))),
    "pairs": (pa.list_(PAIR), _many(_item(_pair))),
    "deep": (pa.struct([("l", pa.list_(PAIR)), ("s", pa.struct([("d", pa.date32())]))]),
             lambda: {"l": _item(_many(_item(_pair)))(), "s": _item(lambda: {"d": dt.date(2000, 1, 1)})()}),
}


def column(name, n, nulls):
    kind, make = TYPES[name]
    share = {"none": 0.0, "some": 0.3, "all": 1.0}[nulls]
    values = [None if RNG.random() < share else make() for _ in range(n)]
    if isinstance(kind, pa.BaseExtensionType):
        values = [v.bytes if isinstance(v, uuid.UUID) else v for v in values]
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if pa.types.is_float16(kind):
        import numpy as np
        values = [None if v is None else np.float16(v) for v in values]
    return pa.array(values, kind)


def table(nulls, n=300, names=None):
    return pa.table({name: column(name, n, nulls) for name in names or TYPES})


# ---- the second reader ----

def storage(col):
    if isinstance(col.type, pa.BaseExtensionType):
        return pa.chunked_array([c.storage for c in col.chunks], col.type.storage_type)
    return col


def same_values(got, want):
    """Values of another reader under pyarrow's type; NaN equals NaN."""
    got, want = storage(got), storage(want)
    if pa.types.is_string(got.type) and pa.types.is_fixed_size_binary(want.type):
        want = [None if v is None else str(uuid.UUID(bytes=v)) for v in want.to_pylist()]
        return got.to_pylist() == want
    try:
        got = got.cast(want.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    if pa.types.is_temporal(want.type):
        whole = pa.int32() if want.type.bit_width == 32 else pa.int64()
        return got.type == want.type and got.cast(whole).to_pylist() == want.cast(whole).to_pylist()
    return repr(got.to_pylist()) == repr(want.to_pylist())


def polars_reads(path, names):
    return pl.read_parquet(path, columns=names).to_arrow()


def duckdb_reads(path, names):
    chosen = ", ".join(f'"{n}"' for n in names)
    with duckdb.connect() as db:
        db.execute("SET threads = 1; SET TimeZone = 'UTC'")
        return db.execute(f"SELECT {chosen} FROM read_parquet(?)", [str(path)]).to_arrow_table()


def columns_of(reader, path, names):
    """What a peer reads: all at once, or column by column where it stumbles over one."""
    try:
        return reader(path, names)
    except BaseException as error:  # Polars panics
        if isinstance(error, KeyboardInterrupt) or len(names) == 1:
            return None
    tables = [t for t in (columns_of(reader, path, [n]) for n in names) if t is not None]
    return pa.table([t.column(0) for t in tables], [t.column_names[0] for t in tables])


# What neither peer has as it is: halfs, 60 digits, nothing.
ALONE = {"f16", "dec60", "null"}


def confirm(path, ways, alone=()):
    """alone: columns whose encoding neither peer reads, with the types that they lack."""
    try:
        want = pq.ParquetFile(path).read()
    except OSError:  # pyarrow does not read DuckDB's deltas of 33 bits
        names = pq.read_schema(path).names
        tables = [columns_of(lambda p, n: pq.ParquetFile(p).read(n), path, [n]) or columns_of(duckdb_reads, path, [n])
                  for n in names]
        want = pa.table([t.column(0) for t in tables], names)
    check(path, pa.table([storage(c) for c in want.columns], want.column_names), ways)
    left = [n for n in want.column_names if n not in ALONE and n not in alone]
    for reader in (polars_reads, duckdb_reads):
        got = columns_of(reader, path, left) if left else None
        if got is not None:
            left = [n for n in left if n not in got.column_names or not same_values(got[n], want[n])]
    assert not left, left


# ---- writers ----

CODECS = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]
ENCODINGS = {
    "dictionary": {},
    "plain": {"use_dictionary": False},
    "delta": {"use_dictionary": False, "column_encoding": "delta"},
    "split": {"use_dictionary": False, "column_encoding": "split"},
}
FLAT_INTS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "date", "time_ms", "time_us", "ts_ms", "ts_us", "ts_ns"]


def encodings(name, names):
    if name == "delta":
        how = {n: "DELTA_BINARY_PACKED" for n in FLAT_INTS}
        how |= {"text": "DELTA_BYTE_ARRAY", "large": "DELTA_LENGTH_BYTE_ARRAY", "binary": "DELTA_BYTE_ARRAY",
                "json": "DELTA_LENGTH_BYTE_ARRAY", "bool": "RLE", "fixed": "DELTA_BYTE_ARRAY"}
    else:
        how = {n: "BYTE_STREAM_SPLIT" for n in FLAT_INTS + ["f16", "f32", "f64", "fixed", "uuid", "dec38", "dec60"] if n not in ("i8", "i16", "u8", "u16")}
    return {n: e for n, e in how.items() if n in names}


def pyarrow_cases():
    pages = [64, 900, 1 << 20]
    every = list(itertools.product(NULLS, ENCODINGS, ["1.0", "2.0"], CODECS, pages))
    if WIDE:
        return every
    RNG.shuffle(every)
    # every pair of an encoding with all the rest
    return [(NULLS[i % 3], e, v, CODECS[(i * 2 + k) % 6], pages[(i + k) % 3])
            for i, (e, v) in enumerate(itertools.product(ENCODINGS, ["1.0", "2.0"])) for k in range(2)]


QUICK_WAYS = WAYS if WIDE else [WAYS[1], WAYS[2], WAYS[4]]


@pytest.mark.parametrize("nulls, encoding, version, codec, page", pyarrow_cases())
def test_pyarrow(tmp_path, nulls, encoding, version, codec, page):
    names = list(TYPES)
    options = dict(ENCODINGS[encoding])
    if "column_encoding" in options:
        options["column_encoding"] = encodings(encoding, names)
    t = table(nulls)
    p = tmp_path / "m.parquet"
    pq.write_table(t, p, compression=codec, data_page_version=version, data_page_size=page, row_group_size=170,
                   write_page_index=page == 900, write_page_checksum=True, store_decimal_as_integer=encoding == "plain",
                   store_schema=version == "2.0", **options)
    confirm(p, QUICK_WAYS, {"dec38", "fixed", "uuid"} if encoding == "split" else ())


@pytest.mark.parametrize("nulls", NULLS)
def test_pyarrow_int96(tmp_path, nulls):
    p = tmp_path / "m.parquet"
    pq.write_table(table(nulls, names=["ts_ns", "ts_us"]), p, use_deprecated_int96_timestamps=True)
    confirm(p, QUICK_WAYS)


def able(make):
    """Names of the columns that a writer takes, tried one by one."""
    def takes(name):
        try:
            make(table("some", 3, [name]))
            return True
        except BaseException as error:  # Polars panics
            if isinstance(error, KeyboardInterrupt):
                raise
            return False

    return [name for name in TYPES if takes(name)]


POLARS_CODECS = ["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"]


@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("codec", POLARS_CODECS if WIDE else ["zstd", "snappy"])
@pytest.mark.parametrize("page", [64, 1 << 20])
def test_polars(tmp_path, nulls, codec, page):
    p = tmp_path / "m.parquet"
    names = able(lambda t: pl.from_arrow(t).write_parquet(tmp_path / "t.parquet"))
    assert len(names) > 30
    pl.from_arrow(table(nulls, names=names)).write_parquet(p, compression=codec, data_page_size=page, row_group_size=170)
    confirm(p, QUICK_WAYS)


@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("codec", CODECS if WIDE else ["zstd", "lz4_raw"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_duckdb(tmp_path, nulls, codec, version):
    p = tmp_path / "m.parquet"
    codec = {"none": "uncompressed", "lz4": "lz4_raw"}.get(codec, codec)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")

        def copy(t, path, options="FORMAT parquet"):
            db.execute(f"COPY (SELECT * FROM t) TO '{path}' ({options})")

        names = able(lambda t: copy(t, tmp_path / "t.parquet"))
        assert len(names) > 30
        copy(table(nulls, 2100, names), p, f"FORMAT parquet, CODEC '{codec}', PARQUET_VERSION '{version}', ROW_GROUP_SIZE 2048")
    confirm(p, QUICK_WAYS)


# ---- writers that are there only where somebody installed them ----

def needs(name):
    return pytest.mark.skipif(not WIDE or importlib.util.find_spec(name) is None, reason=f"VJ_WIDE=1 and {name}")


@needs("fastparquet")
@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("codec", ["UNCOMPRESSED", "GZIP", "SNAPPY", "ZSTD", "LZ4_RAW"])
@pytest.mark.parametrize("times", ["int64", "int96"])
def test_fastparquet(tmp_path, nulls, codec, times):
    import fastparquet

    p = tmp_path / "m.parquet"
    names = ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "ts_ns", "text"]
    if nulls == "all":
        names.remove("text")  # it cannot tell the type of nothing
    frame = table(nulls, 300, names).to_pandas()
    try:
        fastparquet.write(str(p), frame, compression=codec, times=times, row_group_offsets=170)
    except Exception as error:
        pytest.skip(f"fastparquet: {error}")
    # it writes no time as an INT96 beyond 64 bits, which every reader takes differently
    confirm(p, QUICK_WAYS, {"ts_ns"} if times == "int96" else ())


@needs("datafusion")
@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip(6)", "brotli(3)", "lz4_raw", "zstd(3)"])
def test_datafusion(tmp_path, nulls, version, codec):
    import datafusion

    def copy(t, path, options):
        ctx = datafusion.SessionContext()
        ctx.from_arrow(t, name="t")
        ctx.sql(f"COPY (SELECT * FROM t) TO '{path}' STORED AS PARQUET OPTIONS ({options})").collect()

    p = tmp_path / "m.parquet"
    names = able(lambda t: copy(t, tmp_path / "t.parquet", "'format.compression' 'zstd(1)'"))
    assert len(names) > 25
    copy(table(nulls, names=names), p, f"'format.compression' '{codec}', 'format.writer_version' '{version}', "
         "'format.data_page_row_count_limit' '50'")
    confirm(p, QUICK_WAYS)


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    session = (sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
               .config("spark.sql.session.timeZone", "UTC").getOrCreate())
    yield session
    session.stop()


@needs("pyspark")
@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("times", ["INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"])
def test_spark(tmp_path, spark, nulls, legacy, version, times):
    """Spark's files, also in the form of old Hive and Impala (two-level lists, bag, decimals of bytes)."""
    names = ["bool", "i8", "i16", "i32", "i64", "f32", "f64", "dec9", "dec18", "dec38", "date", "ts_us_utc", "text",
             "binary", "list", "texts", "struct", "map", "lists", "pairs", "deep"]
    pq.write_table(table(nulls, names=names), tmp_path / "in.parquet")
    spark.conf.set("spark.sql.parquet.writeLegacyFormat", str(legacy).lower())
    spark.conf.set("spark.sql.parquet.outputTimestampType", times)
    frame = spark.read.parquet(str(tmp_path / "in.parquet"))
    frame.coalesce(1).write.option("parquet.writer.version", version).option("parquet.page.size", "512").option(
        "compression", "zstd" if legacy else "snappy").parquet(str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("*.parquet")
    confirm(path, QUICK_WAYS)
