"""What a join must give, written from docs/semantics.md alone: slow, plain, and no code of ours.

Input is the text of a VCF and databases as tables in memory; output is a `Table` of columns, type
names and rows. Every row of the input is compared with every row of every database: O(n*m).
Rules are cited by number.
"""

import fnmatch
import math
import re
import struct
from dataclasses import dataclass, field

# ---- tables ----


@dataclass
class Table:
    """columns: [(name, type)]; rows: lists of values in that order."""

    columns: list
    rows: list


@dataclass
class Database:
    """files: [Table] in the order of S-32; start_base None: read off the data (S-30)."""

    name: str
    files: list
    start_base: int | None = None


@dataclass
class Options:
    duplicates: str = "all"
    all_samples: bool = False
    sites_only: bool = False
    samples: list | None = None
    variants_only: bool = False
    from_table: bool = False  # the input was normalised before, by a run of its own
    any_order: bool = False  # rows are compared as a bag
    join: tuple = ("chrom", "start", "ref", "alt")  # --join-columns
    columns: list | None = None  # -c
    regions: list | None = None  # [(contig, beg, end)], 1-based and closed


class Refused(Exception):
    """The run must end with this exit code."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


# ---- alleles and contigs ----


def fold(text):
    """a-z to A-Z and nothing else (S-24)."""
    return "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in text)


def plain(text):
    """Made of letters only (S-26)."""
    return bool(re.fullmatch("[A-Za-z]+", text))


def cut_suffix(ref, alt):
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return ref, alt


def cut_prefix(ref, alt, pos1):
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        ref, alt, pos1 = ref[1:], alt[1:], pos1 + 1
    return ref, alt, pos1


REFSEQ = {}
for _name, _old, _new in zip(
    [str(i) for i in range(1, 23)] + ["X", "Y"],
    [10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9],
    [11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10],
):
    _number = {"X": 23, "Y": 24}.get(_name) or int(_name)
    for _version in (_old, _new):
        REFSEQ[f"NC_{_number:06d}.{_version}"] = _name


def shown_contig(name):
    """Without a leading chr in any case; chr alone stays (S-12)."""
    return name[3:] if len(name) > 3 and name[:3].lower() == "chr" else name


def canonical_contig(name, length=None):
    """S-33."""
    name = fold(shown_contig(name))
    if name in REFSEQ:
        return REFSEQ[name]
    if name in ("M", "MT", "NC_012920.1"):
        return "MT" if length in (None, 16569) else "M"
    return name


# ---- VCF ----

INFO_LINE = re.compile(r'##(INFO|FORMAT)=<ID=([^,]+),Number=([^,]+),Type=([^,]+),')
CONTIG_LINE = re.compile(r"##contig=<ID=([^,>]+)(?:,length=(\d+))?")
TYPES = {"Integer": "int32", "Float": "float32", "String": "string", "Character": "string", "Flag": "bool"}
ESCAPES = {"%3B": ";", "%3D": "=", "%25": "%", "%2C": ",", "%0D": "\r", "%0A": "\n", "%09": "\t", "%3A": ":"}


@dataclass
class Field:
    id: str
    number: str
    kind: str
    name: str = ""

    @property
    def scalar(self):
        return self.kind == "Flag" or self.number in ("1", "A")

    @property
    def type(self):
        return TYPES[self.kind] if self.scalar else f"list<{TYPES[self.kind]}>"


@dataclass
class Header:
    decode: bool = False
    info: list = field(default_factory=list)
    format: list = field(default_factory=list)
    lengths: dict = field(default_factory=dict)
    samples: list = field(default_factory=list)


class Odd(Exception):
    """A cell that does not fit (S-6)."""


def read_header(lines):
    h = Header()
    for line in lines:
        if line.startswith("##fileformat=VCFv4."):
            h.decode = int(line.split(".")[1]) >= 3
        elif m := INFO_LINE.match(line):
            (h.info if m[1] == "INFO" else h.format).append(Field(m[2], m[3], m[4]))
        elif m := CONTIG_LINE.match(line):
            h.lengths[m[1]] = int(m[2]) if m[2] else None
        elif line.startswith("#CHROM"):
            h.samples = line.split("\t")[9:]
    return h


def unescape(text, h):
    if not h.decode:
        return text
    return re.sub("%3B|%3D|%25|%2C|%0D|%0A|%09|%3A", lambda m: ESCAPES[m[0].upper()], text, flags=re.I)


def to_float32(text):
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        value = float(text)
    elif re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        value = float(text)
    else:
        raise Odd
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def one_value(text, kind, h):
    """S-14; '.' is null (S-7)."""
    if text == ".":
        return None
    if kind == "Integer":
        if not re.fullmatch(r"[+-]?\d+", text) or not -(2**31) <= int(text) < 2**31:
            raise Odd
        return int(text)
    if kind == "Float":
        return to_float32(text)
    return unescape(text, h)


def element(text, kind, h):
    """One of several values: an odd one is null by itself (S-6)."""
    try:
        return one_value(text, kind, h)
    except Odd:
        return None


def cell(text, f, h, n_alts, alt_i):
    """A field's value in the row of ALT alt_i (from 0); None for a missing or odd one (S-6, S-13)."""
    if text is None or text == ".":
        return None
    try:
        if f.number == "1":
            return one_value(text, f.kind, h)
    except Odd:
        return None
    values = [element(t, f.kind, h) for t in text.split(",")]
    if f.number == "A":
        return values[alt_i] if len(values) == max(n_alts, 1) else None
    if f.number == "R" and n_alts == 0:  # ALT is '.': REF's value alone will do
        values, n_alts = values + [None] * (len(values) == 1), 1
    if f.number == "R":
        return [values[0], values[alt_i + 1]] if len(values) == n_alts + 1 else None
    if f.number.isdigit() and len(values) != int(f.number):
        return None
    return values


