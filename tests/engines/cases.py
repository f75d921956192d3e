"""Seeded hard cases for the engines, many to a batch; files of a batch; its tables read back.

A case is a handful of records and database rows in a window of positions of its own on one contig.
The cases of a batch share one VCF header and the databases' columns, so that one run of an engine
answers them all.
"""

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import oracle

# ---- what a batch is ----


@dataclass
class File:
    """rows: [(case, {column: value})]"""

    columns: list
    rows: list
    writer: dict


@dataclass
class Base:
    """One database: files and how it is named on the command line."""

    name: str
    files: list
    start_base: int | None
    shape: str  # "file", "folder" or "glob"


@dataclass
class Batch:
    seed: object
    header: list
    sample_names: list
    records: list  # [(case, line)]
    databases: list
    options: oracle.Options
    run: dict = field(default_factory=dict)

    def vcf(self):
        names = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
        names += ["FORMAT", *self.sample_names] if self.sample_names else []
        return "\n".join([*self.header, "\t".join(names), *(line for _, line in self.records)]) + "\n"


# ---- contigs ----

SPELLINGS = {
    "1": ["1", "chr1", "CHR1", "Chr1", "NC_000001.10", "NC_000001.11"],
    "2": ["2", "chr2", "NC_000002.12"],
    "20": ["20", "chr20", "NC_000020.11"],
    "X": ["X", "chrX", "chrx", "NC_000023.10"],
    "MT": ["MT", "M", "chrM", "chrMT", "NC_012920.1"],
    "GL000220.1": ["GL000220.1", "gl000220.1", "chrGL000220.1"],
    "chr": ["chr"],
    "HLA-A*01:01:01:01": ["HLA-A*01:01:01:01"],
}


def contig_lines(rng):
    lines = []
    for spellings in SPELLINGS.values():
        for name in spellings:
            kind = rng.random()
            if name in SPELLINGS["MT"] and kind < 0.5:
                lines.append(f"##contig=<ID={name},length={rng.choice([16569, 16571])}>")
            elif kind < 0.5:
                lines.append(f"##contig=<ID={name}>")
            elif kind < 0.9 and name not in SPELLINGS["MT"]:
                lines.append(f"##contig=<ID={name},length=4000000000>")
    return lines


# ---- header fields ----

INFO_POOL = [
    ("AC", "A", "Integer"), ("AF", "A", "Float"), ("af", "1", "Float"), ("AD", "R", "Integer"),
    ("DP", "1", "Integer"), ("DB", "0", "Flag"), ("MQ", "1", "Float"), ("CSQ", ".", "String"),
    ("ANN", "1", "String"), ("GLI", "G", "Integer"), ("END", "1", "Integer"), ("CIPOS", "2", "Integer"),
    ("qual", "1", "Float"), ("rsid", "1", "String"), ("sample", ".", "Integer"), ("score", "1", "Float"),
    ("AFR", "R", "Float"), ("genotype", "1", "Character"),
]
FORMAT_POOL = [
    ("GT", "1", "String"), ("DP", "1", "Integer"), ("AD", "R", "Integer"), ("GQ", "1", "Integer"),
    ("PL", "G", "Integer"), ("AB", "A", "Float"), ("FT", "1", "String"), ("PS", "1", "Integer"),
    ("end", "1", "Integer"), ("VAF", ".", "Float"),
]
FLOATS = ["0", "0.5", "1e-5", "0.1", "3.4028235e38", "nan", "NaN", "inf", "-inf", "-0", "1e-46", "16777217", "7."]
TEXTS = ["a", "missense_variant", "x%2Cy", "100%", "p.Val1%3D", "ü", "A|B|C", "e f", "%zz"]


def header_lines(rng):
    version = rng.choice(["4.1", "4.2", "4.2", "4.3", "4.4"])
    info = rng.sample(INFO_POOL, rng.randrange(0, 9))
    fmt = [FORMAT_POOL[0], *rng.sample(FORMAT_POOL[1:], rng.randrange(0, 5))]
    lines = [f"##fileformat=VCFv{version}", *contig_lines(rng)]
    lines += [f'##INFO=<ID={i},Number={n},Type={t},Description="x">' for i, n, t in info]
    lines += [f'##FORMAT=<ID={i},Number={n},Type={t},Description="x">' for i, n, t in fmt]
    return lines, info, fmt


