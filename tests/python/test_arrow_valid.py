"""Arrow streams held against pyarrow's full validation and nanoarrow's, all types, both ways."""

import datetime as dt
import math
from decimal import Decimal

import pytest

from test_arrow import READY, here, library, run_with_runtime, vj  # noqa: F401 - fixtures

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.mark.skipif(READY, reason="no second run is needed")
def test_with_the_sanitizers_runtime():
    run_with_runtime(__file__)


PAIR = pa.struct([("x", pa.int32()), ("y", pa.string())])
DAYS = [dt.date(1969, 12, 31), dt.date(2024, 2, 29)]
TYPES = {
    "bool": (pa.bool_(), [True, False]),
    **{f"{u}int{b}": (getattr(pa, f"{u}int{b}")(), [0, 1 if u else -1, 2**(b - (not u)) - 1]) for u in ("", "u") for b in (8, 16, 32, 64)},
    "half": (pa.float16(), [1.5, -0.0]),
    "float": (pa.float32(), [1.5, math.inf]),
    "double": (pa.float64(), [0.1, -math.inf]),
    "dec9": (pa.decimal128(9, 2), [Decimal("1.10"), Decimal("-9999999.99")]),
    "dec38": (pa.decimal128(38, 3), [Decimal("-" + "9" * 35 + ".001")]),
    "dec60": (pa.decimal256(60, 5), [Decimal("9" * 55), Decimal("-0.00001")]),
    "date": (pa.date32(), DAYS),
    "time_ms": (pa.time32("ms"), [0, 86_399_999]),
    "time_us": (pa.time64("us"), [0, 1]),
    "ts_ms": (pa.timestamp("ms"), [0, -1]),
    "ts_us_utc": (pa.timestamp("us", "UTC"), [0, -1]),
    "ts_ns": (pa.timestamp("ns"), [1000, -1000]),
    "text": (pa.string(), ["", "é", "x" * 40]),
    "binary": (pa.binary(), [b"", b"\0\xff"]),
    "fixed": (pa.binary(5), [b"abcde"]),
    "null": (pa.null(), [None]),
    "list": (pa.list_(pa.int32()), [[], [1, None], [2]]),
    "texts": (pa.list_(pa.string()), [["a", None], [], ["b" * 20]]),
    "struct": (PAIR, [{"x": 1, "y": None}, {"x": None, "y": "z"}]),
    "lists": (pa.list_(pa.list_(pa.int64())), [[[1], None, []], []]),
    "pairs": (pa.list_(PAIR), [[None, {"x": 1, "y": "q"}], []]),
    "deep": (pa.struct([("l", pa.list_(pa.struct([("d", pa.date32())])))]), [{"l": [{"d": DAYS[0]}, None]}, {"l": None}]),
}


def array(name, nulls, n=137):
    kind, values = TYPES[name]
    if kind == pa.float16():
        import numpy as np
        values = [np.float16(v) for v in values]
    keep = {"none": lambda i: True, "some": lambda i: i % 3 != 1, "all": lambda i: False}[nulls]
    return pa.array([values[i % len(values)] if keep(i) else None for i in range(n)], kind)


def whole(nulls, n=137):
    return pa.table({name: array(name, nulls, n) for name in TYPES})


@here
@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("rows", [0, 1, 137])
def test_what_goes_out_is_valid(vj, tmp_path, nulls, rows):
    table = whole(nulls, rows)
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=60)
    for batch in pa.RecordBatchReader.from_stream(vj.open_parquet(tmp_path / "t.parquet")):
        batch.validate(full=True)
    got = pa.table(vj.open_parquet(tmp_path / "t.parquet"))
    got.validate(full=True)
    assert got.column_names == table.column_names
    for name in TYPES:
        assert got[name].type == table[name].type, name
        assert repr(got[name].to_pylist()) == repr(table[name].to_pylist()), name
        assert got[name].null_count == table[name].null_count, name