def name_fields(h, fixed, with_format):
    """S-21; the fixed names are taken even where their column is not there."""
    taken = {n.lower() for n in fixed} | {"sample", "genotype"}
    info_names = {f.id for f in h.info} - {"END"}  # INFO END has no column (S-15)

    def take(name):
        free, n = name, 2
        while free.lower() in taken:
            free, n = f"{name}_{n}", n + 1
        taken.add(free.lower())
        return free

    info = [f for f in h.info if f.id != "END"]
    for f in info:
        f.name = take(f.id)
    fmt = [f for f in h.format if f.id != "GT"] if with_format else []
    for f in fmt:
        f.name = take(f"FORMAT_{f.id}" if f.id in info_names else f.id)
    return info, fmt


def genotype(text, ref, alts):
    """S-18."""
    if text is None:
        return []
    out = []
    for copy in re.split("[/|]", text.lstrip("/|")):
        if copy == ".":
            continue
        if not copy.isdigit() or int(copy) > (len(alts) if alts != ["."] else 0):
            return []
        out.append([ref, *alts][int(copy)])
    return sorted(out, key=lambda s: s.encode())


def row_end(pos1, ref, alt_text, info, h):
    """S-15, for the alleles the generator makes."""
    end = pos1 + len(ref) - 1
    text = info.get("END")
    if text is not None and re.fullmatch(r"\d+", text) and int(text) >= pos1:
        end = max(end, int(text))
    return end


def in_regions(regions, chrom, beg, end, h):
    """S-23: the span overlaps one of them; contigs compared by S-33."""
    contig = canonical_contig(chrom, h.lengths.get(chrom))
    return any(canonical_contig(c) == contig and beg <= hi and end >= lo for c, lo, hi in regions)


def kept_alts(alts):
    """(index from 0, ALT) of each allele row (S-13, S-16)."""
    if len(alts) == 1:
        return [(0, alts[0])]
    kept = [(i, a) for i, a in enumerate(alts) if a not in ("<NON_REF>", "<*>")]
    return kept or [(0, alts[0])]


def key_of(contig, pos1, ref, alt, n_alts):
    """S-24 ... S-27; alleles None match nothing."""
    if not plain(ref) or not plain(alt):
        return contig, pos1, None, None
    ref, alt = fold(ref), fold(alt)
    if n_alts > 1:
        ref, alt = cut_suffix(ref, alt)
        ref, alt, pos1 = cut_prefix(ref, alt, pos1)
    return contig, pos1, ref, alt


