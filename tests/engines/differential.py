"""Hold the engines against the oracle on a batch; shrink what differs to the smallest case."""

import json
import math
import re
import shutil
import struct
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

import cases
import engines
import oracle

try:
    from xxhash import xxh3_64_intdigest as xxh3
except ImportError:
    xxh3 = None


@dataclass
class Outcome:
    """A table, its hash and the record's counts, or the exit code of a refusal."""

    table: object = None
    content_hash: str = None
    code: int = 0
    text: str = ""
    counts: list = None  # per database: {reason: alleles}, without zeros
    tsv: str = None  # the same rows as TSV
    carried: list = None  # per database: rows of the result with a row of it


# ---- comparing ----


def exact(value):
    """A form that is equal exactly when the values are: any NaN is one, both zeros are one."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value + 0.0)
    if isinstance(value, list):
        return tuple(map(exact, value))
    return value, type(value)


def difference(expected, found, any_order=False):
    """One line that says how they differ, or None."""
    if expected.code or found.code:
        return None if expected.code == found.code else f"exit {expected.code} expected, found {found.code}: {found.text}"
    a, b = expected.table, found.table
    if a.columns != b.columns:
        odd = [f"{x} expected, found {y}" for x, y in zip(a.columns, b.columns) if x != y]
        return "columns: " + ("; ".join(odd[:5]) or f"{len(a.columns)} expected, found {len(b.columns)}")
    rows_a, rows_b = a.rows, b.rows
    if any_order:
        rows_a, rows_b = (sorted(rows, key=lambda row: repr([exact(v) for v in row])) for rows in (rows_a, rows_b))
    for i, (x, y) in enumerate(zip(rows_a, rows_b)):
        for (name, _), u, v in zip(a.columns, x, y):
            if exact(u) != exact(v):
                return f"row {i}, column {name}: {short(u)} expected, found {short(v)}"
    if len(a.rows) != len(b.rows):
        return f"{len(a.rows)} rows expected, found {len(b.rows)}"
    if expected.content_hash and expected.content_hash != found.content_hash:
        return f"content hash {expected.content_hash} expected, found {found.content_hash}"
    if expected.counts is not None and expected.counts != found.counts:
        return f"counts {expected.counts} expected, found {found.counts}"
    return None


def short(value, most=120):
    text = repr(value)
    return text if len(text) < most else f"{text[: most // 2]}...({len(text)} characters)"


# ---- running ----


def expected_of(batch, tables):
    try:
        table, lines = oracle.join(batch.vcf(), tables, batch.options)
    except oracle.Refused as why:
        return Outcome(code=why.code, text=str(why)), []
    # with several samples an allele is several rows; the reasons of other joins are the engines' own
    several = any(name == "sample" for name, _ in table.columns)
    counts = None if several or batch.options.join != oracle.Options.join else oracle.fates(batch.vcf(), tables, batch.options)
    return Outcome(table, oracle.content_hash(table, xxh3) if xxh3 else None, counts=counts), lines


def counts_of(record):
    """Alleles by reason, of each database of a run's record or of a sample in it."""
    told = [{"matched": d["matched_alleles"], **d["unmatched"]} for d in record["databases"]]
    return [{reason: n for reason, n in one.items() if n} for one in told]


def carried_of(record):
    return [d["matched_rows"] for d in record["databases"]]


def choices(options, indexed=False):
    """Options that choose rows and columns of the input."""
    words = ["--all-samples"] * options.all_samples + ["--sites-only"] * options.sites_only
    words += ["--variants-only"] * options.variants_only
    if options.regions:
        words += ["-r" if indexed else "-t", ",".join(f"{c}:{beg}-{end}" for c, beg, end in options.regions)]
    return words + (["-s", ",".join(options.samples)] if options.samples else [])


