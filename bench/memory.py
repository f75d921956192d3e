"""Prove the memory rules: one join at several limits, under a hard limit of the kernel.

usage: memory.py [--small] [--rows N] [--limits 128MB,256MB,512MB,1GB] [--engines duckdb,native,polars]
                 [--varjoin PROGRAM] [--python PROGRAM] [--dir DIR] [--keep]

What fails the run (exit 1), by the letters of the report:
  a  a catalog of the database holds a table, or is 1 MB or larger
  b  an engine goes beyond --memory plus its fixed part, or is killed by the kernel's limit
     (a memory cgroup where one can be made, else RLIMIT_DATA), or gives another result than native
  c  a plan over the catalog's view reads anything but Parquet (the plan of the join's own statement
     is held by tests/unit/test_duck_run.c)
  d  a key repeated N times on both sides does not finish within the bound in native and DuckDB, gives
     other than N x N rows, or the two differ in their content hash
  e  a temporary folder is left behind
  f  an engine has no figures or no memory over time at a limit, or the plot was not written
and, in the full form, a database that is not at least twice as large, decoded, as every limit.

Fixed parts: native 0. duckdb 80 MB (VJ_DUCK_FIXED_BYTES of src/duck/duck.h): its own limit is set 80 MB
below --memory, but never below 96 MB, for code, Parquet buffers and the allocator. polars 0: its limit is the kernel's, of the address space;
a run that does not fit ends by it, is shown, and fails nothing.

Writes memory.json and memory.png (with matplotlib) into DIR.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXED_MB = {"native": 0, "duckdb": 80, "polars": 0}
SLACK_MB = 4  # pages that the sampler counts and the engine does not
CGROUPS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
RUN_SECONDS = 900


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def size_mb(text: str) -> float:
    for suffix, factor in (("GB", 1000), ("MB", 1)):
        if text.upper().endswith(suffix):
            return float(text[:-2]) * factor
    sys.exit(f"a size is written 256MB or 1GB, found {text}")


# ---- the hard limit ----


class Cgroup:
    """A memory cgroup of our own, v1 or v2; absent (path None) where none can be made."""

    def __init__(self, limit_mb: float) -> None:
        self.path = None
        for parent in CGROUPS:
            path = parent / f"varjoin-bench-{os.getpid()}"
            try:
                path.mkdir()
            except OSError:
                continue
            name = next((n for n in ("memory.max", "memory.limit_in_bytes") if (path / n).exists()), None)
            try:
                if name is None:
                    raise OSError
                (path / name).write_text(str(int(limit_mb * 1e6)))
                self.path = path
                return
            except OSError:
                path.rmdir()

    def enter(self) -> None:
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def close(self) -> None:
        for _ in range(50):
            try:
                if self.path is not None:
                    self.path.rmdir()
                return
            except OSError:
                time.sleep(0.1)


# ---- watching a process tree ----


def tree(root: int) -> list[int]:
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                pass
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def resident_mb(root: int) -> float:
    total = 0
    for pid in tree(root):
        try:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            pass
    return total / 1e6


class Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.done, self.series = pid, False, []

    def run(self) -> None:
        begun = time.monotonic()
        while not self.done:
            self.series.append((round(time.monotonic() - begun, 3), round(resident_mb(self.pid), 1)))
            time.sleep(0.02)


def run(command: list, limit_mb: float, log: Path) -> dict:
    """Run under the limit; wall, peak and series of the tree's resident memory, exit code."""
    cgroup = Cgroup(limit_mb)

    def prepare() -> None:
        if cgroup.path is not None:
            cgroup.enter()
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (int(limit_mb * 1e6),) * 2)

    try:
        begun = time.monotonic()
        with open(log, "wb") as sink:
            process = subprocess.Popen([str(c) for c in command], stdout=sink, stderr=sink,
                                       stdin=subprocess.DEVNULL, preexec_fn=prepare)
        watch = Watch(process.pid)
        watch.start()
        try:
            code = process.wait(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        watch.done = True
        watch.join()
        return {"exit": code, "wall_s": round(time.monotonic() - begun, 2),
                "peak_mb": max((mb for _, mb in watch.series), default=0),
                "limit_kind": "cgroup" if cgroup.path is not None else "RLIMIT_DATA",
                "series": watch.series, "last_line": last_line(log)}
    finally:
        cgroup.close()


def last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "error" in line]
    return lines[-1] if lines else ""