def normalise(text, options=None):
    """The normalised table of a VCF and the key of each of its rows."""
    options = options or Options()
    lines = [line for line in text.split("\n") if line]
    h = read_header([line for line in lines if line.startswith("#")])
    if options.from_table:
        h.lengths = {}  # a table does not hold them (S-33)
    chosen = list(range(len(h.samples)))
    if options.sites_only:
        chosen = []
    elif options.samples is not None:
        chosen = [h.samples.index(s) for s in options.samples]
    elif not options.all_samples:
        chosen = chosen[:1]
    several = len(chosen) > 1 or (options.all_samples and bool(chosen))
    fixed = ["chrom", "start", "end", "rsid", "ref", "alt", "alt_index", "qual", "filter"]
    types = ["string", "uint32", "uint32", "string", "string", "string", "int32", "float64", "string"]
    if several:
        fixed, types = fixed + ["sample"], types + ["string"]
    if chosen:
        fixed, types = fixed + ["genotype"], types + ["list<string>"]
    info, fmt = name_fields(h, fixed, bool(chosen))
    columns = list(zip(fixed, types)) + [(f.name, f.type) for f in info + fmt]
    rows, keys, lines_of = [], [], []
    for line_i, line in enumerate(line for line in lines if not line.startswith("#")):
        for row, key in record_rows(line.split("\t"), h, info, fmt, chosen, several, options):
            rows.append(row)
            keys.append(key)
            lines_of.append(line_i)
    return Table(columns, rows), keys, lines_of


def info_map(text):
    """First of a repeated key counts (S-8)."""
    out = {}
    for part in [] if text == "." else text.split(";"):
        name, eq, value = part.partition("=")
        if part and name not in out:
            out[name] = value if eq else True
    return out


def record_rows(cells, h, info, fmt, chosen, several, options):
    chrom, pos, ident, ref, alt, qual, filt, info_text = cells[:8]
    pos1 = int(pos)
    alts = alt.split(",")
    values = info_map(info_text)
    if options.regions is not None and not in_regions(options.regions, chrom, pos1, row_end(pos1, ref, alt, values, h), h):
        return
    if options.variants_only and all(a in (".", "<NON_REF>", "<*>") for a in alts):
        return
    contig = canonical_contig(chrom, h.lengths.get(chrom))
    names = cells[8].split(":") if len(cells) > 8 else []
    n_alts = 0 if alts == ["."] else len(alts)
    for alt_i, one in kept_alts(alts):
        base = [shown_contig(chrom), pos1, row_end(pos1, ref, one, values, h), None if ident == "." else ident,
                ref, None if one == "." else one, alt_i + 1, None if qual == "." else float(qual),
                None if filt == "." else filt]
        info_cells = [info_cell(values.get(f.id), f, h, n_alts, alt_i) for f in info]
        n_told = len(kept_alts(alts)) if options.from_table else len(alts)  # all that a table tells (S-25)
        key = key_of(contig, pos1, ref, one, max(n_told, alt_i + 1))
        for s in chosen or [None]:
            row = list(base)
            got = dict(zip(names, cells[9 + s].split(":"))) if s is not None else {}
            if several:
                row.append(h.samples[s])
            if s is not None:
                row.append(genotype(got.get("GT"), ref, alts))
            row += info_cells
            row += [cell(got.get(f.id), f, h, n_alts, alt_i) for f in fmt]
            yield row, key


def info_cell(value, f, h, n_alts, alt_i):
    if f.kind == "Flag":
        return value is not None
    if value is None or value is True:
        return None
    return cell(value, f, h, n_alts, alt_i)


# ---- databases ----

KEY_NAMES = {
    "chrom": ("chrom", "chromosome", "contig"),
    "start": ("start", "pos", "position"),
    "ref": ("ref", "reference"),
    "alt": ("alt", "alternate"),
}


def key_columns(table):
    """Index of each key column (S-29)."""
    found = {}
    for part, spellings in KEY_NAMES.items():
        for spelling in spellings:
            for i, (name, _) in enumerate(table.columns):
                if name.lower() == spelling and part not in found:
                    found[part] = i
    return found


def start_base(db):
    """S-30."""
    if db.start_base is not None:
        return db.start_base
    votes = {0: 0, 1: 0}
    for table in db.files:
        at = key_columns(table)
        ends = [i for i, (name, _) in enumerate(table.columns) if name.lower() == "end"]
        if not ends:
            continue
        for row in table.rows:
            start, ref, alt, end = row[at["start"]], row[at["ref"]], row[at["alt"]], row[ends[0]]
            if None in (start, ref, alt, end) or not plain(ref) or "<" in str(alt):
                continue
            if end - start == len(ref) - 1:
                votes[1] += 1
            elif end - start == len(ref):
                votes[0] += 1
    if votes[0] and votes[1]:
        raise Refused(2, f"database {db.name}: rows contradict each other about the start base")
    return 0 if votes[0] else 1