def value_text(rng, kind):
    if rng.random() < 0.08:
        return "."
    if kind == "Integer":
        return str(rng.choice([0, 1, 7, -3, 2147483647, -2147483648, rng.randrange(10**6)]))
    if kind == "Float":
        return rng.choice(FLOATS)
    return "c" if kind == "Character" else rng.choice(TEXTS)


def field_text(rng, number, kind, n_alts):
    if rng.random() < 0.05:
        return "."
    if rng.random() < 0.03 and kind in ("Integer", "Float"):
        return rng.choice(["x", "1,x", "99999999999x", "1,2,3,4,5,6,7"])  # odd cells
    n = {"A": n_alts, "R": n_alts + 1, "G": (n_alts + 1) * (n_alts + 2) // 2, ".": rng.randrange(1, 4)}
    count = n.get(number) or int(number)
    if rng.random() < 0.04 and number in "AR":
        count += 1
    return ",".join(value_text(rng, kind) for _ in range(count))


def info_text(rng, info, pos1, ref, n_alts):
    parts = []
    for name, number, kind in rng.sample(info, len(info)):
        if rng.random() < 0.25:
            continue
        if kind == "Flag":
            parts.append(name)
        elif name == "END":
            parts.append(f"END={pos1 + rng.choice([0, len(ref) - 1, 25])}")
        else:
            parts.append(f"{name}={field_text(rng, number, kind, n_alts)}")
    return ";".join(parts) or "."


def sample_text(rng, fmt, n_alts):
    def gt():
        copies = rng.choice([1, 2, 2, 2, 2, 3])
        pick = lambda: "." if rng.random() < 0.1 else str(rng.randrange(n_alts + 1))
        return rng.choice("/|").join(pick() for _ in range(copies))

    cells = [gt() if f[0] == "GT" else field_text(rng, f[1], f[2], n_alts) for f in fmt]
    return ":".join(cells[: rng.randrange(1, len(cells) + 1)] if rng.random() < 0.1 else cells)


# ---- alleles ----


def bases(rng, n, letters="ACGT"):
    return "".join(rng.choice(letters) for _ in range(n))


def stretch(rng):
    """60 bases, often repeats, where indels have several spellings."""
    if rng.random() < 0.5:
        unit = bases(rng, rng.randrange(1, 4))
        return (bases(rng, 10) + unit * 20 + bases(rng, 20))[:60]
    return bases(rng, 60)


def one_allele(rng, text, i):
    """REF and one ALT at offset i of the stretch, anchored as VCF does."""
    kind = rng.random()
    if kind < 0.45:
        ref = text[i]
        return ref, rng.choice([b for b in "ACGT" if b != ref])
    if kind < 0.62:
        return text[i], text[i] + bases(rng, rng.randrange(1, 5))
    if kind < 0.8:
        return text[i : i + rng.randrange(2, 6)], text[i]
    if kind < 0.93:
        n = rng.randrange(2, 5)
        return text[i : i + n], bases(rng, rng.randrange(1, 5))
    return text[i], text[i] + bases(rng, 3000 if rng.random() < 0.5 else 10000)


ODD_ALTS = ["*", "<DEL>", "<NON_REF>", "<*>", ".", "A[1:100[", "]X:5]T", ".A", "<INS:ME>"]


def site(rng, text):
    """(offset, REF, [ALT, ...]) as a record would write it."""
    i = rng.randrange(0, 50)
    ref, alt = one_allele(rng, text, i)
    alts = [alt]
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3])):
        other_ref, other = one_allele(rng, text, i)
        longest = text[i : i + max(len(ref), len(other_ref))]
        alts = [a + longest[len(ref) :] for a in alts] + [other + longest[len(other_ref) :]]
        ref = longest if len(longest) >= len(ref) else ref
    alts = list(dict.fromkeys(alts))
    if rng.random() < 0.15:
        alts.insert(rng.randrange(len(alts) + 1), rng.choice(ODD_ALTS[:4]))
    elif rng.random() < 0.08:
        alts = [rng.choice(ODD_ALTS)]
    if rng.random() < 0.05:
        ref = ref[:-1] + rng.choice("NRY")
    if rng.random() < 0.1:
        ref, alts = ref.lower(), [a.lower() if a.isalpha() else a for a in alts]
    return i, ref, alts


