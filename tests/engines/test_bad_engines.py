"""Bad days of the engines: one clear line, the right exit code, no output, nothing left behind."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

import engines  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def needs(engine):
    if reason := engines.absent(engine):
        pytest.skip(reason)


def write_sample(path, n, repeat=1):
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    lines += [f"1\t{1000 + i}\t.\tA\tT\t.\tPASS\t." for i in range(n) for _ in range(repeat)]
    path.write_text("\n".join(lines) + "\n")


def write_database(path, n, repeat=1, **options):
    rows = [i for i in range(n) for _ in range(repeat)]
    table = pa.table({
        "chrom": ["1"] * len(rows), "start": [1000 + i for i in rows], "ref": ["A"] * len(rows),
        "alt": ["T"] * len(rows), "note": [os.urandom(12).hex() for _ in rows],
    })
    pq.write_table(table, path, **options)


@pytest.fixture
def place(tmp_path):
    """A folder with a sample and a database, and an empty one for the output."""
    write_sample(tmp_path / "in.vcf", 2000)
    write_database(tmp_path / "db.parquet", 2000)
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.fixture
def refuse(varjoin_bin, place):
    """Run an engine that must fail; its one line. An old output stands, and nothing else is there."""

    def run(engine, *options, code, database=None, out=None, args=None):
        out = out or place / "out"
        (out / "o.parquet").write_text("old")
        given = args if args is not None else engines.engine_args(engine)
        done = engines.run(varjoin_bin, [
            "annotate", "-q", *given, "-a", f"db={database or place / 'db.parquet'}", *options,
            place / "in.vcf", "-o", out / "o.parquet"], timeout=120, cwd=out)
        assert done.code == code, (done.code, done.stderr)
        assert len(done.stderr.splitlines()) == 1 and done.errors, done.stderr
        assert sorted(p.name for p in out.iterdir()) == ["o.parquet"], "left behind"
        assert (out / "o.parquet").read_text() == "old"
        return done.errors[0]

    return run


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


# ---- what the engine needs is not there ----


def test_no_duckdb_library(refuse, place):
    line = refuse("duckdb", code=2, args=["--engine", "duckdb", "--duckdb-lib", place / "none.so"])
    assert "none.so cannot be loaded" in line and "fetch_duckdb.sh" in line


def test_a_file_that_is_no_library(refuse, place):
    line = refuse("duckdb", code=2, args=["--engine", "duckdb", "--duckdb-lib", place / "in.vcf"])
    assert "cannot be loaded" in line


def make_library(folder, version):
    """A library with all names of DuckDB's, of another version."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    header = (ROOT / "src" / "duck" / "duck_api.h").read_text()
    table = header[header.index("#define DUCK_FUNCTIONS"):]
    names = re.findall(r"\bF\([^,]*,\s*(\w+)", table) or re.findall(r"\b\w\([^,()]*,\s*(\w+),", table)
    source = folder / "fake.c"
    lines = [f"void *duckdb_{n}(void) {{ return 0; }}" for n in names if n != "library_version"]
    source.write_text("\n".join([*lines, f'const char *duckdb_library_version(void) {{ return "{version}"; }}']))
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "fake.so", source], check=True)
    return folder / "fake.so"


def test_a_library_of_another_version(refuse, place):
    library = make_library(place, "v0.10.3")
    line = refuse("duckdb", code=2, args=["--engine", "duckdb", "--duckdb-lib", library])
    assert "is version v0.10.3, expected 1.5.6 or newer" in line and "fetch_duckdb.sh" in line


def test_no_python(refuse, place):
    line = refuse("polars", code=2, args=["--engine", "polars", "--python", place / "none"])
    assert "no Python called" in line and "pip install polars" in line


def test_a_python_without_polars(refuse, place):
    bare = script(place / "bare", f'exec {sys.executable} -S -I "$@"')
    line = refuse("polars", code=2, args=["--engine", "polars", "--python", bare])
    assert "this Python has no Polars" in line and "pip install polars" in line


