"""What the DuckDB and Polars engines cost over the same work by hand in that library.

Three ways to the same rows, all of them whole processes that begin with a normalised sample:
engine      varjoin annotate --engine E, from the normalised table, and from the VCF.gz
same        the engine's statement or query, written by hand, over the keyed file that the engine
            itself reads (docs/semantics.md S-24, S-31, S-52): row by row the same result
plain       a left join by chrom, start, ref and alt as one would write it at first, over the
            normalised table: it misses what trimmed alleles match, and Polars' keeps no order

DuckDB by hand is the same libduckdb through a C program that does nothing else (run_sql.c), Polars by
hand a Python script.
"""

import glob
import os
import subprocess
import sys
import time
from pathlib import Path

from jobs import ROWS, VARIANTS, join_data, same
from measure import ROOT, in_turn, say, size_mb

PEERS = ROOT / "bench" / "peers.py"
LIBRARY = ROOT / "build" / "duckdb"
KEYS = ("chrom", "start", "ref", "alt")
FOLD = ", 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"


def keyed_file(varjoin: Path, folder: Path, database: Path, table: Path) -> Path:
    """The keyed sample as the engine writes it, linked while it is there."""
    kept = folder / "keyed.parquet"
    kept.unlink(missing_ok=True)
    temp = folder / "keyed-run"
    temp.mkdir(exist_ok=True)
    run = subprocess.Popen([varjoin, "annotate", "-q", "--engine", "duckdb", "--temp-dir", temp, table,
                            "-a", f"ensembl={database}", "-o", folder / "keyed-out.parquet"])
    while run.poll() is None:
        for path in glob.glob(f"{temp}/.varjoin-run*/sample.parquet"):
            if not kept.exists():
                os.link(path, kept)
        time.sleep(0.002)
    (folder / "keyed-out.parquet").unlink(missing_ok=True)
    if run.returncode != 0 or not kept.exists():
        sys.exit("the DuckDB engine wrote no keyed file: see `varjoin doctor`")
    return kept


def program(folder: Path) -> Path:
    out = folder / "run_sql"
    subprocess.run(["cc", "-O2", ROOT / "bench" / "run_sql.c", "-I", LIBRARY, "-L", LIBRARY, "-lduckdb",
                    f"-Wl,-rpath,{LIBRARY}", "-o", out], check=True)
    return out