def joining(options):
    """Options of the join and of the database's columns."""
    words = ["--duplicates", options.duplicates, *["--any-order"] * options.any_order]
    if options.join != oracle.Options.join:
        words += ["--join-columns", ",".join(options.join)]
    return words + (["-c", ",".join(options.columns)] if options.columns else [])


def small_groups(path, rows):
    """The same table in row groups of that many rows, which may cut a record."""
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=rows)


def companions(source):
    """Inputs that go in one sweep with this one: its records in another order, and none; or a copy of it."""
    if source.suffix != ".vcf":
        ends = [""] + [end for end in (".tbi",) if Path(f"{source}{end}").exists()]
        for end in ends:
            shutil.copy(f"{source}{end}", f"{source.parent}/copy-{source.name}{end}")
        return [source.parent / f"copy-{source.name}"]
    lines = source.read_text().splitlines(keepends=True)
    header = [line for line in lines if line.startswith("#")]
    records = [line if line.endswith("\n") else line + "\n" for line in lines[len(header):]]
    others = [source.with_name("reversed.vcf"), source.with_name("none.vcf")]
    others[0].write_text("".join(header + records[::-1]))
    others[1].write_text("".join(header))
    return others


def run_sweep(binary, batch, args, folder):
    """The native engine with the input as one of several; its own output and counts."""
    out = Path(folder) / "sweep.d"
    record = Path(folder) / "sweep.json"
    choice = choices(batch.options, batch.run.get("indexed"))
    source = Path(folder) / ("in.vcf.gz" if batch.run.get("indexed") else "in.vcf")
    if batch.options.from_table:
        vcf, source = source, Path(folder) / "sweep.in.parquet"
        ran = engines.run(binary, ["normalize", "-q", *choice, vcf, "-o", source])
        if ran.code:
            return Outcome(code=ran.code, text=ran.stderr)
        choice = []
        if batch.run.get("table_rows"):
            small_groups(source, batch.run["table_rows"])
    stem = source.name.removesuffix(".gz").rsplit(".", 1)[0]
    words = ["annotate", "-q", "--report", record, "--engine", "native", *args, *joining(batch.options), *choice,
             "-@", batch.run.get("threads", 1), "--batch-rows", batch.run.get("batch_rows") or 7, "-o", out,
             companions(source)[0], source, *companions(source)[1:]]
    ran = engines.run(binary, words, cwd=folder)
    if ran.code:
        return Outcome(code=-1 if out.exists() else ran.code, text=ran.stderr.strip()[-2000:])
    told = json.loads(record.read_text())["samples"][1]
    tsv = None
    if batch.run.get("tsv"):
        ran = engines.run(binary, [*words, "-O", "t"], cwd=folder)
        tsv = (out / f"{stem}.tsv").read_text() if not ran.code else None
    return Outcome(cases.read_table(out / f"{stem}.parquet"), cases.content_hash_of(out / f"{stem}.parquet"), tsv=tsv,
                   counts=counts_of(told), carried=carried_of(told))


def run_engine(binary, engine, batch, args, folder):
    if engine == "sweep":
        return run_sweep(binary, batch, args, folder)
    out = Path(folder) / f"{engine}.parquet"
    out.unlink(missing_ok=True)
    record = out.with_suffix(".json")
    words = ["annotate", "-q", "--report", record, *engines.engine_args(engine), *args, *joining(batch.options),
             "-@", batch.run.get("threads", 1)]
    choice = choices(batch.options, batch.run.get("indexed"))
    source = Path(folder) / ("in.vcf.gz" if batch.run.get("indexed") else "in.vcf")
    if batch.options.from_table:
        vcf, source, choice = source, Path(folder) / f"{engine}.in.parquet", []
        ran = engines.run(binary, ["normalize", "-q", *choices(batch.options, batch.run.get("indexed")), vcf, "-o", source])
        if ran.code:
            return Outcome(code=ran.code, text=ran.stderr)
        if batch.run.get("table_rows"):
            small_groups(source, batch.run["table_rows"])
    if engine == "native" and batch.run.get("batch_rows"):
        words += ["--batch-rows", batch.run["batch_rows"]]
    ran = engines.run(binary, [*words, "-o", out, *choice, source], cwd=folder)
    tsv = None
    if batch.run.get("tsv") and not ran.code:
        text = out.with_suffix(".tsv")
        ran = engines.run(binary, [*words, "-o", text, *choice, source], cwd=folder)
        tsv = text.read_text() if not ran.code else None
    if ran.code:
        if out.exists():
            return Outcome(code=-1, text=f"an output beside exit code {ran.code}")
        return Outcome(code=ran.code, text=ran.stderr.strip()[-2000:])
    told = json.loads(record.read_text())
    return Outcome(cases.read_table(out), cases.content_hash_of(out), tsv=tsv, counts=counts_of(told), carried=carried_of(told))