# ---- the worker dies ----


def test_a_killed_worker(refuse, place):
    dead = script(place / "dead", "kill -KILL $$")
    line = refuse("polars", code=3, args=["--engine", "polars", "--python", dead])
    assert "killed by signal 9 while joining 2000 rows with 2000 rows of 1 database" in line
    assert "--engine native" in line


@pytest.mark.parametrize("text", ["exit 3", "echo '{\"event\": \"started\"}'", "echo nonsense; kill -SEGV $$"])
def test_a_worker_that_ends_without_a_result(refuse, place, text):
    line = refuse("polars", code=2, args=["--engine", "polars", "--python", script(place / "odd", text)])
    assert "the Polars worker" in line and "while joining 2000 rows" in line


def test_polars_out_of_memory(refuse, place):
    """S: which join, how many rows, and what would do instead."""
    needs("polars")
    write_sample(place / "in.vcf", 20, repeat=700)
    write_database(place / "db.parquet", 20, repeat=700)
    # one thread: the native key scan before the join keeps its pairs of one batch only
    line = refuse("polars", "-m", "300MB", "-@", "1", code=3)
    assert re.search(r"Polars ran out of its \d+ MB while joining 14000 rows with 14000 rows of 1 database", line)
    assert "--engine native or duckdb" in line


# ---- the database ----