def random_case(rng, text):
    return "".join(c.lower() if rng.random() < 0.5 else c for c in text)


def database_allele(rng, pos1, ref, alts, text, window):
    """A row's (pos1, ref, [alts]) that matches, nearly matches or does not match the record."""
    kind = rng.random()
    alt = rng.choice(alts)
    if kind < 0.35 or not oracle.plain(alt):
        if rng.random() < 0.6 and oracle.plain(alt) and oracle.plain(ref):
            ref, alt = oracle.cut_suffix(ref, alt)
            ref, alt, pos1 = oracle.cut_prefix(ref, alt, pos1)
        return pos1, ref, [alt]
    if kind < 0.6:
        tail = bases(rng, rng.randrange(0, 3))
        others = [bases(rng, rng.randrange(1, 4)) for _ in range(rng.randrange(1, 3))]
        many = [a + tail for a in alts if rng.random() < 0.8] + others
        if rng.random() < 0.2:
            many.append(rng.choice(["*", "<DEL>", "", ".", many[0]]))
        rng.shuffle(many)
        return pos1, ref + tail, many
    if kind < 0.7 and pos1 > window:
        before = text[pos1 - window - 1]
        return pos1 - 1, before + ref, [before + alt]  # another spelling: no match
    if kind < 0.8:
        return pos1, rng.choice([ref + "A", ref[:1], "T"]), [alt]
    i, ref, alts = site(rng, text)
    return window + i, ref, alts


# ---- databases ----

UTC = pa.timestamp("us", tz="UTC")
PAYLOAD = {
    "id": pa.string(), "AF": pa.float32(), "freq": pa.float64(), "flag": pa.bool_(), "n8": pa.int8(),
    "u8": pa.uint8(), "n16": pa.int16(), "u16": pa.uint16(), "n32": pa.int32(), "u32": pa.uint32(),
    "n64": pa.int64(), "u64": pa.uint64(), "tags": pa.list_(pa.string()), "nums": pa.list_(pa.float32()),
    "ints": pa.list_(pa.int32()), "cat": pa.dictionary(pa.int32(), pa.string()), "blob": pa.binary(),
    "seen": pa.timestamp("us"), "seen_ms": pa.timestamp("ms"), "seen_ns": pa.timestamp("ns"), "seen_utc": UTC,
    "day": pa.date32(), "dec9": pa.decimal128(9, 2), "dec18": pa.decimal128(18, 4),
    "dec30": pa.decimal128(30, 6), "qual": pa.float64(), "FILTER": pa.string(), "DP": pa.int64(),
    "sample": pa.string(), "rsid": pa.string(), "a b": pa.int32(), 'quo"te': pa.string(), "Ünï": pa.string(),
    "big": pa.large_string(), "alt_index": pa.int16(), "GENE": pa.string(), "p0": pa.int32(), "r": pa.string(),
}
INT_RANGE = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1), "uint16": (0, 65535),
             "int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1),
             "uint64": (0, 2**64 - 1)}


