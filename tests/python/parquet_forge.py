"""Parquet files put together by hand, from Thrift fields upwards: forms that no writer at hand makes.

A file is a schema (a list of `node`s in depth-first order), row groups (lists of `Chunk`s) and
whatever else the footer should hold. Nothing is checked: tests forge what they like.
"""
import struct as _struct
import zlib
from dataclasses import dataclass, field

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = range(8)
PLAIN, _, PLAIN_DICTIONARY, RLE, BIT_PACKED, DELTA, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT = range(10)
REQUIRED, OPTIONAL, REPEATED = range(3)
UTF8, MAP, MAP_KEY_VALUE, LIST, ENUM, DECIMAL, DATE = range(7)
NONE, SNAPPY, GZIP, LZO, BROTLI, LZ4, ZSTD, LZ4_RAW = range(8)


# ---- Thrift, compact protocol ----

def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def zigzag(n):
    return varint((n << 1) ^ (n >> 63) if n >= 0 else ((-n) << 1) - 1)


class I32(int):
    """An integer as Thrift's i32; a plain int is an i64."""


class Raw(bytes):
    """A struct that is encoded already."""


def _type(v):
    if isinstance(v, bool):
        return 1 if v else 2
    if isinstance(v, I32):
        return 5
    if isinstance(v, int):
        return 6
    if isinstance(v, (dict, Raw)):
        return 12
    if isinstance(v, (bytes, str)):
        return 8
    return 9


def _value(v):
    if isinstance(v, bool):
        return b""
    if isinstance(v, int):
        return zigzag(v)
    if isinstance(v, dict):
        return thrift(v)
    if isinstance(v, Raw):
        return bytes(v)
    if isinstance(v, str):
        v = v.encode()
    if isinstance(v, bytes):
        return varint(len(v)) + v
    kind = _type(v[0]) if v else 12
    head = bytes([len(v) << 4 | kind]) if len(v) < 15 else bytes([0xF0 | kind]) + varint(len(v))
    if kind in (1, 2):
        return head + bytes(1 if x else 2 for x in v)
    return head + b"".join(_value(x) for x in v)


def thrift(fields):
    """{field number: value} as a struct; values of None are left out."""
    out, last = b"", 0
    for number in sorted(fields):
        v = fields[number]
        if v is None:
            continue
        step = number - last
        out += bytes([step << 4 | _type(v)]) if step < 16 else bytes([_type(v)]) + zigzag(number)
        out += _value(v)
        last = number
    return out + b"\0"


# ---- values and levels ----

def hybrid(values, width):
    """RLE hybrid: one bit-packed run."""
    if width == 0:
        return varint(len(values) << 1)
    groups = (len(values) + 7) // 8
    bits = sum(v << (i * width) for i, v in enumerate(values))
    return varint(groups << 1 | 1) + bits.to_bytes(groups * width, "little")


