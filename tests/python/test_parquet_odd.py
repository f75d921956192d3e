"""Rare but legal Parquet, made by parquet_forge: our rows are the ones that are meant, and those of
pyarrow and DuckDB where they read the file; what is refused is named."""
import gzip
import os
import struct
import zlib

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from parquet_forge import *  # noqa: F403
from test_parquet_read import DUMP, WAYS, check, dump, refuse

pytestmark = pytest.mark.skipif(not os.path.exists(DUMP), reason="VJ_PQ_DUMP is not set")


def rows_of(path):
    """Our rows, the same however they are asked for."""
    rows = dump(path, *WAYS[0])
    for way in WAYS[1:]:
        got = dump(path, *way)
        assert got == [rows[r[0]] for r in got], way
    return [r[1:] if len(r) > 2 else r[1] for r in rows]


def ints(values, **kw):
    return Page(n=len(values), body=plain(INT32, values), **kw)


def column(tmp_path, physical, pages, rows, rep=REQUIRED, schema=None, footer=None, **kw):
    kind = {k: kw.pop(k) for k in ("converted", "logical", "length", "scale", "precision") if k in kw}
    schema = schema or [node("a", physical, rep, **kind)]
    return write(tmp_path / "odd.parquet", schema, [[Chunk(physical, pages, ["a"], **kw)]], rows, footer)


# ---- lists of every age ----

def lists(tmp_path, schema, path, top_rep, top_def, rep, defs, values, rows, physical=INT32):
    page = Page(n=len(rep), body=plain(physical, values), rep=rep, defs=defs, top_rep=top_rep, top_def=top_def)
    return write(tmp_path / "list.parquet", schema, [[Chunk(physical, [page], path)]], rows)


def test_repeated_primitive_is_the_element(tmp_path):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=LIST), node("element", INT32, REPEATED)]
    p = lists(tmp_path, schema, ["a", "element"], 1, 2, [0, 1, 0, 0, 0], [2, 2, 1, 0, 2], [1, 2, 3], 4)
    assert rows_of(p) == [[1, 2], [], None, [3]]
    check(p)


def test_repeated_group_of_two_fields_is_the_element(tmp_path):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=LIST), node("element", rep=REPEATED, kids=2),
              node("x", INT32), node("y", INT32, OPTIONAL)]
    level = dict(rep=[0, 1, 0], top_rep=1)
    x = Page(n=3, body=plain(INT32, [1, 2]), defs=[2, 2, 1], top_def=2, **level)
    y = Page(n=3, body=plain(INT32, [7]), defs=[3, 2, 1], top_def=3, **level)
    p = write(tmp_path / "l.parquet", schema, [[Chunk(INT32, [x], ["a", "element", "x"]),
                                                Chunk(INT32, [y], ["a", "element", "y"])]], 2)
    assert rows_of(p) == [[[1, 7], [2, None]], []]
    check(p)


@pytest.mark.parametrize("name", ["array", "a_tuple"])
def test_repeated_group_of_a_telling_name_is_the_element(tmp_path, name):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=LIST), node(name, rep=REPEATED, kids=1), node("x", INT32)]
    p = lists(tmp_path, schema, ["a", name, "x"], 1, 2, [0, 1, 0], [2, 2, 1], [1, 2], 2)
    assert rows_of(p) == [[[1], [2]], []]
    check(p)


@pytest.mark.parametrize("name", ["bag", "list", "b_tuple"])
def test_other_repeated_groups_are_wrappers(tmp_path, name):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=LIST), node(name, rep=REPEATED, kids=1), node("x", INT32, OPTIONAL)]
    p = lists(tmp_path, schema, ["a", name, "x"], 1, 3, [0, 1, 0, 0], [3, 2, 1, 0], [1], 3)
    assert rows_of(p) == [[1, None], [], None]
    check(p)


