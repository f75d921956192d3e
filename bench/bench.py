"""Compare varjoin with its peers: whole processes, run in turn, medians of wall, CPU and peak memory.

usage: bench.py [--scale 1,4,8] [--repeats 5] [--only join,vcf,normalize,sweep,engines,tracker] [--varjoin PROGRAM] [--dir DIR]
                [--echtvar PROGRAM] [--vcfanno PROGRAM] [--snpsift "java -jar SnpSift.jar"]

join       13.5 million rows x 27 columns as Polars writes them, 80,000 sample variants, all columns
           to Parquet; at scale N both are N times that, over N chromosomes. varjoin starts from the
           VCF.gz, the peers from a Parquet that is normalised already.
column     the same with one column of the database, MAF, asked for.
vcf        the same to VCF.gz; the peers are bcftools annotate, which reads the database as BCF, and
           those of echtvar, vcfanno and SnpSift whose program is named.
normalize  a VCF.gz of one million records to Parquet; the peer is polars-bio.
sweep      ten samples at once beside one of them alone: what the database's part of the work becomes.
engines    the DuckDB and Polars engines over the same statement or query by hand (bench/by_hand.py).
tracker    annotate with and without the resource tracker, in turn: what measuring costs.

Before a time counts, the results are compared (bench/compare.py). Writes bench.json, bench.svg and
bench.png into the folder, and prints the tables. docs/benchmarks.md tells how to read them.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from by_hand import engines
from jobs import JOBS, SCALES
from measure import ROOT, python, say


JOBS = {**JOBS, "engines": engines}


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


def table_text(result: dict) -> str:
    first = result.get("base", "varjoin")
    lines = [f"### {result['title']}", "", f"| | wall s | CPU s | peak RSS MB | read MB | output MB | CPU, times {first}'s |",
             "|---|---|---|---|---|---|---|"]
    base = next(iter(result["tools"].values()))["median"]["cpu_s"]
    for name, tool in result["tools"].items():
        m = tool["median"]
        lines.append(f"| {name} | {m['wall_s']:.2f} | {m['cpu_s']:.2f} | {m['peak_mb']:.0f} | {m['read_mb']:.0f} | "
                     f"{tool.get('out_mb', 0):.1f} | {m['cpu_s'] / base:.2f} |")
    if "note" in result:
        lines += ["", result["note"]]
    return "\n".join(lines) + "\n"


PLOT = '''
import json, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

data = json.load(open(sys.argv[1]))
groups = [(r["title"].split(":")[0], r["tools"]) for r in data["jobs"]]
colors = {"polars": "#7aa6c2", "duckdb": "#e0b354", "polars-bio": "#b07aa1", "bcftools": "#c97064"}
metrics = (("wall_s", "wall, seconds", "{:.2f}"), ("cpu_s", "CPU, seconds", "{:.2f}"), ("peak_mb", "peak memory, MB", "{:.0f}"))
heights = [len(tools) for _, tools in groups]
figure, axes = plt.subplots(len(groups), 3, figsize=(11, 0.6 + 0.5 * len(groups) + 0.3 * sum(heights)), squeeze=False,
                            constrained_layout=True, gridspec_kw={"height_ratios": [h + 0.6 for h in heights]})
for row, (group, tools) in zip(axes, groups):
    for axis, (key, title, form) in zip(row, metrics):
        names = list(tools)[::-1]
        values = [tools[n]["median"][key] for n in names]
        bars = axis.barh(names, values, color=["#0b6e4f" if n.startswith("varjoin") else colors.get(n, "#999999") for n in names], height=0.7)
        axis.bar_label(bars, labels=[form.format(v) for v in values], fontsize=8, padding=3)
        axis.set_xlim(0, max(values) * 1.18)
        axis.set_xticks([])
        axis.tick_params(axis="y", labelsize=8)
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
    parser.add_argument("--tracker-repeats", type=int, default=21, help="pairs of runs of the job `tracker`")
    parser.add_argument("--only", default=",".join(JOBS))
    parser.add_argument("--varjoin", type=Path, default=ROOT / "build" / "release" / "varjoin")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench")
    for peer in ("echtvar", "vcfanno", "snpsift"):
        parser.add_argument(f"--{peer}", help="command of the program")
    options = parser.parse_args()
    options.scales = [int(s) for s in options.scale.split(",")]
    if any(s not in SCALES for s in options.scales):
        parser.error(f"--scale: one of {sorted(SCALES)}")
    names = options.only.split(",")
    if any(n not in JOBS for n in names):
        parser.error(f"--only: some of {','.join(JOBS)}")
    folder = options.dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    varjoin = options.varjoin.resolve()
    data = {"machine": machine(varjoin), "repeats": options.repeats, "jobs": []}
    if data["machine"]["load_before"] > 0.5:
        say(f"warning: the machine is busy (load {data['machine']['load_before']:.1f}); the figures will be too")
    for name in names:
        data["jobs"] += JOBS[name](varjoin, folder, options)
    (folder / "bench.json").write_text(json.dumps(data, indent=2) + "\n")
    python(PLOT, folder / "bench.json", folder / "bench")
    for result in data["jobs"]:
        print(table_text(result))
    print(f"{folder}/bench.json, bench.svg, bench.png")


main()