def runs(values, width):
    """RLE hybrid: repeated runs only."""
    out, i = b"", 0
    while i < len(values):
        n = 1
        while i + n < len(values) and values[i + n] == values[i]:
            n += 1
        out += varint(n << 1) + values[i].to_bytes((width + 7) // 8, "little")
        i += n
    return out


def levels(values, top):
    return hybrid(values, top.bit_length()) if top else b""


def plain(physical, values):
    if physical == BOOLEAN:
        return sum(v << i for i, v in enumerate(values)).to_bytes((len(values) + 7) // 8, "little")
    if physical == BYTE_ARRAY:
        values = [v.encode() if isinstance(v, str) else v for v in values]
        return b"".join(_struct.pack("<I", len(v)) + v for v in values)
    if physical in (FIXED, INT96):
        return b"".join(values)
    return _struct.pack(f"<{len(values)}{ {INT32: 'i', INT64: 'q', FLOAT: 'f', DOUBLE: 'd'}[physical] }", *values)


def delta(values, block=128, minis=4, width=None):
    """DELTA_BINARY_PACKED with any block size."""
    out = varint(block) + varint(minis) + varint(len(values)) + zigzag(values[0] if values else 0)
    per = block // minis
    steps = [b - a for a, b in zip(values, values[1:])]
    for i in range(0, len(steps), block):
        part = steps[i:i + block]
        low = min(part)
        out += zigzag(low)
        chunks = [part[k:k + per] for k in range(0, block, per)]
        widths = [max((s - low).bit_length() for s in c) if c else 0 for c in chunks]
        if width is not None:
            widths = [max(w, width) if c else w for w, c in zip(widths, chunks)]
        out += bytes(widths)
        for c, w in zip(chunks, widths):
            if c:
                c = [s - low for s in c] + [0] * (per - len(c))
                out += sum(s << (k * w) for k, s in enumerate(c)).to_bytes(per * w // 8, "little")
    return out


# ---- pages ----

@dataclass
class Page:
    n: int                      # values with nulls
    body: bytes = b""           # encoded values
    encoding: int = PLAIN
    rep: list = None
    defs: list = None
    top_rep: int = 0
    top_def: int = 0
    v2: bool = False
    rows: int = None            # V2
    nulls: int = 0
    packed: bool = None         # V2: is_compressed; None leaves the field out
    crc: object = None          # True: the right one; an int: this one
    dictionary: bool = False
    extra: dict = field(default_factory=dict)   # more fields of the page header
    level_encoding: int = RLE

    def write(self, compress):
        rep = levels(self.rep, self.top_rep) if self.rep is not None else b""
        defs = levels(self.defs, self.top_def) if self.defs is not None else b""
        if self.v2:
            full = len(rep) + len(defs) + len(self.body)
            body = self.body if self.packed is False or not self.body else compress(self.body)
            data = rep + defs + body
            head = {8: {1: I32(self.n), 2: I32(self.nulls), 3: I32(self.n if self.rows is None else self.rows),
                        4: I32(self.encoding), 5: I32(len(defs)), 6: I32(len(rep)), 7: self.packed}}
            kind = 3
        elif self.dictionary:
            full, data, kind = len(self.body), compress(self.body), 2
            head = {7: {1: I32(self.n), 2: I32(self.encoding)}}
        else:
            size = lambda b, there: _struct.pack("<I", len(b)) + b if there else b
            whole = size(rep, self.rep is not None) + size(defs, self.defs is not None) + self.body
            full, data, kind = len(whole), compress(whole), 0
            head = {5: {1: I32(self.n), 2: I32(self.encoding), 3: I32(self.level_encoding), 4: I32(self.level_encoding)}}
        crc = zlib.crc32(data) if self.crc is True else self.crc
        if crc is not None:
            crc = I32(crc - (1 << 32) if crc >= 1 << 31 else crc)
        return thrift({1: I32(kind), 2: I32(full), 3: I32(len(data)), 4: crc, **head, **self.extra}) + data


def stored(data):
    return data


@dataclass
class Chunk:
    physical: int
    pages: list
    path: list
    codec: int = NONE
    compress: object = stored
    n: int = None               # values; None: what the pages say
    dict_off: object = "right"  # "right", "zero", "absent"
    first_is_data: bool = False  # data_page_offset points at the dictionary
    encodings: object = (PLAIN, RLE)
    meta: dict = field(default_factory=dict)    # more fields of ColumnMetaData
    more: dict = field(default_factory=dict)    # more fields of ColumnChunk

    def write(self, out):
        beg, offs, full = len(out), [], 0
        for page in self.pages:
            offs.append(len(out))
            out += page.write(self.compress)
        has_dict = bool(self.pages) and self.pages[0].dictionary
        data_off = offs[1 if has_dict and not self.first_is_data and len(offs) > 1 else 0] if offs else 0
        dict_off = {"right": beg if has_dict else None, "zero": 0, "absent": None}[self.dict_off]
        n = sum(p.n for p in self.pages if not p.dictionary) if self.n is None else self.n
        encodings = None if self.encodings is None else [I32(e) for e in self.encodings]
        return {2: beg, 3: {1: I32(self.physical), 2: encodings, 3: list(self.path), 4: I32(self.codec), 5: n,
                            6: len(out) - beg, 7: len(out) - beg, 9: data_off, 11: dict_off, **self.meta},
                **self.more}


def node(name, physical=None, rep=REQUIRED, kids=0, converted=None, logical=None, **more):
    """A SchemaElement; more: length, scale, precision."""
    i = lambda v: None if v is None else I32(v)
    return {1: i(physical), 2: i(more.get("length")), 3: i(rep), 4: name, 5: i(kids) if physical is None else None,
            6: i(converted), 7: i(more.get("scale")), 8: i(more.get("precision")), 10: logical}


def write(path, schema, groups, rows, footer=None, root=None, group_rows=None):
    """rows: of each group (a list) or of the only one."""
    rows = rows if isinstance(rows, list) else [rows] * len(groups)
    out = bytearray(b"PAR1")
    done = []
    for chunks, n in zip(groups, rows):
        columns = [c.write(out) for c in chunks]
        done.append({1: columns, 2: len(out), 3: n})
    meta = {1: I32(1), 2: [root or node("schema", rep=None, kids=_roots(schema)), *schema], 3: sum(rows), 4: done,
            6: "forge"}
    meta.update(footer or {})
    tail = thrift(meta)
    out += tail + _struct.pack("<I", len(tail)) + b"PAR1"
    with open(path, "wb") as f:
        f.write(out)
    return path


def _roots(schema):
    """Fields at the top of a depth-first list."""
    n = i = 0
    while i < len(schema):
        n, todo = n + 1, 1
        while todo:
            todo += (schema[i][5] or 0) - 1
            i += 1
    return n