@pytest.mark.parametrize("inner", ["array", "element"])
@pytest.mark.parametrize("annotated", [True, False])
def test_a_repeated_group_around_a_repeated_field_is_the_element(tmp_path, inner, annotated):
    """Two levels in two levels: list of list where the inner group says LIST, else list of struct."""
    schema = [node("a", rep=OPTIONAL, kids=1, converted=LIST),
              node(inner, rep=REPEATED, kids=1, converted=LIST if annotated else None), node("x", INT32, REPEATED)]
    p = lists(tmp_path, schema, ["a", inner, "x"], 2, 3, [0, 2, 1, 0], [3, 3, 2, 1], [1, 2], 2)
    assert rows_of(p) == ([[[1, 2], []], []] if annotated else [[[[1, 2]], [[]]], []])
    check(p)


def test_repeated_fields_without_an_annotation(tmp_path):
    schema = [node("a", rep=REPEATED, kids=2), node("x", INT32), node("y", BYTE_ARRAY, REPEATED, converted=UTF8)]
    x = Page(n=3, body=plain(INT32, [1, 2]), rep=[0, 1, 0], defs=[1, 1, 0], top_rep=1, top_def=1)
    y = Page(n=4, body=plain(BYTE_ARRAY, ["u", "v"]), rep=[0, 2, 1, 0], defs=[2, 2, 1, 0], top_rep=2, top_def=2)
    p = write(tmp_path / "l.parquet", schema, [[Chunk(INT32, [x], ["a", "x"]), Chunk(BYTE_ARRAY, [y], ["a", "y"])]], 2)
    assert rows_of(p) == [[[1, ["u", "v"]], [2, []]], []]
    check(p)


def test_list_by_logical_type_only(tmp_path):
    schema = [node("a", rep=OPTIONAL, kids=1, logical={3: {}}), node("list", rep=REPEATED, kids=1), node("element", INT32, OPTIONAL)]
    p = lists(tmp_path, schema, ["a", "list", "element"], 1, 3, [0, 1, 0, 0], [3, 2, 1, 0], [1], 3)
    assert rows_of(p) == [[1, None], [], None]
    check(p)


# ---- maps ----

def pairs(tmp_path, schema, key_def, value_def=None, key_rep=REQUIRED):
    """{"k": 1, "l": null}, {} ; a map without values has keys alone."""
    level = dict(rep=[0, 1, 0], top_rep=1)
    key = Page(n=3, body=plain(BYTE_ARRAY, ["k", "l"]), defs=[key_def, key_def, 1], top_def=key_def, **level)
    chunks = [Chunk(BYTE_ARRAY, [key], ["a", "kv", "key"])]
    if value_def is not None:
        value = Page(n=3, body=plain(INT32, [1]), defs=[value_def, value_def - 1, 1], top_def=value_def, **level)
        chunks.append(Chunk(INT32, [value], ["a", "kv", "value"]))
    return write(tmp_path / "map.parquet", schema, [chunks], 2)


@pytest.mark.parametrize("outer, inner", [(MAP, None), (MAP, MAP_KEY_VALUE), (MAP_KEY_VALUE, None), (MAP_KEY_VALUE, MAP)])
@pytest.mark.parametrize("key_rep", [REQUIRED, OPTIONAL])
def test_maps_of_every_annotation(tmp_path, outer, inner, key_rep):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=outer), node("kv", rep=REPEATED, kids=2, converted=inner),
              node("key", BYTE_ARRAY, key_rep, converted=UTF8), node("value", INT32, OPTIONAL)]
    p = pairs(tmp_path, schema, 2 + key_rep, 3)
    assert rows_of(p) == [[["k", 1], ["l", None]], []]


def test_map_without_values(tmp_path):
    schema = [node("a", rep=OPTIONAL, kids=1, converted=MAP), node("kv", rep=REPEATED, kids=1),
              node("key", BYTE_ARRAY, converted=UTF8)]
    p = pairs(tmp_path, schema, 2)
    assert rows_of(p) == [[["k"], ["l"]], []]


def test_map_annotation_on_a_plain_struct(tmp_path):
    """Hive once marked structs so: the fields are read."""
    schema = [node("a", rep=OPTIONAL, kids=2, converted=MAP), node("x", INT32), node("y", INT32)]
    x = Page(n=2, body=plain(INT32, [1]), defs=[1, 0], top_def=1)
    y = Page(n=2, body=plain(INT32, [2]), defs=[1, 0], top_def=1)
    p = write(tmp_path / "m.parquet", schema, [[Chunk(INT32, [x], ["a", "x"]), Chunk(INT32, [y], ["a", "y"])]], 2)
    assert rows_of(p) == [[1, 2], None]