def payload_value(rng, kind):
    if rng.random() < 0.12:
        return None
    name = str(kind)
    if name in INT_RANGE:
        lo, hi = INT_RANGE[name]
        return rng.choice([lo, hi, 0, 1, rng.randint(lo, hi)])
    if pa.types.is_floating(kind):
        return rng.choice([0.0, -0.0, 0.5, float("nan"), float("inf"), float("-inf"), 2.0**-140, rng.random()])
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    if pa.types.is_list(kind):
        return [payload_value(rng, kind.value_type) for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    if pa.types.is_timestamp(kind):
        return rng.choice([0, 1, -1, 1_700_000_000_123, rng.randrange(10**13)])
    if pa.types.is_date(kind):
        return rng.choice([0, -1, 19000])
    if pa.types.is_time(kind):
        return rng.randrange(86_400_000_000)
    if pa.types.is_decimal(kind):
        digits = rng.randrange(1, kind.precision + 1)
        return Decimal(rng.randrange(-(10**digits) + 1, 10**digits)).scaleb(-kind.scale)
    if pa.types.is_binary(kind):
        return rng.choice([b"", b"\x00\xff", b"abc"])
    return rng.choice(["", "x", "rs1", "ü", "tab\there", "NaN", "NULL", "a,b|c", bases(rng, 40)])


def make_columns(rng, start_base):
    """One database's columns: [(name, type)], in the order of its first file."""
    start = rng.choice([pa.int64(), pa.int32(), pa.uint32(), pa.uint64()])
    names = rng.sample(sorted(PAYLOAD), rng.randrange(0, 9))
    columns = [("chrom", rng.choice([pa.string(), pa.string(), PAYLOAD["cat"], pa.large_string()])),
               ("start", start), ("ref", pa.string()),
               ("alt", rng.choice([pa.string(), pa.string(), pa.string(), pa.list_(pa.string())]))]
    if start_base == 0 or rng.random() < 0.6:
        columns.append(("end", rng.choice([start, pa.int64()])))
    columns += [(n, PAYLOAD[n]) for n in names]
    if rng.random() < 0.3:
        rng.shuffle(columns)
    if rng.random() < 0.15:
        aliases = {"chrom": "CHROM", "start": "POS", "ref": "REF", "alt": "ALT"}
        if rng.random() < 0.5:
            aliases = {"chrom": "chromosome", "start": "position", "ref": "reference", "alt": "alternate"}
        columns = [(aliases.get(n, n), t) for n, t in columns]
    return columns


def key_name(columns, part):
    table = oracle.Table([(n, "") for n, _ in columns], [])
    return columns[oracle.key_columns(table)[part]][0]


def database_row(rng, columns, start_base, spelling, pos1, ref, alts):
    row = {n: payload_value(rng, t) for n, t in columns}
    chrom, start, ref_name, alt_name = (key_name(columns, p) for p in ("chrom", "start", "ref", "alt"))
    if rng.random() < 0.1:
        ref, alts = random_case(rng, ref), [random_case(rng, a) for a in alts]
    alt_type = dict(columns)[alt_name]
    if pa.types.is_list(alt_type):
        alt = [a if rng.random() > 0.05 else None for a in alts]
    else:
        alt = rng.choice(",||").join(alts)
    row.update({chrom: spelling, start: pos1 - 1 + start_base, ref_name: ref, alt_name: alt})
    if "end" in row:
        row["end"] = None if rng.random() < 0.05 else pos1 - 1 + len(ref)  # the same in both countings
    if rng.random() < 0.08:
        row[rng.choice([chrom, start, ref_name, alt_name])] = None
    return row


def make_writer(rng):
    kind = rng.choice(["pyarrow", "pyarrow", "pyarrow", "polars", "duckdb"])
    writer = {"by": kind, "rows": rng.choice([1, 2, 3, 7, 20, 100, 10000]),
              "codec": rng.choice(["zstd", "snappy", "gzip", "none", "lz4", "brotli"])}
    if kind == "pyarrow":
        writer |= {"version": rng.choice(["1.0", "2.4", "2.6", "2.6"]), "page": rng.choice(["1.0", "2.0"]),
                   "dictionary": rng.random() < 0.6, "stats": rng.random() < 0.8, "index": rng.random() < 0.3,
                   "page_bytes": rng.choice([64, 300, 1 << 20])}
    return writer


def make_database(rng, name, sites):
    """sites: [(case, contig, pos1, ref, alts, stretch, window)] of the batch's records."""
    base = rng.choice([1, 1, 1, 0])
    columns = make_columns(rng, base)
    spelling = {c: rng.choice(s) for c, s in SPELLINGS.items()}
    mixed = rng.random() < 0.1
    rows = []
    for case, contig, pos1, ref, alts, text, window in sites:
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            p, r, a = database_allele(rng, pos1, ref, alts, text, window)
            if p < 1 or (p >= 2**31 - 1 and pa.int32() in [t for n, t in columns if n == "end"]):
                continue
            named = rng.choice(SPELLINGS[contig]) if mixed else spelling[contig]
            row = database_row(rng, columns, base, named, p, r, a)
            rows += [(case, row)] * rng.choice([1, 1, 1, 1, 2, 3])
    if dict(columns)[key_name(columns, "start")] == pa.int32():
        rows = [r for r in rows if max(r[1][key_name(columns, "start")] or 0, r[1].get("end") or 0) < 2**31]
    order_rows(rng, rows, columns)
    files = split_files(rng, columns, rows)
    has_end = any(n == "end" for n, _ in columns)
    told = base if (base == 0 and not has_end) or rng.random() < 0.2 else None
    return Base(name, files, told, "file" if len(files) == 1 else rng.choice(["folder", "glob"])), base


def order_rows(rng, rows, columns):
    chrom, start = key_name(columns, "chrom"), key_name(columns, "start")
    kind = rng.random()
    if kind < 0.15:
        rng.shuffle(rows)
        return
    wobble = 0 if kind < 0.75 else 60  # neighbours out of order: row groups overlap
    rows.sort(key=lambda r: (r[1][chrom] or "", (r[1][start] or 0) + rng.randrange(wobble + 1)))


def split_files(rng, columns, rows):
    n = rng.choice([1, 1, 1, 2, 3])
    cuts = sorted(rng.randrange(len(rows) + 1) for _ in range(n - 1))
    files = []
    writer = make_writer(rng)  # another writer may give a column another type: S-28 refuses that
    for beg, end in zip([0, *cuts], [*cuts, len(rows)]):
        own = list(columns)
        part = rows[beg:end]
        if files and rng.random() < 0.5:
            rng.shuffle(own)
        keys = {key_name(columns, p) for p in ("chrom", "start", "ref", "alt")} | {"end"}
        if files and rng.random() < 0.3 and (spare := [c for c in own if c[0] not in keys]):
            own.remove(rng.choice(spare))
        files.append(File(own, part, writer | {"rows": make_writer(rng)["rows"]}))
    return files


# ---- batches ----


def make_case(rng, case, fields, header, n_samples):
    """Records of one case: [(line, site)]."""
    contig = rng.choice(sorted(SPELLINGS))
    text = stretch(rng)
    window = 1000 + case * 30000 + (3_000_000_000 if rng.random() < 0.05 else 0)
    if rng.random() < 0.02:
        window = case  # the first bases of a contig
    spellings = SPELLINGS[contig] if rng.random() < 0.15 else [rng.choice(SPELLINGS[contig])]
    info, fmt = fields
    out = []
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        i, ref, alts = site(rng, text)
        pos1 = window + i
        cells = [rng.choice(spellings), str(pos1), rng.choice([".", "rs7", "a;b"]), ref, ",".join(alts),
                 rng.choice([".", "30", "99.5", "1e3"]), rng.choice([".", "PASS", "q10;s50"]),
                 info_text(rng, info, pos1, ref, len(alts))]
        if n_samples:
            cells.append(":".join(f[0] for f in fmt))
            cells += [sample_text(rng, fmt, len(alts)) for _ in range(n_samples)]
        place = (case, contig, pos1, ref, alts, text, window)
        out += [("\t".join(cells), place)] * rng.choice([1, 1, 1, 1, 1, 2])
    return out


def make_options(rng, n_samples):
    options = oracle.Options(duplicates=rng.choice(["all", "all", "first"]))
    kind = rng.random()
    if n_samples and kind < 0.2:
        options.sites_only = True
    elif n_samples > 1 and kind < 0.5:
        options.all_samples = True
    elif n_samples > 1 and kind < 0.65:
        options.samples = [f"S{rng.randrange(n_samples)}"]
    options.variants_only = rng.random() < 0.1
    options.any_order = rng.random() < 0.15
    return options


def choose_columns(rng, databases):
    """Items for -c that all name something (S-45), or None."""
    items = []
    for d in databases:
        keys = {key_name(d.files[0].columns, p) for p in ("chrom", "start", "ref", "alt")}
        names = sorted({n for f in d.files for n, _ in f.columns} - keys)
        for name in rng.sample(names, rng.randrange(0, len(names) + 1)):
            shown = "rsid" if name == "id" and rng.random() < 0.5 else name
            source = rng.choice([shown, shown, d.name + "." + shown, shown[:2] + "*", "?" + shown[1:]])
            target = rng.choice(["", "", "new", "AF", name.upper(), "chrom", f"v{len(items)}"])
            items.append(f"{target}:={source}" if target and "*" not in source else source)
    rng.shuffle(items)
    return items or None


def choose_join(rng, batch):
    """--join-columns; the engines that can are fewer (S-38)."""
    kind = rng.random()
    if kind < 0.35:
        return ("chrom", "start")
    if kind < 0.5:
        return ("start", "ref", "alt")
    left = dict(oracle.normalise(batch.vcf(), batch.options)[0].columns)
    alike = {"string": ("string", "large_string"), "float64": ("double",), "int32": ("int16", "int32", "int64")}
    both = [n for n, t in left.items() if n not in oracle.KEY_NAMES and t in alike and all(
        str(dict(f.columns).get(n)) in alike[t] for d in batch.databases for f in d.files)]
    return ("chrom", "start") + (rng.choice(both),) if both else ("chrom", "ref", "alt")


def choose_regions(rng, records):
    """Some stretches of the records' contigs, spelled in any way."""
    by_name = {spelling: c for c, spellings in SPELLINGS.items() for spelling in spellings}
    regions = []
    for _ in range(rng.randrange(1, 5)):
        if not records:
            break
        cells = rng.choice(records)[1].split("\t", 2)
        pos1 = int(cells[1])
        spellings = [s for s in SPELLINGS[by_name[cells[0]]] if ":" not in s and "," not in s]
        if spellings and by_name[cells[0]] != "MT":
            regions.append((rng.choice(spellings), max(1, pos1 - rng.randrange(100000)), pos1 + rng.randrange(100000)))
    return regions or None


def sort_for_index(batch):
    """Records that tabix takes: by contig and position, and below its limit."""
    own = [r for r in batch.records if int(r[1].split("\t", 2)[1]) < 2**29 - 20000]
    place = lambda r: (r[1].split("\t", 2)[0], int(r[1].split("\t", 2)[1]))
    return replace(batch, records=sorted(own, key=place))


def make_batch(seed, n_cases=25):
    rng = random.Random(f"varjoin {seed}")
    header, info, fmt = header_lines(rng)
    n_samples = rng.choice([0, 1, 1, 2, 3])
    made = [entry for case in range(n_cases) for entry in make_case(rng, case, (info, fmt), header, n_samples)]
    if rng.random() < 0.2:
        rng.shuffle(made)
    else:
        made.sort(key=lambda e: (e[0].split("\t")[0], e[1][2]))
    databases = []
    for i in range(rng.choice([1, 1, 2, 2, 3, 4, 6])):
        sites = [e[1] for e in made if rng.random() < 0.8]
        if rng.random() < 0.06:
            sites = []
        database, base = make_database(rng, rng.choice(["db", "d-b", "ClinVar", "x.y"]) + str(i), sites)
        database.true_base = base
        databases.append(database)
    records = [(e[1][0], e[0]) for e in made] if rng.random() > 0.03 else []
    bases_told = {d.start_base for d in databases}
    fix_start_bases(databases, bases_told)
    run = {"threads": rng.choice([1, 2]), "batch_rows": rng.choice([None, 1, 7, 64]),
           "table_rows": rng.choice([None, 1, 3, 50]), "tsv": rng.random() < 0.15}
    names = [f"S{i}" for i in range(n_samples)]
    options = make_options(rng, n_samples)
    options.from_table = rng.random() < 0.2
    batch = Batch(seed, header, names, records, databases, options, run)
    if rng.random() < 0.2:
        options.columns = choose_columns(rng, databases)
    if rng.random() < 0.12:
        options.join = choose_join(rng, batch)
    if rng.random() < 0.15:
        options.regions = choose_regions(rng, records)
        run["indexed"] = bool(options.regions) and rng.random() < 0.5
    if rng.random() < 0.03:
        options.duplicates = "error"
    return sort_for_index(batch) if run.get("indexed") else batch


def fix_start_bases(databases, told):
    """--start-base holds for all databases: give it only where all agree."""
    real = {d.true_base for d in databases}
    needs = any(d.true_base == 0 and not any(n == "end" for n, _ in d.files[0].columns) for d in databases)
    base = real.pop() if len(real) == 1 and (needs or told != {None}) else None
    for d in databases:
        d.start_base = base


# ---- files ----


def arrow_table(file):
    arrays = []
    for name, kind in file.columns:
        values = [row.get(name) for _, row in file.rows]
        if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
            arrays.append(pa.array(values, pa.int64()).cast(kind))
        elif pa.types.is_date(kind):
            arrays.append(pa.array(values, pa.int32()).cast(kind))
        elif pa.types.is_dictionary(kind):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, kind))
    return pa.table(arrays, schema=pa.schema([(n, t) for n, t in file.columns]))