def tsv_rows(text, any_order):
    """Without provenance; -0 and 0 are one value (S-46)."""
    if text is None:
        return None
    lines = [line for line in text.split("\n") if not line.startswith("##")]
    lines = [re.sub(r"(?<![^\t,\[|])-0(?![^\t,\]|])", "0", line) for line in lines]
    return tuple(sorted(lines) if any_order else lines)


def tsv_difference(outcomes, any_order):
    """Of engines whose rows are the same: where their TSV is not, or None."""
    (first, a), *others = [(e, tsv_rows(f.tsv, any_order)) for e, f in outcomes.items()] or [(None, None)]
    for engine, b in others:
        for x, y in zip(a or (), b or ()):
            if x != y:
                cells = [(u, v) for u, v in zip(x.split("\t"), y.split("\t")) if u != v]
                return f"TSV: {first} has {short(cells[0][0])} where {engine} has {short(cells[0][1])}"
        if a != b:
            return f"TSV: {first} and {engine} have another number of lines"
    return None


def check(binary, batch, names):
    """{engine: difference} of those that differ; and the rows that were compared."""
    folder = tempfile.mkdtemp(prefix="varjoin-engines-")
    try:
        args, tables = cases.write_batch(batch, folder)
        if batch.run.get("indexed"):
            subprocess.run("bgzip -k in.vcf && tabix -f -p vcf in.vcf.gz", shell=True, check=True, cwd=folder)
        if batch.options.join != oracle.Options.join:
            names = [n for n in names if n != "native"]  # S-38
        if "native" in names:
            names = [*names, "sweep"]
        with ThreadPoolExecutor(2) as pool:
            runs = {e: pool.submit(run_engine, binary, e, batch, args, folder) for e in names}
            expected, lines = expected_of(batch, tables)
            found = {e: r.result() for e, r in runs.items()}
        odd = {e: d for e, f in found.items() if (d := difference(expected, f, batch.options.any_order))}
        if not odd and len({f.content_hash for f in found.values()}) > 1:
            odd = {e: f"content hash {f.content_hash} differs between engines" for e, f in found.items()}
        if not odd and len({json.dumps(f.counts, sort_keys=True) for f in found.values()}) > 1:
            odd = {e: f"counts {f.counts} differ between engines" for e, f in found.items()}
        if not odd and len({json.dumps(f.carried) for f in found.values()}) > 1:
            odd = {e: f"rows with a row of each database {f.carried} differ between engines" for e, f in found.items()}
        if not odd and (why := tsv_difference(found, batch.options.any_order)):
            odd = {e: why for e in found}
        left = [p.name for p in Path(folder).iterdir() if p.name.startswith(".")]
        if not odd and left:
            odd = {"all": f"left behind: {left}"}
        return odd, expected, found, tables
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- shrinking ----