def views(view):
    """Each node's buffers, sized by nanoarrow from the layout."""
    assert all(buffer is not None for buffer in view.buffers)
    for child in view.children:
        views(child)


@here
@pytest.mark.parametrize("nulls", ["none", "some", "all"])
def test_nanoarrow_takes_what_goes_out(vj, tmp_path, nulls):
    na = pytest.importorskip("nanoarrow")
    table = whole(nulls).drop_columns(["dec60", "half"])  # whose values nanoarrow's Python does not show
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=60)
    with na.ArrayStream(vj.open_parquet(tmp_path / "t.parquet")) as stream:
        chunks = list(stream.iter_chunks())

    for chunk in chunks:
        views(na.c_array(chunk).view())

    assert sum(len(c) for c in chunks) == 137
    # the same memory once more, through nanoarrow
    batches = [pa.record_batch(na.c_array(c)) for c in chunks]
    for batch in batches:
        batch.validate(full=True)
    assert pa.Table.from_batches(batches).to_pylist() == table.to_pylist()


@here
@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("cut", [(0, 137), (1, 130), (9, 0), (64, 64), (136, 1)])
def test_slices_come_in_and_go_out(vj, tmp_path, nulls, cut):
    """Offsets that are not zero in every buffer, also below lists and structs."""
    table = whole(nulls).slice(*cut)
    vj.write_parquet(table, tmp_path / "t.parquet", rows_per_rowgroup=50)
    back = pa.table(vj.open_parquet(tmp_path / "t.parquet"))
    back.validate(full=True)
    for name in TYPES:
        assert repr(back[name].to_pylist()) == repr(table[name].to_pylist()), name


@here
def test_children_with_offsets_and_null_parents(vj, tmp_path):
    """Values under a null parent are there in memory and must not come back."""
    inner = pa.array([1, None, 3, 4, 5, 6], pa.int32()).slice(1)
    words = pa.array(["a", "b", None, "d", "e"])
    struct = pa.StructArray.from_arrays([inner, words], ["i", "w"], mask=pa.array([False, True, False, False, True]))
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3, 5], pa.int32()), struct, mask=pa.array([False, False, True, False]))
    table = pa.table({"s": struct.slice(1, 4), "l": lists})
    vj.write_parquet(table, tmp_path / "t.parquet")
    assert pa.table(vj.open_parquet(tmp_path / "t.parquet")).to_pylist() == table.to_pylist()


OTHER_LAYOUTS = {
    "large text": pa.array(["a", None, "b" * 50], pa.large_string()),
    "large binary": pa.array([b"a", None, b""], pa.large_binary()),
    "text view": pa.array(["a", None, "b" * 50], pa.string_view()),
    "binary view": pa.array([b"a", None, b"b" * 50], pa.binary_view()),
    "large list": pa.array([[1], None, []], pa.large_list(pa.int16())),
    "map": pa.array([[("k", 1), ("l", None)], None, []], pa.map_(pa.string(), pa.int32())),
    "dictionary": pa.array(["x", None, "x"]).dictionary_encode(),
    "coded list": pa.array([["x"], None, []], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "decimal32": pa.array([Decimal("1.10"), None, Decimal("-2.50")], pa.decimal32(9, 2)),
    "decimal64": pa.array([Decimal("1.10"), None, Decimal("-2.50")], pa.decimal64(18, 2)),
    "decimal256": pa.array([Decimal("1.10"), None, Decimal("-2.50")], pa.decimal256(70, 2)),
    "date64": pa.array([DAYS[0], None, DAYS[1]], pa.date64()),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16), None, b"\1" * 16], pa.binary(16))),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None, "[1]"])),
}