def write_file(file, path):
    table, w = arrow_table(file), file.writer
    if w["by"] == "pyarrow":
        pq.write_table(
            table, path, row_group_size=w["rows"], version=w["version"], data_page_version=w["page"],
            compression=w["codec"], use_dictionary=w["dictionary"], write_statistics=w["stats"],
            write_page_index=w["index"], data_page_size=w["page_bytes"], store_schema=False,
            coerce_timestamps=None if w["version"] == "2.6" else "us", allow_truncated_timestamps=True,
        )
    elif w["by"] == "polars":
        codec = "uncompressed" if w["codec"] == "none" else w["codec"]
        pl.from_arrow(table).write_parquet(path, compression=codec, row_group_size=w["rows"])
    else:
        codec = {"none": "uncompressed", "lz4": "lz4_raw"}.get(w["codec"], w["codec"])
        con = duckdb.connect()
        con.register("t", table)
        con.execute(f"copy (from t) to '{path}' (format parquet, compression {codec}, row_group_size 2048)")
        con.close()


def write_batch(batch, folder):
    """Write VCF and databases; arguments for the program that name them, and the oracle's tables."""
    folder = Path(folder)
    (folder / "in.vcf").write_text(batch.vcf(), encoding="utf-8")
    args, tables = [], []
    for d in batch.databases:
        at = folder / d.name
        at.mkdir(exist_ok=True)
        paths = []
        for i, file in enumerate(d.files):
            paths.append(at / f"part{i}.parquet")
            write_file(file, paths[-1])
        shown = {"file": paths[0], "folder": at, "glob": at / "part*.parquet"}[d.shape]
        args += ["-a", f"{d.name}={shown}"]
        tables.append(oracle.Database(d.name, [read_table(p) for p in paths], d.start_base))
    if batch.databases and batch.databases[0].start_base is not None:
        args += ["--start-base", str(batch.databases[0].start_base)]
    return args, tables