# ---- dictionaries ----

WORDS = Page(n=2, body=plain(BYTE_ARRAY, ["u", "v"]), dictionary=True)
CODES = Page(n=4, body=b"\1" + hybrid([0, 1, 1, 0], 1), encoding=RLE_DICTIONARY)


@pytest.mark.parametrize("dict_off, first", [("right", False), ("zero", False), ("zero", True), ("absent", True), ("right", True)])
@pytest.mark.parametrize("encoding", [PLAIN_DICTIONARY, RLE_DICTIONARY])
def test_dictionary_offsets_and_names(tmp_path, dict_off, first, encoding):
    words = Page(n=2, body=WORDS.body, dictionary=True, encoding=PLAIN_DICTIONARY if encoding == PLAIN_DICTIONARY else PLAIN)
    codes = Page(n=4, body=CODES.body, encoding=encoding)
    if dict_off == "zero" and not first:
        pytest.skip("nothing says where the dictionary is")
    p = column(tmp_path, BYTE_ARRAY, [words, codes], 4, converted=UTF8, dict_off=dict_off, first_is_data=first,
               encodings=(encoding, RLE))
    assert rows_of(p) == ["u", "v", "v", "u"]
    check(p)


@pytest.mark.parametrize("encodings", [None, (), (PLAIN,), (BIT_PACKED, 77)])
def test_the_list_of_encodings_is_not_needed(tmp_path, encodings):
    p = column(tmp_path, BYTE_ARRAY, [WORDS, CODES], 4, converted=UTF8, encodings=encodings)
    assert rows_of(p) == ["u", "v", "v", "u"]


def test_fallback_and_back_in_one_chunk(tmp_path):
    text = lambda words: Page(n=len(words), body=plain(BYTE_ARRAY, words))
    p = column(tmp_path, BYTE_ARRAY, [WORDS, CODES, text(["w", ""]), CODES, text(["x"])], 11, converted=UTF8)
    assert rows_of(p) == ["u", "v", "v", "u", "w", "", "u", "v", "v", "u", "x"]
    check(p)


def test_a_dictionary_without_entries(tmp_path):
    """All null: bit width 0, or no byte at all behind the levels."""
    words = Page(n=0, body=b"", dictionary=True)
    for body in (b"\0", b"", b"\0" + varint(0)):
        codes = Page(n=3, body=body, encoding=RLE_DICTIONARY, defs=[0, 0, 0], top_def=1)
        p = column(tmp_path, BYTE_ARRAY, [words, codes], 3, rep=OPTIONAL, converted=UTF8)
        assert rows_of(p) == [None, None, None]


def test_a_dictionary_of_one_entry_takes_no_bits(tmp_path):
    words = Page(n=1, body=plain(BYTE_ARRAY, ["u"]), dictionary=True)
    for body in (b"\0" + varint(5 << 1), b"\0" + varint(1 << 1 | 1), b"\1" + varint(5 << 1) + b"\0"):
        p = column(tmp_path, BYTE_ARRAY, [words, Page(n=5, body=body, encoding=RLE_DICTIONARY)], 5, converted=UTF8)
        assert rows_of(p) == ["u"] * 5
        check(p)


def test_wide_dictionary_indices(tmp_path):
    for width in (8, 20, 31, 32):
        codes = Page(n=4, body=bytes([width]) + hybrid([0, 1, 1, 0], width), encoding=RLE_DICTIONARY)
        p = column(tmp_path, BYTE_ARRAY, [WORDS, codes], 4, converted=UTF8)
        assert rows_of(p) == ["u", "v", "v", "u"]


def test_dictionary_of_booleans_and_of_fixed_bytes(tmp_path):
    words = Page(n=2, body=b"aabb", dictionary=True)
    p = column(tmp_path, FIXED, [words, CODES], 4, length=2)
    assert rows_of(p) == ["x6161", "x6262", "x6262", "x6161"]
    check(p)