def reduce_list(n, fails):
    """A small set of the indices 0..n for which fails(set) still holds: chunks go, ever smaller."""
    keep = list(range(n))
    size = max(n // 2, 1)
    while n:
        beg = 0
        while beg < len(keep):
            less = keep[:beg] + keep[beg + size :]
            if fails(set(less)):
                keep = less
            else:
                beg += size
        if size == 1:
            return set(keep)
        size //= 2
    return set(keep)


def case_numbers(batch):
    rows = {c for d in batch.databases for f in d.files for c, _ in f.rows}
    return sorted(rows | {c for c, _ in batch.records})


def without_columns(database, names):
    files = [replace(f, columns=[c for c in f.columns if c[0] not in names]) for f in database.files]
    return replace(database, files=files)


def payload_names(database):
    keys = {cases.key_name(database.files[0].columns, p) for p in ("chrom", "start", "ref", "alt")}
    return list(dict.fromkeys(n for f in database.files for n, _ in f.columns if n not in keys))


def steps(batch):
    """(number of things, function from a set of their indices to the batch with only these)"""
    own = case_numbers(batch)
    yield len(own), lambda b, keep: cases.only_cases(b, {own[i] for i in keep})
    yield len(batch.databases), lambda b, keep: replace(
        b, databases=[d for i, d in enumerate(b.databases) if i in keep]) if keep else None


def fine_steps(batch):
    yield len(batch.records), lambda b, keep: cases.without_records(b, keep)
    for d, database in enumerate(batch.databases):
        for f, file in enumerate(database.files):
            yield len(file.rows), lambda b, keep, d=d, f=f: cases.without_rows(b, d, f, keep)
        names = payload_names(database)
        yield len(names), lambda b, keep, d=d, names=names: cases.with_database(
            b, d, without_columns(b.databases[d], [n for i, n in enumerate(names) if i not in keep]))
        if len(database.files) > 1:
            yield len(database.files), lambda b, keep, d=d: cases.with_database(b, d, replace(
                b.databases[d], files=[x for i, x in enumerate(b.databases[d].files) if i in keep])) if keep else None


def shrink(binary, batch, names, seconds=60):
    """The smallest batch found on which one of these engines still differs."""
    end = time.monotonic() + seconds

    def fails(less):
        return less is not None and time.monotonic() < end and bool(check(binary, less, names)[0])

    for make in (steps, fine_steps):
        for n, build in make(batch):
            batch = build(batch, reduce_list(n, lambda keep: fails(build(batch, keep))))
    return batch


def show_table(table):
    lines = ["  " + " | ".join(f"{name}: {kind}" for name, kind in table.columns)]
    return lines + ["  " + " | ".join(short(v) for v in row) for row in table.rows[:12]]


def show(outcome):
    if outcome.code:
        return [f"  exit {outcome.code}: {outcome.text}"]
    return show_table(outcome.table) + [f"  hash {outcome.content_hash}, counts {outcome.counts}"]


def story(binary, batch, odd):
    """The smallest case as text: input, tables, expected, and what each engine found."""
    names = [e for e in odd if e in engines.NAMES] or engines.present()
    small = shrink(binary, batch, names)
    again, expected, found, tables = check(binary, small, engines.present())
    lines = [f"batch {batch.seed}: " + "; ".join(f"{e}: {d}" for e, d in odd.items()), "smallest case:"]
    lines += ["  " + short(line, 2000)[1:-1] for line in small.vcf().splitlines() if not line.startswith("##contig")]
    for database, shown in zip(small.databases, tables):
        for file, table in zip(database.files, shown.files):
            lines += [f"database {database.name}, start base {database.start_base}, {file.writer}:"] + show_table(table)
    lines += [f"options {small.options} {small.run}", "expected:"] + show(expected)
    told = []
    for engine, outcome in found.items():
        lines += [f"{engine}: {again.get(engine, 'as expected')}"]
        if engine in again:
            same = next((e for e in found if e != engine and e in told and found[e] == outcome), None)
            lines += [f"  as {same}"] if same else show(outcome)
            told.append(engine)
    return "\n".join(lines)