def columns(table: Path, database: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of the sample, and of the database without its key: (there, in the result)."""
    import pyarrow.parquet as pq

    left = pq.read_schema(table).names
    right = [n for n in pq.read_schema(glob.glob(database)[0]).names if n not in KEYS]
    wanted = [(n, "rsid" if n == "id" else n) for n in right]
    return left, [(n, f"{name}_ensembl" if name in left else name) for n, name in wanted]


def duckdb_statements(folder: Path, keyed: Path, table: Path, database: str) -> dict[str, str]:
    left, payload = columns(table, database)
    contigs = sorted({Path(p).stem.rpartition("chr")[2] for p in glob.glob(database)})
    order = "(CAST(d.file_index AS BIGINT) << 40) | d.file_row_number"
    ref, alt = f"translate(d.ref{FOLD}", f"translate(d.alt{FOLD}"
    several = (f"(strlen(k.ref) = 1 OR strlen(k.alt) = 1 OR right(k.ref, 1) <> right(k.alt, 1)) AND starts_with({ref}, k.ref) "
               f"AND list_contains(string_split(replace({alt}, ',', '|'), '|'), k.alt || substr({ref}, strlen(k.ref) + 1))")
    alleles = f"CASE WHEN contains(d.alt, '|') OR contains(d.alt, ',') THEN {several} ELSE {ref} = k.ref AND {alt} = k.alt END"
    ours = f"""
        COPY (
            SELECT {", ".join(f'l."{n}"' for n in left)}, {", ".join(f'm."{n}" AS "{name}"' for n, name in payload)}
            FROM read_parquet('{keyed}') l
            LEFT JOIN (
                SELECT k.r, {order} AS o, {", ".join(f'd."{n}"' for n, _ in payload)}
                FROM (SELECT f.__vj_row AS r, c.raw AS c, CAST(f.__vj_pos AS UINTEGER) AS p, f.__vj_ref AS ref, f.__vj_alt AS alt
                      FROM read_parquet('{keyed}') f
                      JOIN (VALUES {", ".join(f"('{c}', '{c}')" for c in contigs)}) c(canonical, raw) ON c.canonical = f.__vj_contig
                      WHERE f.__vj_ref IS NOT NULL AND f.__vj_alt IS NOT NULL) k
                JOIN read_parquet('{database}') d ON d.chrom = k.c AND d.start = k.p
                WHERE {alleles}) m ON m.r = l.__vj_row
            ORDER BY l.__vj_row, m.o
        ) TO '{folder}/hand-duckdb-same.parquet' (FORMAT PARQUET, COMPRESSION ZSTD)"""
    plain = f"""
        COPY (
            SELECT {", ".join(f'l."{n}"' for n in left)}, {", ".join(f'd."{n}" AS "{name}"' for n, name in payload)}
            FROM read_parquet('{table}') l
            LEFT JOIN read_parquet('{database}') d ON l.chrom = d.chrom AND l.start = d.start AND l.ref = d.ref AND l.alt = d.alt
            ORDER BY l.file_row_number, d.file_row_number
        ) TO '{folder}/hand-duckdb-plain.parquet' (FORMAT PARQUET, COMPRESSION ZSTD)"""
    return {"same": "SET preserve_insertion_order = false;" + ours, "plain": "SET preserve_insertion_order = false;" + plain}


def run(engine: str, commands: dict[str, list[str]], outs: dict[str, Path], repeats: int, folder: Path) -> dict:
    title = f"engine {engine}: {ROWS:,} rows, {VARIANTS:,} variants; over the same by hand"
    say(title)

    def check() -> None:
        same("equal", outs["by hand, same"], outs["engine"], outs["engine from VCF.gz"])
        same("tables", outs["engine"], outs["by hand, plain"])

    tools = in_turn(commands, repeats, folder, check)
    for name, out in outs.items():
        tools[name]["out_mb"] = size_mb(out)
        out.unlink()
    return {"title": title, "base": "by hand, same", "rows": ROWS, "variants": VARIANTS, "tools": tools}


def engines(varjoin: Path, folder: Path, options) -> list[dict]:
    if not (LIBRARY / "libduckdb.so").exists():
        sys.exit("engines: no DuckDB library: `make duckdb`")
    database, sample, table = join_data(varjoin, folder, 1)
    files = f"{database}/*.parquet"
    keyed = keyed_file(varjoin, folder, database, table)
    runner = program(folder)
    statements = duckdb_statements(folder, keyed, table, files)
    results = []
    for engine in ("duckdb", "polars"):
        outs = {"by hand, same": folder / f"hand-{engine}-same.parquet", "by hand, plain": folder / f"hand-{engine}-plain.parquet",
                "engine": folder / f"engine-{engine}.parquet", "engine from VCF.gz": folder / f"engine-{engine}-vcf.parquet"}
        commands = {}
        for way in ("same", "plain"):
            if engine == "duckdb":
                script = folder / f"hand-{way}.sql"
                script.write_text(statements[way])
                commands[f"by hand, {way}"] = [str(runner), str(script)]
            else:
                source = keyed if way == "same" else table
                verb = "polars-keyed" if way == "same" else "polars"
                commands[f"by hand, {way}"] = [sys.executable, str(PEERS), verb, str(source), files, str(outs[f"by hand, {way}"])]
        for name, source in (("engine", table), ("engine from VCF.gz", sample)):
            commands[name] = [str(varjoin), "annotate", "-q", "--engine", engine, "--python", sys.executable, str(source),
                              "-a", f"ensembl={database}", "-o", str(outs[name])]
        results.append(run(engine, commands, outs, options.repeats, folder))
    return results