# ---- pages ----

def test_empty_pages_and_pages_of_unknown_kinds(tmp_path):
    class Index(Page):
        def write(self, compress):
            return thrift({1: I32(self.n), 2: I32(3), 3: I32(3), 6: {}}) + b"xyz"

    pages = [ints([]), Index(n=1), ints([1, 2]), Index(n=9), ints([]), ints([3], v2=True), ints([], v2=True)]
    for page in pages:
        page.n = page.n if isinstance(page, Index) else len(page.body) // 4
    p = column(tmp_path, INT32, pages, 3, n=3)
    assert rows_of(p) == [1, 2, 3]


@pytest.mark.parametrize("v2", [False, True])
def test_required_and_all_null_columns_without_bytes(tmp_path, v2):
    page = Page(n=5, defs=[0] * 5, top_def=1, nulls=5, v2=v2)
    for codec, compress in ((NONE, stored), (SNAPPY, pa.Codec("snappy").compress), (ZSTD, pa.Codec("zstd").compress)):
        p = column(tmp_path, INT32, [page], 5, rep=OPTIONAL, codec=codec,
                   compress=lambda b: bytes(compress(b)))
        assert rows_of(p) == [None] * 5


def test_an_empty_section_that_is_compressed(tmp_path):
    """A zstd frame of no bytes is legal too."""
    class Framed(Page):
        def write(self, compress):
            defs = levels(self.defs, 1)
            data = defs + compress(b"")
            return thrift({1: I32(3), 2: I32(len(defs)), 3: I32(len(data)),
                           8: {1: I32(self.n), 2: I32(self.n), 3: I32(self.n), 4: I32(PLAIN), 5: I32(len(defs)), 6: I32(0)}}) + data

    p = column(tmp_path, INT32, [Framed(n=5, defs=[0] * 5)], 5, rep=OPTIONAL, codec=ZSTD,
               compress=lambda b: bytes(pa.Codec("zstd").compress(b)))
    assert rows_of(p) == [None] * 5


@pytest.mark.parametrize("packed", [False, None, True])
def test_v2_pages_say_themselves_whether_they_are_compressed(tmp_path, packed):
    pages = [ints([1, 2], v2=True, packed=packed), ints([3], v2=True, packed=True), ints([4], v2=True, packed=False)]
    p = column(tmp_path, INT32, pages, 4, codec=SNAPPY, compress=lambda b: bytes(pa.Codec("snappy").compress(b)))
    assert rows_of(p) == [1, 2, 3, 4]
    check(p)


def test_rows_that_go_on_in_the_next_page(tmp_path):
    """V1 pages of a repeated column need not start a row."""
    level = dict(top_rep=1, top_def=1)
    pages = [ints([1, 2], rep=[0, 1], defs=[1, 1], **level), ints([3, 4], rep=[1, 1], defs=[1, 1], **level),
             Page(n=2, body=plain(INT32, [5]), rep=[1, 0], defs=[1, 0], **level), ints([6], rep=[0], defs=[1], **level)]
    p = column(tmp_path, INT32, pages, 3, schema=[node("a", INT32, REPEATED)])
    assert rows_of(p) == [[1, 2, 3, 4, 5], [], [6]]
    check(p)


@pytest.mark.parametrize("v2", [False, True])
def test_run_length_booleans(tmp_path, v2):
    body = hybrid([1, 0, 1, 1, 0], 1)
    page = Page(n=5, body=struct.pack("<I", len(body)) + body, encoding=RLE, v2=v2)
    p = column(tmp_path, BOOLEAN, [page], 5)
    assert rows_of(p) == [True, False, True, True, False]
    check(p)


@pytest.mark.parametrize("block, minis", [(128, 4), (128, 1), (256, 8), (1024, 32), (512, 4), (128, 2)])
@pytest.mark.parametrize("physical", [INT32, INT64])
def test_delta_blocks_of_every_size(tmp_path, block, minis, physical):
    for n in (1, 2, 33, block + 1, block * 2 + 5):
        values = [(i * i * 7919) % 100003 - 50000 for i in range(n)]
        page = Page(n=n, body=delta(values, block, minis), encoding=DELTA)
        p = column(tmp_path, physical, [page], n, encodings=(DELTA,))
        assert rows_of(p) == values
        check(p, ways=WAYS[:2])