def payload_columns(db):
    """[(source name, type)] in order of first appearance over the files (S-28)."""
    seen = {}
    for table in db.files:
        keys = set(key_columns(table).values())
        for i, (name, kind) in enumerate(table.columns):
            if i not in keys:
                seen.setdefault(name, kind)
    return list(seen.items())


def candidates(row, at):
    """(REF, ALT) pairs that a database row stands for, folded (S-31)."""
    ref, alt = row[at["ref"]], row[at["alt"]]
    if ref is None or alt is None:
        return
    alts = alt if isinstance(alt, list) else re.split("[,|]", alt)
    for one in alts:
        if one is None or not plain(one) or not plain(ref):
            continue
        yield cut_suffix(fold(ref), fold(one)) if len(alts) > 1 else (fold(ref), fold(one))


def told_refs(row, at):
    """REFs of a row, cut with each ALT of letters where there are several: for reasons (S-42)."""
    ref, alt = row[at["ref"]], row[at["alt"]]
    if ref is None:
        return
    alts = alt if isinstance(alt, list) else re.split("[,|]", alt or "")
    for one in alts or [""]:
        yield cut_suffix(fold(ref), fold(one))[0] if len(alts) > 1 and plain(one or "") else fold(ref)


def database_refs(db):
    """Contigs of a database, and the REFs told at each (contig, pos1)."""
    base = start_base(db)
    contigs, refs = set(), {}
    for table in db.files:
        at = key_columns(table)
        for row in table.rows:
            contig, start = row[at["chrom"]], row[at["start"]]
            if contig is None:
                continue
            contigs.add(canonical_contig(contig))
            if start is not None:
                refs.setdefault((canonical_contig(contig), start + 1 - base), set()).update(told_refs(row, at))
    return contigs, refs


def database_rows(db):
    """(contig, pos1, set of allele pairs, payload) in database order (S-32)."""
    base = start_base(db)
    payload = payload_columns(db)
    out = []
    for table in db.files:
        at = key_columns(table)
        index = {name: i for i, (name, _) in enumerate(table.columns)}
        for row in table.rows:
            values = [row[index[name]] if name in index else None for name, _ in payload]
            contig, start = row[at["chrom"]], row[at["start"]]
            out.append((None if contig is None else canonical_contig(contig), None if start is None else start + 1 - base,
                        set(candidates(row, at)), values))
    return payload, out


def matches(join, others, key, db_row):
    """Whether a database row's join columns are those of a row of the input (S-37, S-38)."""
    contig, pos1, alleles, values = db_row
    if "chrom" in join and contig != key[0]:
        return False
    if "start" in join and pos1 != key[1]:
        return False
    if "ref" in join and (key[2] is None or key[2:] not in alleles):
        return False
    return all(mine is not None and mine == values[i] for mine, i in others)


def picked(columns, database, source):
    """The first item of -c that names this column and its new name, None for its own; (None, None): none does (S-45)."""
    for item in columns:
        target, assign, pattern = item.rpartition(":=")
        if pattern.startswith(database + "."):
            pattern = pattern[len(database) + 1 :]
        elif "." in pattern:
            continue  # the generator's columns have no dot: it means another database
        if fnmatch.fnmatchcase(source, pattern) or fnmatch.fnmatchcase("rsid" if source == "id" else source, pattern):
            return item, target or None
    return None, None


def output_names(left, databases, chosen=None):
    """S-43 ... S-45: columns, and for each database which of its payload they are."""
    taken = {name.lower() for name, _ in left}
    columns, kept, used = [], [], set()
    for db in databases:
        kept.append([])
        for i, (source, kind) in enumerate(payload_columns(db)):
            item, pick = ("", None) if chosen is None else picked(chosen, db.name, source)
            if item is None:
                continue
            used.add(item)
            kept[-1].append(i)
            wanted = pick or ("rsid" if source == "id" else source)
            name, n = wanted, 1
            while name.lower() in taken:
                name = f"{wanted}_{db.name}" + (f"_{n}" if n > 1 else "")
                n += 1
            taken.add(name.lower())
            columns.append((name, kind))
    if not used.issuperset(chosen or []):
        raise Refused(1, f"-c: nothing answers {set(chosen) - used}")
    return columns, kept


# ---- the join ----