def damage(path, name):
    """Turn over bytes in the middle of a column's data."""
    meta = pq.ParquetFile(path).metadata
    chunks = [meta.row_group(g).column(c) for g in range(meta.num_row_groups) for c in range(meta.num_columns)]
    at = [c for c in chunks if c.path_in_schema == name][-1]
    start = at.dictionary_page_offset or at.data_page_offset
    data = bytearray(path.read_bytes())
    for i in range(start + at.total_compressed_size // 2, start + at.total_compressed_size):
        data[i] ^= 0xA5
    path.write_bytes(data)


@pytest.mark.parametrize("engine", engines.NAMES)
@pytest.mark.parametrize("column", ["start", "alt", "note"])
def test_a_damaged_database(refuse, place, engine, column):
    needs(engine)
    write_database(place / "db.parquet", 2000, compression="zstd", use_dictionary=False)
    damage(place / "db.parquet", column)
    line = refuse(engine, code=2)
    assert "db" in line


@pytest.mark.parametrize("engine", engines.NAMES)
@pytest.mark.parametrize("keep", [0, 4, 3000, -1])
def test_a_truncated_database(refuse, place, engine, keep):
    needs(engine)
    data = (place / "db.parquet").read_bytes()
    (place / "db.parquet").write_bytes(data[:keep])
    assert "db.parquet" in refuse(engine, code=2)


@pytest.mark.parametrize("engine", engines.NAMES)
def test_a_database_that_is_gone(refuse, place, engine):
    needs(engine)
    assert "gone" in refuse(engine, code=2, database=place / "gone" / "*.parquet")


# ---- catalogs ----


def test_a_catalog_whose_files_are_gone(varjoin_bin, place):
    """The view is there and says which file it misses; a new catalog is refused, the old one stands."""
    needs("duckdb")
    duckdb = pytest.importorskip("duckdb")
    words = ["catalog", "-q", "--duckdb-lib", engines.find_duckdb(), f"db={place}/db.parquet", "-o", place / "out" / "c.duckdb"]
    assert engines.run(varjoin_bin, words).code == 0
    catalog = place / "out" / "c.duckdb"
    with duckdb.connect(str(catalog), read_only=True) as con:
        assert con.execute("select count(*) from db").fetchone() == (2000,)
    (place / "db.parquet").unlink()
    with duckdb.connect(str(catalog), read_only=True) as con:
        with pytest.raises(duckdb.IOException, match="db.parquet"):
            con.execute("select count(*) from db")
    before = catalog.read_bytes()
    done = engines.run(varjoin_bin, words)
    assert done.code == 2 and len(done.stderr.splitlines()) == 1 and "db.parquet" in done.errors[0]
    assert catalog.read_bytes() == before and [p.name for p in (place / "out").iterdir()] == ["c.duckdb"]


@pytest.fixture
def catalog(varjoin_bin, place):
    """Write the catalog; its one error line, if there is one."""
    needs("duckdb")
    pytest.importorskip("duckdb")
    words = ["catalog", "-q", "--duckdb-lib", engines.find_duckdb(), f"db={place}/db.parquet", "-o", place / "out" / "c.duckdb"]

    def run():
        done = engines.run(varjoin_bin, words, timeout=30)
        assert len(done.stderr.splitlines()) == (done.code != 0), done.stderr
        return done.code, done.stderr.strip()

    return run


def write_views(path, views, tables=()):
    import duckdb

    with duckdb.connect() as con:  # the client may be newer than our library
        con.execute(f"attach '{path}' as made (storage_version 'v1.2.0'); use made")
        for name, sql in views.items():
            con.execute(f"create view {name} as {sql}")
        for table in tables:
            con.execute(table)


HOSTILE_VIEWS = {
    "reads a pipe": "select a as name, a as pattern, a as fingerprint from read_csv('{pipe}')",
    "never ends": "with recursive t(n) as (select 1 union all select n + 1 from t) select n::varchar as name, n::varchar as pattern, "
                  "n::varchar as fingerprint from t",
    "is large": "select repeat('x', 1000000000) as name, 'p' as pattern, 'f' as fingerprint from range(1000000000)",
    "stands on itself": "select * from other",
    "has other columns": "select 1 as a",
}


@pytest.mark.parametrize("name", HOSTILE_VIEWS)
def test_no_view_of_a_foreign_catalog_runs(catalog, place, name):
    """A view of our name is text to us: whatever it says, the file is out of date and is replaced."""
    import duckdb

    out, pipe = place / "out" / "c.duckdb", place / "pipe"
    pipe.write_text("a\n1\n")
    write_views(out, {"varjoin_catalog": "select 1 as a", "other": "select * from varjoin_catalog", "db": "select 1 as chrom"})
    with duckdb.connect(str(out)) as con:
        con.execute("create or replace view varjoin_catalog as " + HOSTILE_VIEWS[name].format(pipe=pipe))
    pipe.unlink()
    os.mkfifo(pipe)  # whoever opened it would wait for ever
    assert catalog() == (0, "")
    with duckdb.connect(str(out), read_only=True) as con:
        assert con.execute("select count(*) from db").fetchone() == (2000,)
        assert con.execute("select name from varjoin_catalog").fetchall() == [("db",)]
    before = out.stat()
    assert catalog() == (0, "") and out.stat().st_ino == before.st_ino


def test_a_view_that_was_changed_is_put_right(catalog, place):
    """The list of views is ours, a view beside it is not: the catalog is written anew."""
    import duckdb

    out = place / "out" / "c.duckdb"
    assert catalog() == (0, "")
    with duckdb.connect(str(out)) as con:
        con.execute("create or replace view db as select 'evil' as chrom")
    assert catalog() == (0, "")
    with duckdb.connect(str(out), read_only=True) as con:
        assert con.execute("select count(*) from db").fetchone() == (2000,)


def make_in_place_of_catalog(kind, out, place):
    if kind == "text":
        out.write_text("chrom\tstart\n" * 5000)
    elif kind == "empty schema":
        write_views(out, {})
    elif kind == "somebody's table":
        write_views(out, {"varjoin_catalog": "select 1 as name"}, ["create table mine as select 1 as a"])
    elif kind == "folder":
        out.mkdir()
        (out / "mine").write_text("x")
    elif kind == "pipe":
        os.mkfifo(out)
    elif kind == "too large":
        with open(out, "wb") as file:
            file.truncate(65 << 20)
    else:
        write_views(out, {"varjoin_catalog": "select 1 as name"})
        whole = out.read_bytes()
        if kind == "cut short":
            out.write_bytes(whole[: len(whole) // 2])
        else:
            out.write_bytes(whole[:4096] + bytes(255 - b for b in whole[4096:20480]) + whole[20480:])


@pytest.mark.parametrize("kind, code", [("text", 2), ("cut short", 2), ("bytes turned", 2), ("empty schema", 1),
                                        ("somebody's table", 1), ("folder", 1), ("pipe", 1), ("too large", 1)])
@pytest.mark.parametrize("link", [False, True])
def test_what_is_no_catalog_stands(catalog, place, kind, code, link):
    """By its own name or by a symbolic link: one line, nothing changed."""
    out = place / "out" / "c.duckdb"
    real = place / "real" if link else out
    make_in_place_of_catalog(kind, real, place)
    if link:
        out.symlink_to(real)
    before = real.read_bytes() if real.is_file() else None
    found, line = catalog()
    assert found == code and "c.duckdb" in line, line
    assert out.is_symlink() == link and [p.name for p in (place / "out").iterdir()] == ["c.duckdb"]
    assert before == (real.read_bytes() if real.is_file() else None) and not real.with_name(real.name + ".wal").exists()


# ---- a full disk ----


@contextmanager
def small_disk(path, size):
    path.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounts are not allowed here")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("engine", engines.NAMES)
def test_the_disk_of_the_output_is_full(refuse, place, engine):
    needs(engine)
    write_sample(place / "in.vcf", 40000)
    write_database(place / "db.parquet", 40000)
    with small_disk(place / "disk", "200k") as disk:
        line = refuse(engine, code=3, out=disk)
        assert "No space left on device" in line


def test_the_disk_is_full_while_duckdb_spills(refuse, place):
    needs("duckdb")
    write_sample(place / "in.vcf", 20, repeat=1000)
    write_database(place / "db.parquet", 20, repeat=1000)
    with small_disk(place / "disk", "8m") as disk:
        line = refuse("duckdb", "--temp-dir", disk, "--duckdb-memory", "64MB", "-@", "1", code=3)
        assert list(disk.iterdir()) == [], "left behind"
    assert "DuckDB" in line


# ---- killed ----


def test_the_next_run_removes_what_a_killed_one_left(varjoin_bin, place):
    """SIGKILL in the middle of a spilling join; another user's, a live one's and a look-alike stay."""
    needs("duckdb")
    temp = place / "temp"
    temp.mkdir()
    write_sample(place / "in.vcf", 20, repeat=1000)
    write_database(place / "db.parquet", 20, repeat=1000)
    words = [varjoin_bin, "annotate", "-q", *engines.engine_args("duckdb"), "-a", f"db={place}/db.parquet", "-@", "1",
             "--duckdb-memory", "100MB", "--temp-dir", temp, place / "in.vcf", "-o", place / "out" / "o.parquet"]
    run = subprocess.Popen([str(w) for w in words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(temp.glob(".varjoin-run-*/varjoin-duck-*/*")) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    left = list(temp.iterdir())
    assert len(left) == 1, "nothing was left: the run ended before it was killed"
    token = left[0].name.split("-")[2]
    for name in (f".varjoin-run-{token}-{os.getpid()}-aaaaaa", ".varjoin-run-00000000-1-aaaaaa", ".varjoin-run-x"):
        (temp / name).mkdir()
    (temp / f".varjoin-run-{token}-{run.pid}-aaaaaa").symlink_to(place)
    live = os.open(temp / f".varjoin-run-{token}-{os.getpid()}-aaaaaa", os.O_RDONLY)
    fcntl.flock(live, fcntl.LOCK_EX)  # as a run that lives holds its folder
    write_sample(place / "in.vcf", 10)
    done = engines.run(varjoin_bin, words[1:])
    os.close(live)
    assert done.code == 0, done.stderr
    assert left[0] not in list(temp.iterdir()) and len(list(temp.iterdir())) == 4
    assert (place / "db.parquet").exists()