# ---- reading back ----


def type_name(kind):
    t = pa.types
    if t.is_dictionary(kind):
        return type_name(kind.value_type)
    if t.is_list(kind) or t.is_large_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return "string"
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind):
        return "binary"
    if t.is_floating(kind):
        return {"float": "float32", "double": "float64"}[str(kind)]
    if t.is_timestamp(kind):
        return f"timestamp[{kind.unit}{',UTC' if kind.tz else ''}]"
    if t.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return str(kind)


def plain_values(column):
    """Python values; times as their number, decimals as their unscaled number."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    values = column.to_pylist()
    if pa.types.is_decimal(kind):
        return [None if v is None else int(v.scaleb(kind.scale)) for v in values]
    return values


def read_table(path):
    table = pq.ParquetFile(path).read()
    columns = [(f.name, type_name(f.type)) for f in table.schema]
    values = [plain_values(c) for c in table.columns]
    return oracle.Table(columns, [list(row) for row in zip(*values)] if columns else [])


def content_hash_of(path):
    found = (pq.ParquetFile(path).metadata.metadata or {}).get(b"varjoin.content_hash")
    return found.decode() if found else None


# ---- smaller batches, for shrinking ----


def without_records(batch, keep):
    return replace(batch, records=[r for i, r in enumerate(batch.records) if i in keep])


def without_rows(batch, d, f, keep):
    files = list(batch.databases[d].files)
    files[f] = replace(files[f], rows=[r for i, r in enumerate(files[f].rows) if i in keep])
    return with_database(batch, d, replace(batch.databases[d], files=files))


def with_database(batch, d, database):
    databases = list(batch.databases)
    databases[d] = database
    return replace(batch, databases=databases)


def only_cases(batch, cases):
    out = replace(batch, records=[r for r in batch.records if r[0] in cases])
    for d, database in enumerate(out.databases):
        for f, file in enumerate(database.files):
            keep = {i for i, r in enumerate(file.rows) if r[0] in cases}
            out = without_rows(out, d, f, keep)
    return out