def join(text, databases, options=None):
    """The whole run: left join with each database, product of their matches (S-37 ... S-41, S-52).

    Also gives the line number of each output row's record, to find the case a row belongs to.
    """
    options = options or Options()
    left, keys, lines_of = normalise(text, options)
    named, kept = output_names(left.columns, databases, options.columns)
    rows, lines = [], []
    tables = [database_rows(db) for db in databases]
    names = [name for name, _ in left.columns]
    others = [n for n in options.join if n not in KEY_NAMES]
    for row, key, line_i in zip(left.rows, keys, lines_of):
        parts = [[]]
        for db, (payload, db_rows), chosen in zip(databases, tables, kept):
            at = {name: i for i, (name, _) in enumerate(payload)}
            wanted = [(row[names.index(n)], at[n]) for n in others]
            hits = [[db_row[3][i] for i in chosen] for db_row in db_rows if matches(options.join, wanted, key, db_row)]
            if len(hits) > 1 and options.duplicates == "error":
                raise Refused(2, f"database {db.name} has several rows for {key}")
            if options.duplicates == "first":
                hits = hits[:1]
            hits = hits or [[None] * len(chosen)]
            parts = [p + h for p in parts for h in hits]
        rows += [row + p for p in parts]
        lines += [line_i] * len(parts)
    return Table(left.columns + named, rows), lines


def fates(text, databases, options=None):
    """For each database, what became of the input's alleles (S-42): {reason: number}."""
    options = options or Options()
    left, keys, _ = normalise(text, options)
    contigs = contigs_of(text, options)
    out = []
    for db in databases:
        known, refs = database_refs(db)
        rows = database_rows(db)[1]
        counts = {}
        for contig, key in zip(contigs, keys):
            if contig not in known:
                fate = "contig_absent"
            elif key[2] is None:
                fate = "not_matchable"
            elif any(matches(options.join, [], key, row) for row in rows):
                fate = "matched"
            elif key[:2] not in refs:
                fate = "no_position"
            else:
                fate = "alt_differs" if key[2] in refs[key[:2]] else "ref_differs"
            counts[fate] = counts.get(fate, 0) + 1
        out.append(counts)
    return out


def contigs_of(text, options):
    """Canonical contig of each allele row."""
    lines = [line for line in text.split("\n") if line]
    h = read_header([line for line in lines if line.startswith("#")])
    cells = [line.split("\t") for line in lines if not line.startswith("#")]
    lines_of = normalise(text, options)[2]
    lengths = {} if options.from_table else h.lengths
    return [canonical_contig(cells[i][0], lengths.get(cells[i][0])) for i in lines_of]


# ---- content hash (docs/formats.md) ----

M64 = (1 << 64) - 1
NULL, NAN = 0x6E756C6C6E756C6C, 0x7FF8000000000000


def mix(a, b):
    product = (a ^ 0x9E3779B97F4A7C15) * (b ^ 0xD6E8FEB86659FD93)
    return (product ^ (product >> 64)) & M64


def value_hash(v, kind, xxh3):
    if v is None:
        return NULL
    if kind == "bool":
        return 3 if v else 2
    if isinstance(v, float):
        return NAN if v != v else struct.unpack("<Q", struct.pack("<d", v + 0.0))[0]
    if kind.startswith("decimal") and not -(2**63) <= v < 2**63:
        n = (v if v >= 0 else ~v).bit_length() // 8 + 1
        return xxh3(v.to_bytes(n, "big", signed=True))
    if isinstance(v, int):
        return v & M64
    if isinstance(v, str):
        return xxh3(v.encode())
    if isinstance(v, bytes):
        return xxh3(v)
    if isinstance(v, list):
        x = len(v)
        for element in v:
            x = mix(x, value_hash(element, kind[5:-1], xxh3))
        return x
    raise TypeError(f"{kind}: {v!r}")


def content_hash(table, xxh3):
    """xxh3: bytes -> 64-bit number."""
    lo = hi = 0
    for row in table.rows:
        r = 0x76617269616E7473
        for v, (_, kind) in zip(row, table.columns):
            r = mix(r, value_hash(v, kind, xxh3))
        lo = (lo + mix(r, 0x2545F4914F6CDD1D)) & M64
        hi = (hi + mix(r, 0xA0761D6478BD642F)) & M64
    n = len(table.rows)
    return f"vjh1:{mix((hi + n) & M64, n):016x}{lo ^ n:016x}"