def test_deltas_of_33_bits_in_a_column_of_32(tmp_path):
    """DuckDB counts unsigned numbers of 32 bits in 64."""
    values = [0, 2**32 - 1, 0, 7, 2**32 - 2]
    p = column(tmp_path, INT32, [Page(n=5, body=delta(values), encoding=DELTA)], 5, converted=13)
    assert rows_of(p) == values


def test_delta_of_extremes_wraps(tmp_path):
    low, high = -2**63, 2**63 - 1
    steps = [high, low, high, 0, low]
    body = varint(128) + varint(4) + varint(5) + zigzag(high)
    diffs = [(b - a) % 2**64 for a, b in zip(steps, steps[1:])]
    body += zigzag(0) + bytes([64, 0, 0, 0]) + b"".join(struct.pack("<Q", d) for d in diffs) + bytes(8 * 28)
    p = column(tmp_path, INT64, [Page(n=5, body=body, encoding=DELTA)], 5)
    assert rows_of(p) == steps
    check(p)


def test_delta_byte_arrays(tmp_path):
    words = ["chr1", "chr10", "chr10", "", "x" * 300]
    data = "".join(words).encode()
    body = delta([len(w) for w in words]) + data
    p = column(tmp_path, BYTE_ARRAY, [Page(n=5, body=body, encoding=DELTA_LENGTH)], 5, converted=UTF8)
    assert rows_of(p) == words
    check(p)
    shared = [0, 4, 5, 0, 0]
    tails = [w[k:] for w, k in zip(words, shared)]
    body = delta(shared) + delta([len(t) for t in tails]) + "".join(tails).encode()
    p = column(tmp_path, BYTE_ARRAY, [Page(n=5, body=body, encoding=DELTA_BYTES)], 5, converted=UTF8)
    assert rows_of(p) == words
    check(p)


@pytest.mark.parametrize("physical, width", [(FLOAT, 4), (DOUBLE, 8), (INT32, 4), (INT64, 8), (FIXED, 3)])
def test_byte_stream_split_of_every_type(tmp_path, physical, width):
    values = [bytes([i, i + 1, i + 2]) for i in range(9)] if physical == FIXED else [i * 3 - 5 for i in range(9)]
    whole = plain(physical, values)
    body = b"".join(whole[k::width] for k in range(width))
    p = column(tmp_path, physical, [Page(n=9, body=body, encoding=SPLIT)], 9, length=3 if physical == FIXED else None)
    check(p)
    assert rows_of(p)[0] == ("x000102" if physical == FIXED else -5)


# ---- codecs ----

def hadoop(parts, blocks=1):
    """Hadoop's framing: big-endian plain and packed length before each block of raw LZ4."""
    raw = pa.Codec("lz4_raw")
    return b"".join(struct.pack(">II", len(p), len(c)) + c for p in parts for c in [bytes(raw.compress(p))])


DATA = list(range(100, 900))


@pytest.mark.parametrize("name, codec, compress", [
    ("gzip members", GZIP, lambda b: gzip.compress(b[:700]) + gzip.compress(b"") + gzip.compress(b[700:])),
    ("zlib", GZIP, zlib.compress),
    ("hadoop", LZ4, lambda b: hadoop([b])),
    ("hadoop frames", LZ4, lambda b: hadoop([b[:1000], b[1000:2000], b[2000:]])),
    ("lz4 without a frame", LZ4, lambda b: bytes(pa.Codec("lz4_raw").compress(b))),
    ("lz4_raw", LZ4_RAW, lambda b: bytes(pa.Codec("lz4_raw").compress(b))),
    ("brotli", BROTLI, lambda b: bytes(pa.Codec("brotli").compress(b))),
    ("zstd frames", ZSTD, lambda b: bytes(pa.Codec("zstd").compress(b[:99])) + bytes(pa.Codec("zstd").compress(b[99:]))),
])
@pytest.mark.parametrize("v2", [False, True])
def test_codecs(tmp_path, name, codec, compress, v2):
    p = column(tmp_path, INT32, [ints(DATA, v2=v2, packed=True if v2 else None)], len(DATA), codec=codec, compress=compress)
    assert rows_of(p) == DATA
    check(p)