# ---- the parts of the proof ----


class Bench:
    def __init__(self, options) -> None:
        self.o = options
        self.dir = options.dir
        self.temp = self.dir / "temp"
        self.failures = []
        self.has_duckdb = True
        self.log = self.dir / "last.log"
        self.dir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir()

    def check(self, good: bool, what: str) -> None:
        if not good:
            self.failures.append(what)
            say(f"  FAILED {what}")

    def temp_is_empty(self, what: str) -> None:
        left = sorted(p.name for p in self.temp.iterdir())
        self.check(not left, f"e: {what}: left in the temporary folder: {left}")
        shutil.rmtree(self.temp)
        self.temp.mkdir()

    def make_data(self) -> None:
        self.database, self.sample = self.dir / "db", self.dir / "sample.vcf.gz"
        stamp = self.dir / "rows.txt"
        if stamp.exists() and stamp.read_text() == str(self.o.rows):
            return
        shutil.rmtree(self.database, ignore_errors=True)
        say(f"making a database of {self.o.rows:,} rows")
        subprocess.run([self.o.varjoin, "simulate", "-q", "-o", self.database, "--rows", str(self.o.rows),
                        "--contigs", "20,21,22", "--sample", self.sample, "--sample-variants",
                        str(self.o.rows // 25), "--seed", "4"], check=True)
        stamp.write_text(str(self.o.rows))

    def catalog(self) -> dict:
        path = self.dir / "catalog.duckdb"
        path.unlink(missing_ok=True)
        done = subprocess.run([self.o.varjoin, "catalog", "-o", path, f"ensembl={self.database}"],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0 and "not installed" in done.stderr:
            say("  skipped: " + done.stderr.strip())
            self.has_duckdb = False
            return {}
        self.check(done.returncode == 0, f"a: {done.stderr.strip()}")
        try:
            import duckdb
        except ImportError:
            say("  no duckdb module: the catalog's tables are not counted")
            return {"bytes": path.stat().st_size}
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.sql("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]
            views = connection.sql("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()[0][0]
            rows = connection.sql("SELECT count(*) FROM ensembl").fetchall()[0][0]
        self.check(tables == 0 and views == 2, f"a: the catalog has {tables} tables and {views} views")
        self.check(path.stat().st_size < 1_000_000, f"a: the catalog has {path.stat().st_size} bytes")
        self.check(rows >= self.o.rows * 0.9, f"a: the view has {rows} rows")
        self.plan_reads_parquet(path)
        return {"bytes": path.stat().st_size, "tables": tables, "views": views}

    def plan_reads_parquet(self, catalog: Path) -> None:
        import duckdb

        select = ("SELECT * FROM (SELECT range AS p FROM range(1000)) k LEFT JOIN ensembl e ON e.start = k.p")
        with duckdb.connect(str(catalog), read_only=True) as connection:
            plan = "".join(row[-1] for row in connection.sql("EXPLAIN " + select).fetchall()).upper()
        self.check("READ_PARQUET" in plan or "PARQUET_SCAN" in plan, "c: the plan does not read Parquet")
        self.check("SEQ_SCAN" not in plan, "c: the plan scans a table")

    def decoded_mb(self) -> float | None:
        """What the database would take as a table in memory: its first row group, times the row groups."""
        try:
            import pyarrow.parquet as pq
        except ImportError:
            return None
        files = [pq.ParquetFile(path) for path in sorted(self.database.glob("*.parquet"))]
        n_rows = sum(f.metadata.num_rows for f in files)
        first = files[0].read_row_group(0)
        return first.nbytes / first.num_rows * n_rows / 1e6

    def is_larger_than_limits(self) -> float | None:
        size = self.decoded_mb()
        largest = max(size_mb(limit) for limit in self.o.limits)
        if size is not None and not self.o.small:
            say(f"the database has {size:.0f} MB decoded")
            self.check(size >= 2 * largest, f"b: the database has {size:.0f} MB decoded, limits go to {largest:.0f} MB")
        return size

    def has_figures(self, runs: list[dict], engines: list[str], plotted: bool) -> None:
        for limit in self.o.limits:
            for engine in engines:
                mine = [r for r in runs if r["engine"] == engine and r["limit"] == limit]
                self.check(bool(mine) and len(mine[0]["series"]) > 1 and mine[0]["peak_mb"] > 0,
                           f"f: no memory over time of {engine} at {limit}")
        self.check(plotted or not self.o.plot, "f: no plot was written (matplotlib?)")

    def annotate(self, engine: str, limit: str, report: Path, extra: list) -> dict:
        out = self.dir / f"out-{engine}.parquet"
        command = [self.o.varjoin, "annotate", "--engine", engine, "--memory", limit, "--temp-dir", self.temp,
                   "-o", out, "--report", report, "-q", *extra]
        if engine == "polars" and self.o.python:
            command += ["--python", self.o.python]
        report.unlink(missing_ok=True)
        # The worker of polars has the limit on its own; the process beside it needs a little.
        room = 300 if engine == "polars" else FIXED_MB[engine] + SLACK_MB
        result = run(command, size_mb(limit) + room, self.log)
        out.unlink(missing_ok=True)
        return result

    def join(self, engine: str, limit: str) -> dict:
        report = self.dir / "run.json"
        result = self.annotate(engine, limit, report, ["-a", f"ensembl={self.database}", self.sample])
        if result["exit"] == 0:
            record = json.loads(report.read_text())
            result["hash"] = find(record, "content_hash")
        allowed = size_mb(limit) + FIXED_MB[engine] + SLACK_MB
        if engine != "polars":
            self.check(result["exit"] == 0, f"b: {engine} at {limit} exits {result['exit']}: {result['last_line']}")
            self.check(result["peak_mb"] <= allowed,
                       f"b: {engine} at {limit} peaks at {result['peak_mb']:.0f} MB, allowed {allowed:.0f} MB")
        self.temp_is_empty(f"{engine} at {limit}")
        say(f"  {engine:7s} {limit:>6s}  {result['wall_s']:7.1f} s  peak {result['peak_mb']:6.0f} MB  "
            f"exit {result['exit']} ({result['limit_kind']})")
        return {"engine": engine, "limit": limit, **result}

    def explosion(self, n: int, limit: str, engines: list[str]) -> list[dict]:
        """N records and N database rows of one key: N x N rows come out, the same of each engine."""
        folder = self.dir / "explosion"
        folder.mkdir(exist_ok=True)
        vcf, database = folder / "same.vcf", folder / "same.parquet"
        header = "##fileformat=VCFv4.3\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        vcf.write_text(header + "1\t1000\t.\tA\tC\t.\t.\t.\n" * n)
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"chrom": ["1"] * n, "start": pa.array([1000] * n, pa.uint32()), "ref": ["A"] * n,
                          "alt": ["C"] * n, "x": pa.array(range(n), pa.int32())})
        pq.write_table(table, database)
        runs = [self.explode(engine, n, limit, database, vcf) for engine in engines]
        self.check(len({r["hash"] for r in runs}) == 1, f"d: content hashes differ: {[r['hash'] for r in runs]}")
        return runs

    def explode(self, engine: str, n: int, limit: str, database: Path, vcf: Path) -> dict:
        report = self.dir / "explosion.json"
        result = self.annotate(engine, limit, report, ["-a", f"same={database}", vcf])
        record = json.loads(report.read_text()) if result["exit"] == 0 else {}
        rows = find(record, "rows_out")
        allowed = size_mb(limit) + FIXED_MB[engine] + SLACK_MB
        self.check(result["exit"] == 0 and rows == n * n,
                   f"d: {engine}, {n} x {n} at {limit}: exit {result['exit']}, rows {rows}: {result['last_line']}")
        self.check(result["peak_mb"] <= allowed,
                   f"d: {engine}, {n} x {n} at {limit} peaks at {result['peak_mb']:.0f} MB, allowed {allowed:.0f} MB")
        self.temp_is_empty(f"{engine}, explosion of {n} x {n}")
        say(f"  {engine:7s} {n:,} x {n:,} of one key at {limit}: {result['wall_s']:.1f} s, "
            f"peak {result['peak_mb']:.0f} MB")
        return {"engine": engine, "n": n, "limit": limit, "rows": rows, "hash": find(record, "content_hash"), **result}


def find(value, name: str):
    """The first value of that name anywhere in a record."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            found = find(one, name)
            if found is not None:
                return found
    return None


def plot(runs: list[dict], path: Path) -> bool:
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        say("no matplotlib: no plot")
        return False
    limits = list(dict.fromkeys(r["limit"] for r in runs))
    figure, axes = plt.subplots(1, len(limits), figsize=(4.2 * len(limits), 3.6), sharey=True, squeeze=False)
    colours = {"native": "#1b6ca8", "duckdb": "#c9822b", "polars": "#4a8f4a"}
    for axis, limit in zip(axes[0], limits):
        for r in (r for r in runs if r["limit"] == limit):
            ends = "" if r["exit"] == 0 else " (stopped)"
            axis.plot(*zip(*r["series"]), color=colours[r["engine"]], label=r["engine"] + ends)
        axis.axhline(size_mb(limit), color="grey", linestyle=":", linewidth=1)
        axis.set_title(f"--memory {limit}")
        axis.set_xlabel("seconds")
        axis.legend(fontsize=8)
    axes[0][0].set_ylabel("resident memory, MB")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    say(f"plot: {path}")
    return path.exists()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a minute's worth, for make test")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--limits")
    parser.add_argument("--engines", default="native,duckdb,polars")
    parser.add_argument("--explosion", type=int)
    parser.add_argument("--varjoin", type=Path, default=ROOT / "build/release/varjoin")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--dir", type=Path, default=ROOT / "build/bench-memory")
    parser.add_argument("--no-plot", dest="plot", action="store_false", help="where there is no matplotlib")
    parser.add_argument("--keep", action="store_true", help="keep the data for the next run")
    o = parser.parse_args()
    o.rows = o.rows or (1_500_000 if o.small else 30_000_000)
    o.limits = (o.limits or ("128MB,256MB" if o.small else "128MB,256MB,512MB,1GB")).split(",")
    o.explosion = o.explosion or (2_000 if o.small else 10_000)
    bench = Bench(o)
    bench.make_data()
    say("a: catalog")
    results = {"rows": o.rows, "fixed_mb": FIXED_MB, "catalog": bench.catalog(),
               "decoded_mb": bench.is_larger_than_limits()}
    say("b, e, f: joins")
    engines = [e for e in o.engines.split(",") if e != "duckdb" or bench.has_duckdb]
    runs = [bench.join(engine, limit) for limit in o.limits for engine in engines]
    hashes = {r["hash"] for r in runs if r.get("hash")}
    bench.check(len(hashes) == 1, f"b: the engines' content hashes differ: {sorted(hashes)}")
    results.update(runs=runs, failures=bench.failures)
    say("d: explosion")
    exploding = [e for e in engines if e != "polars"]
    results["explosion"] = bench.explosion(o.explosion, "256MB" if o.small else "512MB", exploding)
    (o.dir / "memory.png").unlink(missing_ok=True)
    bench.has_figures(runs, engines, o.plot and plot(runs, o.dir / "memory.png"))
    (o.dir / "memory.json").write_text(json.dumps(results))
    if not o.keep:
        for name in ("db", "explosion", "temp"):
            shutil.rmtree(o.dir / name, ignore_errors=True)
        for name in ("sample.vcf.gz", "rows.txt", "catalog.duckdb"):
            (o.dir / name).unlink(missing_ok=True)
    print(f"{'FAILED' if bench.failures else 'passed'}: {len(runs)} joins, {len(bench.failures)} failures")
    for failure in bench.failures:
        print(f"  {failure}")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
