"""Built databases, tuned and plain: every engine gives what the oracle makes of the built rows, and
the built rows are what this file's own splitting and sorting make of the source's."""

import os
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

for _module in ("pyarrow", "polars", "duckdb"):
    pytest.importorskip(_module, reason="the generator writes databases with it")

import cases  # noqa: E402
import differential  # noqa: E402
import engines  # noqa: E402
import oracle  # noqa: E402

LAYOUTS = {"tuned": [], "tuned in small pages": ["--page-rows", 64, "--rows-per-run", 7],
           "small": ["--small"], "plain": ["--layout", "plain"]}
# of a real column that the database has; by its median, so that starts with several rows are cut often
TIERS = {"tuned in tiers": [], "plain in tiers of merged runs": ["--layout", "plain", "--rows-per-run", 7],
         "tuned in tiers of small pages": ["--page-rows", 64, "--rows-per-run", 11]}


def letters(text):
    return text.isascii() and text.isalpha()


def trimmed(start, ref, alt):
    """Shared bases at the end go, then at the start; one stays in each."""
    if not (letters(ref) and letters(alt)):
        return start, ref, alt
    while len(ref) > 1 and len(alt) > 1 and ref[-1].upper() == alt[-1].upper():
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0].upper() == alt[0].upper():
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return start, ref, alt


def split(start, ref, alt):
    """Alleles of a source row as a build keeps them; none where the key has a null."""
    if start is None or ref is None or alt is None:
        return []
    if isinstance(alt, str):
        parts = alt.replace(",", "|").split("|")
    else:
        parts = [a for a in alt if a is not None]
        if len(alt) <= 1:
            return [(start, ref, a) for a in parts]
    if len(parts) == 1 and isinstance(alt, str):
        return [(start, ref, alt)]
    kept = {}
    for one in parts:
        s, r, a = trimmed(start, ref, one)
        kept.setdefault((s, r.upper(), a.upper()), (s, r, a))
    return list(kept.values())


def expected_rows(tables, names, key):
    """Rows of a build by contig: [values in the order of names], by start, then as they came."""
    chrom, pos, ref, alt = (names.index(k) for k in key)
    found = defaultdict(list)
    for table in tables:
        place = {name: i for i, (name, _) in enumerate(table.columns)}
        for row in table.rows:
            values = [row[place[n]] if n in place else None for n in names]
            if values[chrom] is None:
                continue
            for s, r, a in split(values[pos], values[ref], values[alt]):
                one = list(values)
                one[pos], one[ref], one[alt] = s, r, a
                found[oracle.canonical_contig(values[chrom])].append(one)
    for rows in found.values():
        rows.sort(key=lambda row: row[pos])
    return found


def tier_of(database):
    """A real column of the database and its median, as --tier wants them; None: it has none."""
    for name, kind in database.files[0].columns if database.files else []:
        if kind not in ("float64", "float32", "double", "float"):
            continue
        found = []
        for table in database.files:
            names = [n for n, _ in table.columns]
            found += [row[names.index(name)] for row in table.rows if name in names]
        known = sorted(v for v in found if v is not None and 0 < v <= 1)
        if known and ":" not in name:
            return f"{name}:{known[len(known) // 2]!r}"
    return None


def leave_memory(folder):
    """The files to the disk and out of the page cache: they are then read page by page."""
    for path in folder.glob("*.parquet"):
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def build(binary, source, out, options, base):
    words = ["reference", "build", "-q", *options]
    if base is not None:
        words += ["--start-base", base]
    return engines.run(binary, [*words, "-o", out, source])


def key_names(table):
    at = oracle.key_columns(table)
    return [table.columns[at[part]][0] for part in ("chrom", "start", "ref", "alt")]


def check_rows(database, folder):
    """The plain build against the splitting above."""
    tables = [cases.read_table(p) for p in sorted(folder.glob("*.parquet"))]
    if not tables:
        return
    names = [n for n, _ in tables[0].columns]
    want = expected_rows(database.files, names, key_names(database.files[0]))
    have = defaultdict(list)
    chrom = names.index(key_names(database.files[0])[0])
    for table in tables:
        for row in table.rows:
            have[oracle.canonical_contig(row[chrom])].append(list(row))
    assert {c: len(r) for c, r in have.items()} == {c: len(r) for c, r in want.items()}
    for contig, rows in want.items():
        for a, b in zip(rows, have[contig]):
            assert [differential.exact(v) for v in a] == [differential.exact(v) for v in b], (contig, a, b)


def run_case(binary, batch, layouts):
    folder = Path(tempfile.mkdtemp(prefix="varjoin-built-"))
    try:
        args, tables = cases.write_batch(batch, folder)
        base = batch.databases[0].start_base if batch.databases else None
        sources = [a.split("=", 1)[1] for a in args[1::2] if "=" in str(a)]
        expected = None
        for label, options in layouts.items():
            named = []
            for database, source in zip(tables, sources):
                out = folder / f"{database.name} {label}"
                words = list(options)
                if label in TIERS and (tier := tier_of(database)):
                    words += ["--tier", tier]
                ran = build(binary, source, out, words, base)
                if ran.code == 2 and "contradict" in ran.stderr:
                    pytest.skip("starts of both counts: refused, as every engine does")
                assert ran.code == 0, ran.stderr
                named += ["-a", f"{database.name}={out}"]
                if label in TIERS:
                    leave_memory(out)
                if label == "plain":
                    check_rows(database, out)
            for engine in engines.present():
                found = differential.run_engine(binary, engine, batch, named, folder)
                if expected is None:
                    expected = plain_answer(binary, batch, tables, sources, folder, base)
                if odd := differential.difference(expected, found):
                    pytest.fail(f"{label}, {engine}, seed {batch.seed}: {odd}", pytrace=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain_answer(binary, batch, tables, sources, folder, base):
    """What the oracle makes of the rows of a plain build."""
    built = []
    for database, source in zip(tables, sources):
        out = folder / f"{database.name} oracle"
        assert build(binary, source, out, ["--layout", "plain"], base).code == 0
        parts = [cases.read_table(p) for p in sorted(out.glob("*.parquet"))]
        start_base = database.start_base
        if start_base is None:
            start_base = oracle.start_base(database)
        built.append(oracle.Database(database.name, parts, start_base))
    return differential.expected_of(batch, built)[0]


@pytest.mark.parametrize("seed", [f"built {i}" for i in (0, 1, 5, 8, 11, 13, 18, 26)])
def test_engines_agree_on_built_databases(varjoin_bin, seed):
    batch = cases.make_batch(seed, 16)
    batch.options.join = oracle.Options().join  # the native engine joins by the key alone
    run_case(varjoin_bin, batch, LAYOUTS)


@pytest.mark.parametrize("seed", [f"built {i}" for i in (0, 5, 11, 18)])
def test_engines_agree_on_tiers(varjoin_bin, seed):
    batch = cases.make_batch(seed, 16)
    batch.options.join = oracle.Options().join
    run_case(varjoin_bin, batch, TIERS)