# ---- footers ----

def test_no_row_groups_and_groups_without_rows(tmp_path):
    schema = [node("a", INT32)]
    assert rows_of(write(tmp_path / "z.parquet", schema, [], [])) == []
    assert rows_of(write(tmp_path / "z.parquet", schema, [[Chunk(INT32, [], ["a"])]], 0)) == []
    groups = [[Chunk(INT32, [ints(v)] if v else [], ["a"])] for v in ([1], [], [2, 3])]
    p = write(tmp_path / "z.parquet", schema, groups, [1, 0, 2])
    assert [r[1] for r in dump(p, "next", "100")] == [1, 2, 3]


def test_more_row_groups_than_16_bits_count(tmp_path):
    groups = [[Chunk(INT32, [ints([i])], ["a"])] for i in range(33_000)]
    p = write(tmp_path / "many.parquet", [node("a", INT32)], groups, [1] * len(groups))
    assert [r[1] for r in dump(p, "next", "100000")] == list(range(33_000))


def test_names_of_every_kind(tmp_path):
    names = ["", "a.b", "a", "a", "größe", " ", "x\n\t\"", "n" * 2000]
    schema = [node(n, INT32) for n in names]
    groups = [[Chunk(INT32, [ints([i])], [n]) for i, n in enumerate(names)]]
    p = write(tmp_path / "names.parquet", schema, groups, 1)
    assert rows_of(p) == [list(range(len(names)))]
    assert pq.ParquetFile(p).read().column_names == names


def test_fields_that_are_not_known_yet_are_passed_over(tmp_path):
    nested = {1: {2: [{3: "x"}], 4: [True, False]}, 30000: b"\0\xff", 7: [I32(1)] * 20, 9: True}
    page = ints([1, 2], extra={40: nested, 41: "later"})
    p = column(tmp_path, INT32, [page], 2, footer={50: nested, 51: [nested, nested]}, meta={60: nested}, more={70: nested},
               logical={99: {1: I32(3)}})
    assert rows_of(p) == [1, 2]


@pytest.mark.parametrize("logical, physical, values, want", [
    ({99: {}}, BYTE_ARRAY, [b"\xff"], ["xff"]),
    ({13: {}}, BYTE_ARRAY, [b"\5\0\0\0\0"], ["x0500000000"]),            # BSON
    ({17: {1: "EPSG:4326"}}, BYTE_ARRAY, [b"\1"], ["x01"]),               # GEOMETRY
    ({18: {}}, BYTE_ARRAY, [b"\1"], ["x01"]),                             # GEOGRAPHY
    ({8: {1: True, 2: {3: {}}}}, FIXED, [b"\1" + bytes(11)], ["x01" + "00" * 11]),
    ({11: {}}, BYTE_ARRAY, [], [None]),                                   # UNKNOWN
    ({14: {}}, FIXED, [bytes(range(16))], ["x" + bytes(range(16)).hex()]),  # UUID
])
def test_logical_types_of_the_future_are_their_bytes(tmp_path, logical, physical, values, want):
    page = Page(n=1, body=plain(physical, values), defs=[len(values)], top_def=1)
    length = len(values[0]) if physical == FIXED else None
    assert rows_of(column(tmp_path, physical, [page], 1, rep=OPTIONAL, logical=logical, length=length)) == want


def test_a_variant_is_its_two_binaries(tmp_path):
    schema = [node("v", rep=OPTIONAL, kids=2, logical={16: {1: I32(1)}}), node("metadata", BYTE_ARRAY), node("value", BYTE_ARRAY)]
    binary = lambda b, name: Chunk(BYTE_ARRAY, [Page(n=2, body=plain(BYTE_ARRAY, [b]), defs=[1, 0], top_def=1)], ["v", name])
    p = write(tmp_path / "v.parquet", schema, [[binary(b"\1\0\0", "metadata"), binary(b"\4", "value")]], 2)
    assert rows_of(p) == [["x010000", "x04"], None]


