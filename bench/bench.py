"""Compare varjoin with its peers: whole processes, run in turn, medians of wall, CPU and peak memory.

usage: bench.py [--scale 1,4,8] [--repeats 5] [--only join,normalize] [--varjoin PROGRAM] [--dir DIR]

join       13.5 million rows x 27 columns as Polars writes them, 80,000 sample variants, all columns
           to Parquet; at scale N both are N times that, over N chromosomes. varjoin starts from the
           VCF.gz, the peers from a Parquet that is normalised already.
normalize  a VCF.gz of one million records to Parquet; the peer is polars-bio.

Writes bench.json, bench.svg and bench.png into the folder, and prints the tables.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Nothing large is imported here: a child's peak memory as the kernel reports it begins with what
# this process held when it started the child.

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers.py"
ROWS, VARIANTS, RECORDS = 13_500_000, 80_000, 1_000_000
CONTIGS = {1: "22", 2: "21,22", 4: "19,20,21,22", 8: "15,16,17,18,19,20,21,22"}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measured(command: list[str], log: Path) -> dict:
    """Run to the end; wall, CPU and peak memory of the process (and its waited-for children)."""
    with open(log, "wb") as sink:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"failed ({process.returncode}): {' '.join(command)}\n{log.read_text(errors='replace')[-2000:]}")
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}


def shown(word: str) -> str:
    """A word of a command without this machine's folders."""
    if word == sys.executable or word.endswith("/bin/python"):
        return "python"
    return word.replace(str(ROOT) + "/", "")


def in_turn(commands: dict[str, list[str]], repeats: int, folder: Path) -> dict:
    """Each command once unmeasured, then all of them in turn, `repeats` times."""
    runs = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            result = measured(command, folder / "last.log")
            if turn > 0:
                runs[name].append(result)
                say(f"  {name:24s} {result['wall_s']:7.2f} s {result['cpu_s']:7.2f} CPU-s {result['peak_mb']:8.0f} MB")
    return {
        name: {
            "command": " ".join(shown(word) for word in commands[name]),
            "runs": results,
            "median": {key: statistics.median(r[key] for r in results) for key in results[0]},
        }
        for name, results in runs.items()
    }


def once(path: Path, make) -> Path:
    """Make a file or folder unless it is there from an earlier run."""
    if not path.exists():
        part = path.with_name("." + path.name)
        shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        say(f"making {path.relative_to(path.parents[1])}")
        make(part)
        part.rename(path)
    return path


def quiet(*command) -> None:
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def python(code: str, *arguments) -> str:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, capture_output=True, text=True)
    return done.stdout


def polars_files(part: Path, source: Path) -> None:
    """The same rows, written by Polars with its defaults, a process for each file."""
    part.mkdir()
    for file in sorted(source.glob("*.parquet")):
        python("import sys, polars as pl; pl.scan_parquet(sys.argv[1]).sink_parquet(sys.argv[2])", file, part / file.name)


def join_data(varjoin: Path, folder: Path, scale: int) -> tuple[Path, Path, Path]:
    rows, variants = ROWS * scale, VARIANTS * scale
    common = ["--rows", rows, "--contigs", CONTIGS[scale], "--seed", 20]
    raw = folder / f"raw{scale}"
    database = folder / f"polars{scale}"
    if not database.exists():
        once(raw, lambda part: quiet(varjoin, "simulate", "-o", part, *common))
        once(database, lambda part: polars_files(part, raw))
        shutil.rmtree(raw)
    sample = folder / f"sample{scale}.vcf.gz"
    if not sample.exists():
        quiet(varjoin, "simulate", *common, "--sample", sample, "--sample-variants", variants)
    table = folder / f"sample{scale}.parquet"
    if not table.exists():
        quiet(varjoin, "normalize", sample, "-o", table, "--quiet")
    return database, sample, table


COUNT = """
import sys, polars as pl
for path in sys.argv[1:]:
    t = pl.scan_parquet(path).select(pl.len(), pl.col("TSA").is_not_null().sum()).collect().row(0)
    print(*t)
"""


def bench_join(varjoin: Path, folder: Path, scale: int, repeats: int) -> dict:
    database, sample, table = join_data(varjoin, folder, scale)
    outs = {name: folder / f"out-{name}.parquet" for name in ("varjoin", "polars", "duckdb")}
    files = f"{database}/*.parquet"
    say(f"join, scale {scale}: {ROWS * scale:,} rows, {VARIANTS * scale:,} variants")
    commands = {
        "varjoin": [str(varjoin), "annotate", str(sample), "-a", f"ensembl={database}", "-o", str(outs["varjoin"])],
        "polars": [sys.executable, str(PEERS), "polars", str(table), files, str(outs["polars"])],
        "duckdb": [sys.executable, str(PEERS), "duckdb", str(table), files, str(outs["duckdb"])],
    }
    result = in_turn(commands, repeats, folder)
    counted = python(COUNT, *outs.values()).split("\n")
    for (name, _), line in zip(outs.items(), counted):
        rows, matched = map(int, line.split())
        result[name].update(rows=rows, matched=matched, out_mb=outs[name].stat().st_size / 1e6)
    # A split record's key is trimmed by varjoin alone: the peers may miss some of those, no other.
    if result["polars"]["matched"] != result["duckdb"]["matched"] or result["varjoin"]["matched"] < result["polars"]["matched"]:
        say(f"warning: matched rows differ: { {n: r['matched'] for n, r in result.items()} }")
    for out in outs.values():
        out.unlink()
    return {"scale": scale, "rows": ROWS * scale, "variants": VARIANTS * scale,
            "database_mb": sum(f.stat().st_size for f in database.iterdir()) / 1e6,
            "sample_mb": sample.stat().st_size / 1e6, "tools": result}


