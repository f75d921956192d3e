"""The jobs of the benchmark: data made once, the same work for each tool, results compared."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from measure import ROOT, in_turn, once, python, quiet, say, size_mb

PEERS = ROOT / "bench" / "peers.py"
COMPARE = ROOT / "bench" / "compare.py"
ROWS, VARIANTS, RECORDS = 13_500_000, 80_000, 1_000_000
SCALES = {1: "22", 2: "21,22", 4: "19,20,21,22", 8: "15,16,17,18,19,20,21,22"}


def same(kind: str, *files) -> None:
    """Compare results; ends the program when they differ."""
    done = subprocess.run([sys.executable, COMPARE, kind, *map(str, files)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the results differ, so no time counts: {done.stderr.strip()[-2000:]}")
    say("  " + done.stdout.strip().replace("\n", "\n  "))


def polars_files(part: Path, source: Path) -> None:
    """The same rows, written by Polars with its defaults, a process for each file."""
    part.mkdir()
    for file in sorted(source.glob("*.parquet")):
        python("import sys, polars as pl; pl.scan_parquet(sys.argv[1]).sink_parquet(sys.argv[2])", file, part / file.name)


def join_data(varjoin: Path, folder: Path, scale: int) -> tuple[Path, Path, Path]:
    """Database as Polars writes it, sample as VCF.gz, sample normalised."""
    rows, variants = ROWS * scale, VARIANTS * scale
    common = ["--rows", rows, "--contigs", SCALES[scale], "--seed", 20]
    raw = folder / f"raw{scale}"
    database = folder / f"polars{scale}"
    if not database.exists():
        once(raw, lambda part: quiet(varjoin, "simulate", "-o", part, *common))
        once(database, lambda part: polars_files(part, raw))
        for file in raw.iterdir():
            file.unlink()
        raw.rmdir()
    sample = folder / f"sample{scale}.vcf.gz"
    if not sample.exists():
        quiet(varjoin, "simulate", *common, "--sample", sample, "--sample-variants", variants)
    table = folder / f"sample{scale}.parquet"
    if not table.exists():
        quiet(varjoin, "normalize", sample, "-o", table, "--quiet")
    return database, sample, table


def run_join(varjoin: Path, folder: Path, scale: int, repeats: int) -> dict:
    database, sample, table = join_data(varjoin, folder, scale)
    built = once(folder / f"built{scale}", lambda part: quiet(varjoin, "reference", "build", database, "-o", part))
    files = f"{database}/*.parquet"
    title = f"join {scale}x: {ROWS * scale:,} rows, {VARIANTS * scale:,} variants, all columns"
    say(title)
    ours = {"varjoin": [database], "varjoin, 1 thread": [database, "-@", "1"],
            "varjoin, built": [built], "varjoin, built, 1 thread": [built, "-@", "1"]}
    outs = {name: folder / f"out-{i}.parquet" for i, name in enumerate([*ours, "polars", "duckdb"])}
    commands = {name: [str(varjoin), "annotate", str(sample), "-a", f"ensembl={path}", "-o", str(outs[name]), *more]
                for name, (path, *more) in ours.items()}
    for peer in ("polars", "duckdb"):
        commands[peer] = [sys.executable, str(PEERS), peer, str(table), files, str(outs[peer])]
    tools = in_turn(commands, repeats, folder, lambda: same("tables", *outs.values()))
    for name, out in outs.items():
        tools[name]["out_mb"] = size_mb(out)
        out.unlink()
    return {"title": title, "scale": scale, "rows": ROWS * scale, "variants": VARIANTS * scale,
            "database_mb": size_mb(database), "sample_mb": size_mb(sample), "tools": tools}


def join(varjoin: Path, folder: Path, options) -> list[dict]:
    return [run_join(varjoin, folder, scale, options.repeats) for scale in options.scales]


# ---- one column ----


def column(varjoin: Path, folder: Path, options) -> list[dict]:
    database, sample, table = join_data(varjoin, folder, 1)
    files = f"{database}/*.parquet"
    title = f"column: {ROWS:,} rows, {VARIANTS:,} variants, MAF alone"
    say(title)
    outs = {name: folder / f"out-{name}.parquet" for name in ("varjoin", "polars", "duckdb")}
    commands = {"varjoin": [str(varjoin), "annotate", str(sample), "-a", f"ensembl={database}", "-c", "MAF", "-o", str(outs["varjoin"])]}
    for peer in ("polars", "duckdb"):
        commands[peer] = [sys.executable, str(PEERS), peer, str(table), files, str(outs[peer]), "MAF"]
    tools = in_turn(commands, options.repeats, folder, lambda: same("tables", *outs.values(), "MAF"))
    for name, out in outs.items():
        tools[name]["out_mb"] = size_mb(out)
        out.unlink()
    return [{"title": title, "rows": ROWS, "variants": VARIANTS, "tools": tools}]


# ---- VCF out ----


def vcf_peers(folder: Path, database: Path, sample: Path, options) -> dict[str, tuple[list[str], Path | None]]:
    """Command and output of each peer that is there; the database in the form that it reads."""
    bcf = folder / "reference.bcf"
    once(bcf, lambda part: quiet(sys.executable, PEERS, "reference-bcf", f"{database}/*.parquet", part))
    if not (folder / "reference.bcf.csi").exists():
        quiet("bcftools", "index", bcf)
    out = {name: folder / f"out-{name}.vcf.gz" for name in ("bcftools", "echtvar", "vcfanno", "snpsift")}
    peers = {"bcftools": (["bcftools", "annotate", "--threads", "2", "-a", str(bcf), "-c", "ID,INFO", "-Oz", "-o", str(out["bcftools"]), str(sample)],
                          out["bcftools"])}
    if options.echtvar:
        echo = folder / "reference.echtvar.zip"
        fields = folder / "echtvar.json"
        fields.write_text('[{"field": "MAF", "alias": "MAF", "multiplier": 1000000}, {"field": "MAC", "alias": "MAC"},'
                          ' {"field": "TSA", "alias": "TSA"}, {"field": "E_gnomAD", "alias": "E_gnomAD"}]\n')
        once(echo, lambda part: quiet(*options.echtvar.split(), "encode", part, fields, bcf))
        peers["echtvar (4 fields)"] = ([*options.echtvar.split(), "anno", "-e", str(echo), str(sample), str(out["echtvar"])], None)
    if options.vcfanno or options.snpsift:
        text = folder / "reference.vcf.gz"
        once(text, lambda part: quiet("bcftools", "view", "--threads", "2", "-Oz", "-o", part, bcf))
        if not (folder / "reference.vcf.gz.tbi").exists():
            quiet("bcftools", "index", "-t", text)
        names = subprocess.run(["bcftools", "view", "-h", text], capture_output=True, text=True, check=True).stdout
        infos = [line.split("ID=")[1].split(",")[0] for line in names.splitlines() if line.startswith("##INFO")]
        if options.vcfanno:
            toml = folder / "vcfanno.toml"
            toml.write_text(f'[[annotation]]\nfile = "{text}"\nfields = {infos}\nops = {["self"] * len(infos)}\n'.replace("'", '"'))
            peers["vcfanno"] = (["sh", "-c", f"{options.vcfanno} -p 2 {toml} {sample} | bgzip -c > {out['vcfanno']}"], None)
        if options.snpsift:
            peers["SnpSift"] = (["sh", "-c", f"{options.snpsift} annotate -info {','.join(infos)} {text} {sample} | bgzip -c > {out['snpsift']}"], None)
    return peers


def vcf(varjoin: Path, folder: Path, options) -> list[dict]:
    database, sample, _ = join_data(varjoin, folder, 1)
    built = once(folder / "built1", lambda part: quiet(varjoin, "reference", "build", database, "-o", part))
    outs = {"varjoin": folder / "out-varjoin.vcf.gz", "varjoin, BCF": folder / "out-varjoin.bcf",
            "varjoin, built": folder / "out-built.vcf.gz", "varjoin, built, BCF": folder / "out-built.bcf"}
    title = f"vcf: {ROWS:,} rows, {VARIANTS:,} variants, all columns to VCF.gz"
    say(title)
    commands = {name: [str(varjoin), "annotate", str(sample), "-a", f"ensembl={built if 'built' in name else database}", "-o", str(out)]
                for name, out in outs.items()}
    checked = list(outs.values())
    for name, (command, out) in vcf_peers(folder, database, sample, options).items():
        commands[name] = command
        if out is not None:
            outs[name] = out
            checked.append(out)
    tools = in_turn(commands, options.repeats, folder, lambda: same("vcfs", *checked))
    for name, out in outs.items():
        tools[name]["out_mb"] = size_mb(out)
    for out in folder.glob("out-*"):
        out.unlink()
    return [{"title": title, "rows": ROWS, "variants": VARIANTS, "tools": tools}]


# ---- normalize ----


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


COUNT = """
import sys, polars as pl
ours, theirs = (pl.scan_parquet(p) for p in sys.argv[1:])
a = ours.filter(pl.col("alt_index") == 1).select(pl.len(), pl.col("start").cast(pl.Int64).sum()).collect().row(0)
b = theirs.select(pl.len(), pl.col("start").cast(pl.Int64).sum()).collect().row(0)
sys.exit(f"records and sum of positions differ: {a} and {b}" if a != b and (b[0], b[1] + b[0]) != a else 0)
"""


def normalize(varjoin: Path, folder: Path, options) -> list[dict]:
    sample = folder / "million.vcf.gz"
    if not sample.exists():
        quiet(varjoin, "simulate", "--rows", 150_000_000, "--contigs", "1,2,3", "--seed", 21,
              "--sample", sample, "--sample-variants", RECORDS)
    outs = {name: folder / f"normalized-{name.replace(' ', '-')}.parquet" for name in ("varjoin", "varjoin, 1 thread", "polars-bio")}
    commands = {"varjoin": [str(varjoin), "normalize", str(sample), "-o", str(outs["varjoin"])],
                "varjoin, 1 thread": [str(varjoin), "normalize", "-@", "1", str(sample), "-o", str(outs["varjoin, 1 thread"])]}
    bio = bio_python()
    if bio is None:
        say("polars-bio cannot be installed here; varjoin alone is measured")
    else:
        commands["polars-bio"] = [bio, str(PEERS), "polars-bio", str(sample), str(outs["polars-bio"])]
    title = f"normalize: {RECORDS:,} records"
    say(title)
    tools = in_turn(commands, options.repeats, folder, lambda: bio and python(COUNT, outs["varjoin"], outs["polars-bio"]))
    for name in tools:
        tools[name]["out_mb"] = size_mb(outs[name])
        outs[name].unlink()
    return [{"title": title, "records": RECORDS, "sample_mb": size_mb(sample), "tools": tools}]


# ---- what measuring costs ----


def own_share(record: Path) -> float:
    """Per cent of a run's CPU time that its tracker took, by its own account."""
    resources = json.loads(record.read_text())["resources"]
    return 100 * resources["measuring_cpu_seconds"] / (resources["user_cpu_seconds"] + resources["system_cpu_seconds"])