@pytest.mark.parametrize("physical, values", [
    (INT32, [-123, 99999]), (INT64, [-123, 99999]), (FIXED, [b"\xff\xff\x85", b"\x01\x86\x9f"]),
    (BYTE_ARRAY, [b"\x85", b"\0\0\0\0\x01\x86\x9f"]),
])
def test_decimals_in_four_forms(tmp_path, physical, values):
    page = Page(n=2, body=plain(physical, values))
    for logical in (None, {5: {1: I32(2), 2: I32(5)}}):
        p = column(tmp_path, physical, [page], 2, converted=DECIMAL, scale=2, precision=5, length=3 if physical == FIXED else None,
                   logical=logical)
        check(p)


def test_the_root_may_be_anything(tmp_path):
    for root in (node("", rep=None, kids=1), node("r", rep=REPEATED, kids=1), node("r", rep=OPTIONAL, kids=1)):
        p = write(tmp_path / "r.parquet", [node("a", INT32)], [[Chunk(INT32, [ints([5])], ["a"])]], 1, root=root)
        assert rows_of(p) == [5]


# ---- what is refused, by name ----

@pytest.mark.parametrize("make, words", [
    (lambda: dict(codec=LZO), "codec 3 (LZO) is not read"),
    (lambda: dict(codec=99), "codec 99"),
    (lambda: dict(more={1: "other.parquet"}), "in another file (file_path)"),
    (lambda: dict(more={8: {1: {}}}), "encrypted columns are not read"),
    (lambda: dict(footer={8: {1: {}}}), "the file is encrypted"),
    (lambda: dict(page=dict(encoding=10)), "ALP"),
    (lambda: dict(page=dict(encoding=11)), "encoding 11"),
    (lambda: dict(page=dict(crc=1)), "expected checksum 00000001"),
])
def test_what_is_refused_is_named(tmp_path, make, words):
    kw = make()
    page = ints([1, 2], **kw.pop("page", {}))
    said = refuse(column(tmp_path, INT32, [page], 2, **kw))
    assert words in said and said.count("\n") == 1


def test_an_encrypted_footer_is_named(tmp_path):
    p = tmp_path / "e.parquet"
    p.write_bytes(b"PARE" + bytes(100) + struct.pack("<I", 50) + b"PARE")
    assert "encrypted footer (magic PARE)" in refuse(p)


@pytest.mark.parametrize("v2", [False, True])
def test_an_offset_index_that_lies_is_found(tmp_path, v2):
    """A page that is jumped to must have the rows that the index says."""
    def build(firsts):
        out, locations = bytearray(b"PAR1"), []
        for k, first in enumerate(firsts):
            page = ints(list(range(k * 40, k * 40 + 40)), v2=v2).write(stored)
            locations.append({1: len(out), 2: I32(len(page)), 3: first})
            out += page
        end, index = len(out), thrift({1: locations})
        out += index
        chunk = {2: 4, 3: {1: I32(INT32), 2: [I32(0)], 3: ["a"], 4: I32(0), 5: 1200, 6: end - 4, 7: end - 4, 9: 4},
                 4: end, 5: I32(len(index))}
        meta = thrift({1: I32(1), 2: [node("s", rep=None, kids=1), node("a", INT32)], 3: 1200,
                       4: [{1: [chunk], 2: end, 3: 1200}]})
        path = tmp_path / "index.parquet"
        path.write_bytes(bytes(out) + meta + struct.pack("<I", len(meta)) + b"PAR1")
        return path

    right = [k * 40 for k in range(30)]
    wrong = [r - (k == 9) for k, r in enumerate(right)]
    assert rows_of(build(right)) == list(range(1200))
    assert [r[1] for r in dump(build(right), "select", "397", "1")] == [1, 398, 795, 1192]
    assert "the offset index expects 41 rows, the page has 40" in refuse(build(wrong), "select", "360", "5")
    assert [r[1] for r in dump(build(wrong), "next", "100")] == list(range(1200))