def bio_python() -> str | None:
    """An interpreter with polars-bio; it wants another Polars, so it has a venv of its own."""
    venv = ROOT / "build" / "bio-venv"
    program = venv / "bin" / "python"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if subprocess.run([program, "-c", "import polars_bio"], capture_output=True).returncode != 0:
        pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", ROOT / "bench" / "requirements-bio.txt"]
        if subprocess.run(pip).returncode != 0:
            return None
    return str(program)


def bench_normalize(varjoin: Path, folder: Path, repeats: int) -> dict:
    sample = folder / "million.vcf.gz"
    if not sample.exists():
        quiet(varjoin, "simulate", "--rows", 150_000_000, "--contigs", "1,2,3", "--seed", 21,
              "--sample", sample, "--sample-variants", RECORDS)
    out = folder / "normalized.parquet"
    commands = {"varjoin": [str(varjoin), "normalize", str(sample), "-o", str(out)]}
    bio = bio_python()
    if bio is None:
        say("polars-bio cannot be installed here; varjoin alone is measured")
    else:
        commands["polars-bio"] = [bio, str(PEERS), "polars-bio", str(sample), str(out)]
    say(f"normalize: {RECORDS:,} records")
    result = in_turn(commands, repeats, folder)
    out.unlink()
    return {"records": RECORDS, "sample_mb": sample.stat().st_size / 1e6, "tools": result}


def machine(varjoin: Path) -> dict:
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
        "varjoin": subprocess.run([varjoin, "--version"], capture_output=True, text=True).stdout.splitlines()[0],
        "peers": json.loads(python("import json, polars, duckdb; print(json.dumps({'polars': polars.__version__, 'duckdb': duckdb.__version__}))")),
    }


def table_text(title: str, tools: dict) -> str:
    lines = [f"### {title}", "", "| | wall s | CPU s | peak RSS MB |", "|---|---|---|---|"]
    for name, result in tools.items():
        m = result["median"]
        lines.append(f"| {name} | {m['wall_s']:.2f} | {m['cpu_s']:.2f} | {m['peak_mb']:.0f} |")
    return "\n".join(lines) + "\n"


PLOT = '''
import json, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

data = json.load(open(sys.argv[1]))
groups = [(f"join {j['scale']}x", j["tools"]) for j in data["join"]]
if data.get("normalize"):
    groups.append(("normalize", data["normalize"]["tools"]))
colors = {"varjoin": "#0b6e4f", "polars": "#7aa6c2", "duckdb": "#e0b354", "polars-bio": "#b07aa1"}
metrics = (("wall_s", "wall, seconds", "{:.2f}"), ("cpu_s", "CPU, seconds", "{:.2f}"), ("peak_mb", "peak memory, MB", "{:.0f}"))
heights = [len(tools) for _, tools in groups]
figure, axes = plt.subplots(len(groups), 3, figsize=(11, 0.6 + 0.55 * sum(heights)), squeeze=False,
                            constrained_layout=True, gridspec_kw={"height_ratios": heights})
for row, (group, tools) in zip(axes, groups):
    for axis, (key, title, form) in zip(row, metrics):
        names = list(tools)[::-1]
        values = [tools[n]["median"][key] for n in names]
        bars = axis.barh(names, values, color=[colors[n] for n in names], height=0.7)
        axis.bar_label(bars, labels=[form.format(v) for v in values], fontsize=8, padding=3)
        axis.set_xlim(0, max(values) * 1.18)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.set_title(f"{group}: {title}", fontsize=9, loc="left")
figure.suptitle(f"{data['machine']['cpus']} CPUs, {data['machine']['cpu']}; medians of {data['repeats']} runs", fontsize=8)
for suffix in ("svg", "png"):
    figure.savefig(sys.argv[2] + "." + suffix, dpi=150)
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1", help="1, 2, 4, 8 or several, by commas")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="join,normalize")
    parser.add_argument("--varjoin", type=Path, default=ROOT / "build" / "release" / "varjoin")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    scales = [int(s) for s in options.scale.split(",")]
    if any(s not in CONTIGS for s in scales):
        parser.error(f"--scale: one of {sorted(CONTIGS)}")
    folder = options.dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    varjoin = options.varjoin.resolve()
    data = {"machine": machine(varjoin), "repeats": options.repeats, "join": [], "normalize": None}
    if data["machine"]["load_before"] > 0.5:
        say(f"warning: the machine is busy (load {data['machine']['load_before']:.1f}); the figures will be too")
    if "join" in options.only:
        data["join"] = [bench_join(varjoin, folder, scale, options.repeats) for scale in scales]
    if "normalize" in options.only:
        data["normalize"] = bench_normalize(varjoin, folder, options.repeats)
    (folder / "bench.json").write_text(json.dumps(data, indent=2) + "\n")
    python(PLOT, folder / "bench.json", folder / "bench")
    for j in data["join"]:
        print(table_text(f"join {j['scale']}x: {j['rows']:,} rows, {j['variants']:,} variants", j["tools"]))
    if data["normalize"]:
        print(table_text(f"normalize: {RECORDS:,} records", data["normalize"]["tools"]))
    print(f"{folder}/bench.json, bench.svg, bench.png")


main()
