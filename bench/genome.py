"""A whole genome: 1.1 billion rows, a person of five million variants, built once, annotated.

usage: genome.py [--repeats 3] [--rows 1100000000] [--growth] [--cold] [--varjoin PROGRAM] [--dir DIR]

Makes the database, built already, and the person with `varjoin simulate --genome` (9.9 GB, told
before), annotates all columns to Parquet on two threads and on one, several samples in
one sweep, and writes genome.json. With --growth one sample of 80,000 records is joined with
databases of 1, 4, 16 and 64 times 17 million rows, and growth.svg and growth.png are drawn.
With --cold the files are dropped from the page cache before each run, of the database in tiers as it
is built and of one without (--no-tiers), and the bytes that the disk gave are shown.
What was made is kept in DIR and used again. Files are in the page cache when a time is taken.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from measure import ROOT, measured, once, python, quiet, say, size_mb

GENOME_ROWS = 1_100_000_000
GROWTH = (1, 4, 16, 64)
GROWTH_RECORDS = 80_000

PLOT = '''
import json, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

points = json.load(open(sys.argv[1]))["growth"]
rows = [p["rows"] / 1e6 for p in points]
figure, axis = plt.subplots(figsize=(6.5, 4), constrained_layout=True)
for key, label, color in (("cpu_s", "CPU", "#0b6e4f"), ("wall_s", "wall", "#7aa6c2")):
    axis.plot(rows, [p[key] for p in points], "o-", color=color, label=label)
first = points[0]["cpu_s"]
axis.plot(rows, [first * r / rows[0] for r in rows], ":", color="#999999", label="as the database grows")
axis.set_xscale("log")
axis.set_yscale("log")
axis.set_xticks(rows, [f"{r:,.0f} M" for r in rows])
axis.set_xlabel("rows of the database")
axis.set_ylabel("seconds")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
for suffix in ("svg", "png"):
    figure.savefig(sys.argv[2] + "." + suffix, dpi=150)
'''


def drop(folder: Path) -> None:
    """The files out of the page cache."""
    for file in folder.rglob("*.parquet"):
        with open(file, "rb") as f:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(folder: Path) -> None:
    for file in folder.rglob("*.parquet"):
        with open(file, "rb") as f:
            while f.read(1 << 24):
                pass


def median_of(command: list, repeats: int, folder: Path) -> dict:
    runs = [measured([str(word) for word in command], folder / "last.log") for _ in range(repeats)]
    result = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
    say(f"  {result['wall_s']:7.2f} s {result['cpu_s']:7.2f} CPU-s {result['peak_mb']:6.0f} MB")
    return result


def make(varjoin: Path, folder: Path, rows: int, name: str, *sample: object, build: tuple = ()) -> tuple[Path, Path]:
    """A built database of so many rows over the genome, and a sample of it."""
    built, person = folder / f"built-{name}", folder / f"sample-{name}.vcf.gz"
    common = ["simulate", "--genome", "--rows", rows, "--seed", 20, "--progress", "never"]
    if not person.exists():
        quiet(varjoin, *common, "--sample", person, *sample)
    if not built.exists() and not build:
        once(built, lambda part: quiet(varjoin, *common, "--layout", "tuned", "-o", part))
    if not built.exists():
        raw = once(folder / f"raw-{name}", lambda part: quiet(varjoin, *common, "-o", part))
        once(built, lambda part: quiet(varjoin, "reference", "build", raw, "-o", part, "--progress", "never", *build))
        shutil.rmtree(raw)
    return built, person


def genome(varjoin: Path, folder: Path, rows: int, repeats: int) -> list[dict]:
    built, person = make(varjoin, folder, rows, "genome", "--sample-variants", rows // 220)
    out, results = folder / "out.parquet", []
    warm(built)
    for threads in (2, 1):
        say(f"{rows:,} rows, one person, {threads} threads")
        command = [varjoin, "annotate", person, "-a", f"ensembl={built}", "-o", out, "-@", threads, "-q"]
        results.append({"threads": threads, "samples": 1, **median_of(command, repeats, folder)})
    hashes = {subprocess.run([varjoin, "verify", out], capture_output=True, text=True, check=True).stdout.split()[-2]}
    say(f"  {size_mb(out):.0f} MB out, {hashes}")
    out.unlink()
    return results


def from_disk(command: list, folder: Path) -> dict:
    """One run, with the bytes that the disk gave to it (not those of the page cache)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
    run = measured([str(word) for word in command], folder / "last.log")
    run["disk_mb"] = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before) * 512 / 1e6
    return run


def cold(varjoin: Path, folder: Path, rows: int, repeats: int) -> list[dict]:
    results = []
    for name, options in (("genome", []), ("untiered", ["--no-tiers"])):
        built, person = make(varjoin, folder, rows, name, "--sample-variants", rows // 220, build=options)
        command = [varjoin, "annotate", person, "-a", f"ensembl={built}", "-o", folder / "out.parquet", "-q"]
        runs = []
        for _ in range(repeats):
            drop(built)
            runs.append(from_disk(command, folder))
        result = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        size = sum(f.stat().st_size for f in built.glob("*.parquet")) / 1e6
        say(f"cold, {name}: {result['wall_s']:.2f} s {result['cpu_s']:.2f} CPU-s, {result['disk_mb']:.0f} of {size:.0f} MB "
            f"from the disk ({result['disk_mb'] / size:.1%})")
        results.append({"database": name, "size_mb": size, **result})
    return results


def growth(varjoin: Path, folder: Path, rows: int, repeats: int) -> list[dict]:
    points = []
    for times in GROWTH:
        n = rows * times // GROWTH[-1]
        built, person = make(varjoin, folder, n, f"{times}x", "--sample-variants", GROWTH_RECORDS)
        warm(built)
        say(f"{n:,} rows, {GROWTH_RECORDS:,} records")
        command = [varjoin, "annotate", person, "-a", f"ensembl={built}", "-o", folder / "out.parquet", "-q"]
        points.append({"rows": n, **median_of(command, repeats, folder)})
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=GENOME_ROWS)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--varjoin", type=Path, default=ROOT / "build" / "release" / "varjoin")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "genome")
    options = parser.parse_args()
    folder, varjoin = options.dir.resolve(), options.varjoin.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    need, free = options.rows * (30 if options.cold else 10) / 1e9, shutil.disk_usage(folder).free / 1e9
    say(f"about {need:.0f} GB are needed in {folder.name}, {free:.0f} GB are free")
    data = {"rows": options.rows, "repeats": options.repeats, "genome": genome(varjoin, folder, options.rows, options.repeats)}
    if options.cold:
        data["cold"] = cold(varjoin, folder, options.rows, options.repeats)
    if options.growth:
        data["growth"] = growth(varjoin, folder, options.rows, options.repeats)
    (folder / "genome.json").write_text(json.dumps(data, indent=2) + "\n")
    if options.growth:
        python(PLOT, folder / "genome.json", folder / "growth")
    json.dump(data, sys.stdout, indent=2)
    print()


main()