@here
@pytest.mark.parametrize("name", OTHER_LAYOUTS)
@pytest.mark.parametrize("cut", [0, 1])
def test_other_layouts_are_taken(vj, tmp_path, name, cut):
    column = OTHER_LAYOUTS[name].slice(cut)
    vj.write_parquet(pa.table({"c": column}), tmp_path / "t.parquet")
    got = pa.table(vj.open_parquet(tmp_path / "t.parquet"))
    got.validate(full=True)
    plain = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
    want = [None if v is None else [{"key": k, "value": w} for k, w in v] for v in plain.to_pylist()] if name == "map" \
        else plain.to_pylist()
    assert got["c"].to_pylist() == want
    assert pq.read_table(tmp_path / "t.parquet")["c"].to_pylist() == want


@here
@pytest.mark.parametrize("column, words", [
    (pa.array([1], pa.duration("s")), "'tDs'"),
    (pa.array([[1, 2]], pa.list_(pa.int32(), 2)), r"'\+w:2'"),
    (pa.array([[1]], pa.list_view(pa.int32())), r"'\+vl'"),
    (pa.array([[1]], pa.large_list_view(pa.int32())), r"'\+vL'"),
    (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"])), r"'\+r'"),
    (pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]), r"'\+ud:0'"),
    (pa.array([pa.MonthDayNano([1, 2, 3])]), "'tin'"),
    (pa.array([{}], pa.struct([])), r"'\+s'"),
])
def test_what_is_not_taken_is_named(vj, tmp_path, column, words):
    with pytest.raises(vj.VarjoinError, match=f"column odd: Arrow format {words} is not taken"):
        vj.write_parquet(pa.table({"odd": column}), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


@here
def test_a_stream_is_taken_once(vj, tmp_path):
    """A reader that was read to its end, and one that was released, give no rows twice and no crash."""
    table = pa.table({"a": [1, 2]})
    reader = table.to_reader()
    vj.write_parquet(reader, tmp_path / "a.parquet")
    vj.write_parquet(reader, tmp_path / "b.parquet")  # pyarrow: an empty stream
    assert pq.read_metadata(tmp_path / "b.parquet").num_rows == 0
    capsule = vj.open_parquet(tmp_path / "a.parquet").__arrow_c_stream__()
    taken = pa.RecordBatchReader._import_from_c_capsule(capsule)
    with pytest.raises(Exception):
        pa.RecordBatchReader._import_from_c_capsule(capsule)
    assert taken.read_all() == table


@here
def test_checksums_are_a_choice(vj, tmp_path):
    """A file whose writer left wrong checksums is refused, read when told so, and written anew."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), path, write_page_checksum=True, use_dictionary=False, compression="none")
    data = bytearray(path.read_bytes())
    at = data.index(bytes([1] + [0] * 7 + [2]))
    data[at] = 9
    path.write_bytes(data)
    with pytest.raises(OSError, match="expected checksum"):
        pa.table(vj.open_parquet(path))
    vj.write_parquet(vj.open_parquet(path, checksums=False), tmp_path / "new.parquet")
    assert pa.table(vj.open_parquet(tmp_path / "new.parquet"))["n"].to_pylist() == [9, 2, 3]


@here
def test_an_error_in_the_middle_is_repeated(vj, tmp_path):
    table = pa.table({"n": list(range(200_000))})
    pq.write_table(table, tmp_path / "n.parquet", row_group_size=50_000, compression="none", use_dictionary=False)
    broken = bytearray((tmp_path / "n.parquet").read_bytes())
    at = pq.read_metadata(tmp_path / "n.parquet").row_group(2).column(0).data_page_offset
    broken[at:at + 40] = b"\xff" * 40
    (tmp_path / "n.parquet").write_bytes(broken)
    reader = pa.RecordBatchReader.from_stream(vj.open_parquet(tmp_path / "n.parquet"))
    good = [reader.read_next_batch(), reader.read_next_batch()]
    for _ in range(2):
        with pytest.raises(OSError, match="row group 2"):
            reader.read_next_batch()
    assert pa.Table.from_batches(good).equals(table.slice(0, 100_000))