def tracker(varjoin: Path, folder: Path, options) -> list[dict]:
    """annotate with and without the resource tracker, many times in turn; the record is written and read, too."""
    database, sample, table = join_data(varjoin, folder, 1)
    jobs = []
    for engine in ("native", "polars"):
        out, record = folder / f"out-{engine}.parquet", folder / f"{engine}.run.json"
        words = [str(varjoin), "annotate", "-q", "--engine", engine, "-a", f"ensembl={database}", "-o", str(out),
                 "--python", sys.executable, str(sample if engine == "native" else table)]
        commands = {"tracked": ["env", "-u", "VARJOIN_NO_TRACKING", *words, "--report", str(record)], "untracked": ["env", "VARJOIN_NO_TRACKING=1", *words]}
        title = f"tracker, {engine}: {ROWS:,} rows, {VARIANTS:,} variants"
        say(title)
        shares: list[float] = []
        tools = in_turn(commands, options.tracker_repeats, folder, each=lambda name: name == "tracked" and shares.append(own_share(record)))
        on, off = ([run["cpu_s"] for run in tools[name]["runs"]] for name in ("tracked", "untracked"))
        extra = sorted(100 * (a - b) / b for a, b in zip(on, off))
        low, high = extra[len(extra) // 4], extra[-1 - len(extra) // 4]
        note = (f"CPU of neighbouring runs: median {statistics.median(extra):+.2f} % with the tracker (middle half {low:+.2f} to {high:+.2f} %); "
                f"by its own account it takes {statistics.median(shares):.2f} % (highest {max(shares):.2f} %)")
        say("  " + note)
        for tool in tools.values():
            tool["out_mb"] = size_mb(out)
        out.unlink()
        record.unlink()
        jobs.append({"title": title, "note": note, "own_share_percent": shares, "paired_percent": extra, "tools": tools})
    return jobs


# ---- several samples in one sweep ----

PEOPLE = 10


def reference_part(record: Path) -> float:
    """CPU seconds that a run spent on the database: its keys, and payload of what matched."""
    return sum(s["cpu_seconds"] for s in json.loads(record.read_text())["stages"] if s["name"] in ("keys", "payload"))


def sweep(varjoin: Path, folder: Path, options) -> list[dict]:
    """Ten people of one population at once and one of them alone, one thread; outputs are held to be the same."""
    database, _, _ = join_data(varjoin, folder, 1)
    built = once(folder / "built1", lambda part: quiet(varjoin, "reference", "build", database, "-o", part))
    people = [folder / f"person{i}.vcf.gz" for i in range(PEOPLE)]
    for i, person in enumerate(people):
        if not person.exists():
            quiet(varjoin, "simulate", "--rows", ROWS, "--contigs", SCALES[1], "--seed", 20, "--sample", person,
                  "--sample-variants", VARIANTS, "--sample-seed", 100 + i)
    one, ten, record = folder / "out-one.parquet", folder / "out-ten", folder / "sweep.run.json"
    jobs = []
    for form, path in (("as Polars wrote it", database), ("built", built)):
        common = [str(varjoin), "annotate", "-q", "-@", "1", "-a", f"ensembl={path}", "--no-version", "--report", str(record)]
        commands = {"one sample": [*common, "-o", str(one), str(people[0])], "ten samples": [*common, "-o", str(ten), *map(str, people)]}
        title = f"sweep: {PEOPLE} samples of {VARIANTS:,} variants, {ROWS:,} rows {form}"
        say(title)
        parts: dict[str, list[float]] = {name: [] for name in commands}
        tools = in_turn(commands, options.repeats, folder, lambda: same("equal", one, ten / "person0.parquet"),
                        lambda name: parts[name].append(reference_part(record)))
        alone, together = (statistics.median(parts[name]) for name in commands)
        note = (f"reference part (stages keys and payload, CPU): {together:.3f} s for ten, {alone:.3f} s for one, {together / alone:.2f} times; "
                f"ten single runs would take {PEOPLE * tools['one sample']['median']['cpu_s']:.2f} CPU-s")
        say("  " + note)
        tools["one sample"]["out_mb"], tools["ten samples"]["out_mb"] = size_mb(one), size_mb(ten)
        jobs.append({"title": title, "base": "one sample", "note": note, "reference_part": parts, "tools": tools})
        one.unlink()
        shutil.rmtree(ten)
    record.unlink()
    return jobs


JOBS = {"join": join, "column": column, "vcf": vcf, "normalize": normalize, "sweep": sweep, "tracker": tracker}
