"""The machine around a run: disks that fill, descriptors, memory, threads, streams, odd paths, inputs that change.

After each: the exit code of SPEC section 9, one line that says why, no signal, the old output byte for byte or
the new one whole, nothing else left behind. What needs root or a mount is skipped elsewhere, with the reason.
"""

import os
import resource
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

MANY = "".join(f"22\t{20000000 + i * 97}\t.\tA\tC\t.\t.\tDP=1\n" for i in range(100000))

ROOT = Path(__file__).resolve().parent.parent.parent
OLD = b"an older result\n"
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=22>\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
)


def sanitized(program) -> bool:
    return b"__asan_init" in Path(program).read_bytes()


@pytest.fixture(scope="module")
def plain_bin(varjoin_bin):
    """A program without sanitizers: their shadow memory is beyond any limit."""
    for path in (varjoin_bin, ROOT / "build" / "release" / "varjoin"):
        if Path(path).is_file() and not sanitized(path):
            return path
    pytest.skip("needs a program without sanitizers: build/release/varjoin")


@pytest.fixture(scope="module")
def world(varjoin_bin, tmp_path_factory):
    """A database, the same built, and a sample: made once."""
    folder = tmp_path_factory.mktemp("world")
    subprocess.run([varjoin_bin, "simulate", "-q", "-o", folder / "db", "--rows", "20000", "--sample",
                    folder / "s.vcf.gz", "--sample-variants", "3000"], check=True)
    subprocess.run([varjoin_bin, "reference", "build", "-q", "-o", folder / "built", folder / "db"], check=True)
    return folder


def run(program, *words, timeout=60, cwd=None, env=None, preexec=None, stdin=subprocess.DEVNULL, **kwargs):
    kwargs.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([str(w) for w in [program, *words]], stderr=subprocess.PIPE, stdin=stdin, timeout=timeout,
                          cwd=cwd, env={**os.environ, **(env or {})}, preexec_fn=preexec, errors="replace", **kwargs)


def said(done, code):
    """The one error line of a run that ended with this code, by itself."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("varjoin: error: ")]
    codes = code if isinstance(code, tuple) else (code,)
    assert done.returncode in codes, (done.returncode, done.stderr)
    if done.returncode not in (0, 4):
        assert len(lines) == 1, done.stderr
    assert "Sanitizer" not in done.stderr, done.stderr
    return lines[0] if lines else ""


def commands(world, out):
    """Each verb that writes: name -> (words, what it writes)."""
    db, sample = f"db={world}/db", world / "s.vcf.gz"
    return {
        "parquet": (["annotate", "-q", "-a", db, "-o", out / "o.parquet", sample], out / "o.parquet"),
        "vcf.gz": (["annotate", "-q", "-a", db, "-W", "-o", out / "o.vcf.gz", sample], out / "o.vcf.gz"),
        "bcf": (["annotate", "-q", "-a", db, "-o", out / "o.bcf", sample], out / "o.bcf"),
        "tsv": (["annotate", "-q", "-a", db, "-o", out / "o.tsv", sample], out / "o.tsv"),
        "normalize": (["normalize", "-q", "-o", out / "n.parquet", sample], out / "n.parquet"),
        "build": (["reference", "build", "-q", "-o", out / "ref", world / "db"], out / "ref"),
        "simulate": (["simulate", "-q", "-o", out / "sim", "--rows", "50000"], out / "sim"),
    }


WRITERS = ["parquet", "vcf.gz", "bcf", "tsv", "normalize", "build", "simulate"]


# ---- disks ----


@pytest.fixture
def small_disk(tmp_path):
    """mount(bytes) -> a tmpfs of that size."""
    mounted = []

    def mount(n_bytes):
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "varjoin-test", place],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"a small tmpfs cannot be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=False)


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("kb", [4, 32, 128])
def test_promise_3_a_disk_that_fills(varjoin_bin, world, small_disk, what, kb):
    place = small_disk(kb * 1024)
    words, target = commands(world, place)[what]
    if what not in ("build", "simulate"):
        target.write_bytes(OLD[:10])
    done = run(varjoin_bin, *words)
    if done.returncode == 0:  # it fits: a small output of a large disk
        assert target.exists()
        return
    line = said(done, 3)
    assert "space" in line or "disk" in line.lower(), line
    left = [p.name for p in place.iterdir()]
    if what == "simulate":
        assert not any(name.endswith(".tmp") for name in left)
    else:
        assert left == ([] if what == "build" else [target.name]), left
    if what not in ("build", "simulate"):
        assert target.read_bytes() == OLD[:10]


def test_the_engines_on_a_disk_that_fills(varjoin_bin, world, small_disk):
    place = small_disk(96 * 1024)
    words, target = commands(world, place)["parquet"]
    target.write_bytes(OLD)
    for engine in ("duckdb", "polars"):
        done = run(varjoin_bin, *words, "--engine", engine)
        if done.returncode == 2 or "libduckdb" in done.stderr or "No module" in done.stderr:
            continue  # not installed
        said(done, 3)
        assert [p.name for p in place.iterdir()] == [target.name]
        assert target.read_bytes() == OLD


def test_a_read_only_disk(varjoin_bin, world, small_disk):
    place = small_disk(1 << 20)
    (place / "o.parquet").write_bytes(OLD)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    for what in ("parquet", "vcf.gz", "normalize", "build"):
        words, _ = commands(world, place)[what]
        assert "ead-only" in said(run(varjoin_bin, *words), 3)
    assert [p.name for p in place.iterdir()] == ["o.parquet"]


def test_a_file_size_limit(varjoin_bin, world, tmp_path):
    for what in WRITERS:
        words, target = commands(world, tmp_path)[what]
        done = run(varjoin_bin, *words, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))
        said(done, 3)
        assert not target.is_file()
        assert not [p for p in tmp_path.rglob("*") if ".tmp" in p.name]


# ---- folders and paths ----


def test_the_output_folder_goes_during_the_run(varjoin_bin, tmp_path):
    for step in range(3):
        folder = tmp_path / f"out{step}"
        folder.mkdir()
        process = subprocess.Popen([varjoin_bin, "normalize", "-q", "-", "-o", folder / "o.parquet"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdin.write(HEADER + MANY)
        process.stdin.flush()
        if step > 0:
            deadline = time.monotonic() + 5
            while not os.listdir(folder) and time.monotonic() < deadline:
                time.sleep(0.01)
        if step == 2:  # and another takes its name
            folder.rename(tmp_path / "moved")
            folder.mkdir()
        else:
            shutil.rmtree(folder)
        _, text = process.communicate(timeout=30)
        if step == 0 and process.returncode == 0:
            continue  # it was not begun yet, or made again
        assert process.returncode == 3, text
        assert text.count("varjoin: error: ") == 1 and "o.parquet" in text
        assert not folder.exists() or os.listdir(folder) == []


ODD_NAMES = ["with\nnewline", "naïve-Ünïcode-遺伝子", "-leading", "a b'c\"d", "x" * 200, "%41", "tab\there", "*?[]"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names(varjoin_bin, world, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(world / "s.vcf.gz", folder / f"{name}.vcf.gz")
    shutil.copytree(world / "db", folder / "db")
    for out in (f"{name}.parquet", f"{name}.vcf.gz.out.vcf.gz"):
        run_in = ["annotate", "-q", "-a", "db=db", "-o", f"./{out}", f"./{name}.vcf.gz"]
        assert said(run(varjoin_bin, *run_in, cwd=folder), 0) == ""
    done = run(varjoin_bin, "verify", "-q", f"./{name}.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not [p for p in folder.iterdir() if ".tmp" in p.name]
    line = said(run(varjoin_bin, "verify", f"./no {name}", cwd=folder), 2)
    assert "\n" not in line


def test_paths_that_are_too_long(varjoin_bin, world, tmp_path):
    for path in ("x" * 300, "d/" * 2047 + "o.parquet", "y" * 5000, f"{tmp_path}/" + "d/" * 2500 + "o.parquet"):
        for words in (["normalize", "-q", "-o", path + ".parquet", world / "s.vcf.gz"],
                      ["annotate", "-q", "-a", f"db={world}/db", "-o", path + ".vcf.gz", world / "s.vcf.gz"],
                      ["reference", "build", "-q", "-o", path, world / "db"],
                      ["normalize", "-q", "-o", tmp_path / "o.parquet", path],
                      ["annotate", "-q", "-a", f"db={path}", "-o", tmp_path / "o.parquet", world / "s.vcf.gz"]):
            said(run(varjoin_bin, *words, cwd=tmp_path), (1, 2, 3))
            assert not [p for p in tmp_path.iterdir() if p.is_file()]
            subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_an_output_that_is_no_file(varjoin_bin, world, tmp_path):
    (tmp_path / "o.tsv").mkdir()
    words = ["annotate", "-q", "-a", f"db={world}/db", "-O", "t", "--no-version", world / "s.vcf.gz", "-o"]
    shutil.copy(world / "s.vcf.gz", tmp_path / "o.vcf.gz")  # into a folder it is called as the sample: o.tsv
    assert "folder" in said(run(varjoin_bin, *words[:-2], tmp_path / "o.vcf.gz", "-o", tmp_path), 3)
    assert os.listdir(tmp_path / "o.tsv") == []
    assert run(varjoin_bin, *words, "/dev/null").returncode == 0
    straight = run(varjoin_bin, *words, "-")
    assert straight.returncode == 0 and len(straight.stdout) > 1000
    assert run(varjoin_bin, *words, "/dev/stdout").stdout == straight.stdout
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    assert run(varjoin_bin, *words, tmp_path / "pipe").returncode == 0
    reader.join()
    assert got == [straight.stdout]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("how", ["same", "symlink", "hard link", "dotted", "through a folder link"])
def test_promise_7_an_output_that_is_an_input_is_refused(varjoin_bin, world, tmp_path, how):
    shutil.copy(world / "s.vcf.gz", tmp_path / "in.vcf.gz")
    shutil.copytree(world / "db", tmp_path / "db")
    database = next((tmp_path / "db").glob("*.parquet"))
    (tmp_path / "link").symlink_to(tmp_path)
    kept = {p: p.read_bytes() for p in (tmp_path / "in.vcf.gz", database)}
    for n, (path, whole) in enumerate(kept.items()):
        other = path.with_name(f"other{n}" + ("".join(path.suffixes[-2:]) if n == 0 else ".parquet"))
        if how == "symlink":
            other.symlink_to(path)
        elif how == "hard link":
            os.link(path, other)
        elif how == "dotted":
            other = path.parent / ".." / path.parent.name / path.name
        elif how == "through a folder link":
            other = tmp_path / "link" / path.relative_to(tmp_path)
        else:
            other = path
        done = run(varjoin_bin, "annotate", "-q", "-a", f"db={tmp_path}/db", "-O", "z" if n == 0 else "p", "-o", other,
                   tmp_path / "in.vcf.gz")
        said(done, 1)
        assert path.read_bytes() == whole
        if n == 0:
            said(run(varjoin_bin, "normalize", "-q", "-o", other, path), 1)
        for option in (["--bad-records", f"skip={other}"], ["--report", other], ["--multiqc", other]):
            said(run(varjoin_bin, "annotate", "-q", "-a", f"db={tmp_path}/db", "-o", tmp_path / "x.parquet", *option,
                     tmp_path / "in.vcf.gz"), 1)
        said(run(varjoin_bin, "verify", "-q", "--report", other, path), 1)
        said(run(varjoin_bin, "reference", "build", "-q", "--report", other, "-o", tmp_path / "new", path), 1)
        assert path.read_bytes() == whole
    said(run(varjoin_bin, "reference", "build", "-q", "--replace", "-o", tmp_path / "db", tmp_path / "db"), 1)
    said(run(varjoin_bin, "normalize", "-q", "-o", tmp_path / "x.parquet", "--report", tmp_path / "x.parquet",
             tmp_path / "in.vcf.gz"), 1)
    assert database.read_bytes() == kept[database] and not (tmp_path / "x.parquet").exists()
    assert not [p for p in tmp_path.rglob("*") if ".tmp" in p.name]


# ---- limits ----


@pytest.mark.parametrize("n_files", [4, 8, 16, 32, 64])
def test_few_descriptors(varjoin_bin, world, tmp_path, n_files):
    for what in WRITERS:
        words, target = commands(world, tmp_path / what)[what]
        (tmp_path / what).mkdir()
        done = run(varjoin_bin, *words, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files)))
        if done.returncode == 127 and "shared libraries" in done.stderr:
            continue  # the loader cannot open them
        said(done, (0, 2, 3))
        if n_files >= 32:
            assert done.returncode == 0, (what, done.stderr)
        assert target.exists() == (done.returncode == 0) or what in ("simulate", "build")
        assert not [p for p in (tmp_path / what).rglob("*") if ".tmp" in p.name]


@pytest.mark.parametrize("mb", [24, 40, 64, 100, 150, 250, 400, 800])
def test_promise_6_little_address_space(plain_bin, world, tmp_path, mb):
    for what in WRITERS:
        words, target = commands(world, tmp_path)[what]
        limit = mb * 1000 * 1000
        if what not in ("build", "simulate"):
            target.write_bytes(OLD)
        done = run(plain_bin, *words, preexec=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        if done.returncode == 127:
            continue  # the loader itself
        line = said(done, (0, 3))
        assert done.returncode == 0 or "memory" in line or "thread" in line, line
        assert done.returncode == 0 or mb < 800, line
        if what not in ("build", "simulate"):
            assert (target.read_bytes() == OLD) == (done.returncode != 0)
        assert not [p for p in tmp_path.rglob("*") if ".tmp" in p.name]
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def memory_group(mb):
    for parent in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        path = parent / f"varjoin-environment-{os.getpid()}"
        try:
            path.mkdir()
        except OSError:
            continue
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (path / name).exists():
                try:
                    (path / name).write_text(str(mb * 1000 * 1000))
                    return path
                except OSError:
                    pass
        path.rmdir()
    pytest.skip("no memory cgroup can be made here")


@pytest.mark.parametrize("mb", [96, 128, 256])
def test_promise_6_a_small_memory_cgroup(plain_bin, world, tmp_path, mb):
    """The default promise is cut to what the group grants: nobody is killed."""
    group = memory_group(mb)
    try:
        for what in WRITERS:
            words, target = commands(world, tmp_path)[what]
            done = run(plain_bin, *words,
                       preexec=lambda: (group / "cgroup.procs").write_text(str(os.getpid())))
            said(done, (0, 3))
            assert done.returncode == 0 or "memory" in done.stderr, (what, done.stderr)
            assert target.exists() == (done.returncode == 0)
    finally:
        for _ in range(50):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def test_no_more_threads(plain_bin, world, tmp_path):
    """RLIMIT_NPROC binds no root: another user, who may have no process more."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become a user without processes")
    shutil.copy(plain_bin, tmp_path / "varjoin")
    (tmp_path / "out").mkdir()
    for path in (tmp_path, *tmp_path.parents, world, *world.parents):
        if os.stat(path).st_uid == os.getuid() and path != Path("/"):
            os.chmod(path, os.stat(path).st_mode | 0o755)
    os.chmod(tmp_path / "out", 0o777)
    for n_tasks in (1, 2, 3, 5):

        def fewer(n_tasks=n_tasks):
            resource.setrlimit(resource.RLIMIT_NPROC, (n_tasks, n_tasks))
            os.setgid(64123)
            os.setuid(64123)

        for what in ("parquet", "vcf.gz", "normalize", "build", "simulate"):
            words, target = commands(world, tmp_path / "out")[what]
            done = run(tmp_path / "varjoin", *words, "-@", "4", preexec=fewer)
            line = said(done, (0, 3))
            assert done.returncode == 0 or "thread" in line, line
            assert not [p for p in (tmp_path / "out").rglob("*") if ".tmp" in p.name]
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)


# ---- streams ----


def test_standard_output_that_takes_nothing(varjoin_bin, world, tmp_path):
    words = ["annotate", "-q", "-a", f"db={world}/db", "-O", "t", "-o", "-", world / "s.vcf.gz"]
    with open("/dev/full", "w", encoding="ascii") as full:
        said(run(varjoin_bin, *words, stdout=full), 3)
        for verb in (["inspect", world / "s.vcf.gz"], ["verify", next((world / "db").iterdir())], ["--help"],
                     ["doctor"], ["plan", "-a", f"db={world}/db", world / "s.vcf.gz"]):
            said(run(varjoin_bin, *verb, stdout=full), 3)
    said(run(varjoin_bin, *words, preexec=lambda: os.close(1)), 3)
    read, write = os.pipe()
    os.close(read)
    said(run(varjoin_bin, *words, stdout=write), 3)
    os.close(write)


def test_streams_that_are_closed(varjoin_bin, world, tmp_path):
    """No file of ours takes a closed stream's number and gets its words."""
    words, target = commands(world, tmp_path)["parquet"]
    whole = None
    for closed in ((), (0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
        done = run(varjoin_bin, *words, "--no-version", preexec=lambda: [os.close(n) for n in closed])
        assert done.returncode == 0, (closed, done.returncode, done.stderr)
        whole = whole or target.read_bytes()
        assert target.read_bytes() == whole, closed
        done = run(varjoin_bin, "annotate", "-a", f"db={world}/db", "--no-version", "-o", target, world / "s.vcf.gz",
                   preexec=lambda: [os.close(n) for n in closed])
        assert done.returncode == 0 and target.read_bytes() == whole, closed
    said(run(varjoin_bin, "normalize", "-q", "-", "-o", tmp_path / "n.parquet", preexec=lambda: os.close(0)), (2, 3))


# ---- inputs that change ----


def cut(path):
    os.truncate(path, os.path.getsize(path) // 3)


def overwrite(path):
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        file.seek(size // 8)
        file.write(os.urandom(size - size // 4))


def replace(path):
    other = path.with_name("other")
    other.write_bytes(os.urandom(5000))
    os.replace(other, path)


def remove(path):
    os.unlink(path)


@pytest.mark.parametrize("change", [cut, overwrite, replace, remove])
@pytest.mark.parametrize("built", [False, True])
def test_a_database_that_changes_while_it_is_read(varjoin_bin, world, tmp_path, change, built):
    """Replaced or removed: the run reads on in the file that it has open. Cut or written over: one line, or a
    result that was done before. Never a signal (docs/decisions/021)."""
    codes = set()
    for k in range(12):
        database = tmp_path / f"db{k}"
        shutil.copytree(world / ("built" if built else "db"), database)
        process = subprocess.Popen(
            [str(w) for w in [varjoin_bin, "annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "o.parquet", "-"]],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        rows = "".join(f"22\t{20000000 + i * 97}\t.\tA\tC\t.\t.\tDP=1\n" for i in range(30000)).encode()
        process.stdin.write(HEADER.encode() + rows[: len(rows) // 2])
        process.stdin.flush()
        time.sleep(0.05 * (k % 6))
        change(next(database.glob("*.parquet")))
        try:
            process.stdin.write(rows[len(rows) // 2 :])
            process.stdin.close()
        except BrokenPipeError:
            pass
        text = process.stderr.read().decode()
        code = process.wait(timeout=60)
        codes.add(code)
        assert code in ((0,) if change in (replace, remove) and k % 6 > 3 else (0, 2, 3)), (code, text)
        assert code == 0 or text.count("varjoin: error: ") == 1, text
        assert "Sanitizer" not in text
        assert not [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")]
        assert (tmp_path / "o.parquet").exists() == (code == 0)
        (tmp_path / "o.parquet").unlink(missing_ok=True)
        shutil.rmtree(database)


def test_a_fault_in_a_mapped_file_is_one_line(plain_bin, world, tmp_path):
    """Cut short between being brought in and being used: SIGBUS, answered with the file's name (021)."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace, which holds the run at that moment")
    n_cut_in_time = 0
    for when in range(1, 8):
        shutil.copytree(world / "db", tmp_path / "db")
        database = next((tmp_path / "db").glob("*.parquet"))
        (tmp_path / "o.parquet").write_bytes(OLD)
        process = subprocess.Popen(
            [str(w) for w in ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=madvise", "-e",
                              f"inject=madvise:delay_exit=1500000:when={when}", plain_bin, "annotate", "-q", "-@", "1",
                              "-a", f"db={tmp_path}/db", "-o", tmp_path / "o.parquet", world / "s.vcf.gz"]],
            stderr=subprocess.PIPE, text=True)
        time.sleep(0.8)
        os.truncate(database, 4096)
        _, text = process.communicate(timeout=60)
        if "ptrace" in text or "PTRACE" in text:
            pytest.skip(f"strace may not trace here: {text.strip()}")
        assert process.returncode in (0, 2, 3), text
        if "became shorter while it was read, or its disk failed" in text:
            n_cut_in_time += 1
            assert process.returncode == 3 and text.count("\n") == 1 and str(database) in text
        assert ((tmp_path / "o.parquet").read_bytes() == OLD) == (process.returncode != 0)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["db", "o.parquet"]
        shutil.rmtree(tmp_path / "db")
    assert n_cut_in_time > 0


@pytest.mark.parametrize("change", [cut, overwrite, replace, remove])
def test_an_input_that_changes_while_it_is_read(varjoin_bin, world, tmp_path, change):
    for k in range(8):
        path = tmp_path / "in.vcf.gz"
        shutil.copy(world / "s.vcf.gz", path)
        process = subprocess.Popen(
            [str(w) for w in [varjoin_bin, "annotate", "-q", "-a", f"db={world}/db", "-o", tmp_path / "o.vcf.gz", path]],
            stderr=subprocess.PIPE, text=True)
        time.sleep(0.015 * k)
        change(path)
        _, text = process.communicate(timeout=60)
        assert process.returncode in (0, 2, 3), text
        assert process.returncode == 0 or text.count("varjoin: error: ") == 1, text
        assert "Sanitizer" not in text
        assert (tmp_path / "o.vcf.gz").exists() == (process.returncode == 0)
        for name in ("o.vcf.gz", "o.vcf.gz.tbi", "in.vcf.gz"):
            (tmp_path / name).unlink(missing_ok=True)


# ---- what else is missing ----


def test_without_a_folder_for_temporary_files(varjoin_bin, world, tmp_path):
    for value in ("/no/such/folder", "", "/dev/null"):
        for what in ("parquet", "vcf.gz", "build"):
            words, target = commands(world, tmp_path)[what]
            done = run(varjoin_bin, *words, env={"TMPDIR": value, "HOME": "/no/such/home"})
            assert done.returncode == 0, done.stderr
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            (tmp_path / "o.vcf.gz.tbi").unlink(missing_ok=True)
    done = run(varjoin_bin, *commands(world, tmp_path)["parquet"][0], "--engine", "duckdb", "--temp-dir", "/no/such")
    if "libduckdb" not in done.stderr:
        said(done, (1, 3))
    assert [p for p in tmp_path.iterdir()] == []


def test_in_an_empty_environment_and_folder(varjoin_bin, world, tmp_path):
    words, target = commands(world, tmp_path)["parquet"]
    done = subprocess.run([str(w) for w in [varjoin_bin, *words]], env={}, capture_output=True, timeout=60)
    assert done.returncode == 0 and target.exists()
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(varjoin_bin, *words, cwd=gone, preexec=lambda: os.rmdir(gone))
    assert done.returncode == 0


def test_a_clock_that_goes_backwards(varjoin_bin, world, tmp_path):
    """Files from the future, as after the clock was set back: no negative times, no file taken for an old one."""
    shutil.copytree(world / "db", tmp_path / "db")
    shutil.copy(world / "s.vcf.gz", tmp_path / "s.vcf.gz")
    future = time.time() + 400 * 86400
    for path in (tmp_path / "s.vcf.gz", *(tmp_path / "db").iterdir()):
        os.utime(path, (future, future))
    done = run(varjoin_bin, "annotate", "-a", f"db={tmp_path}/db", "-W", "-o", tmp_path / "o.vcf.gz", "--report",
               tmp_path / "r.json", tmp_path / "s.vcf.gz")
    assert done.returncode == 0, done.stderr
    assert ": -" not in (tmp_path / "r.json").read_text()


def test_in_containers_with_the_same_process_numbers(varjoin_bin, world, tmp_path):
    """Killed with the number 2 in one container; in the next one 2 is the run that finds what it left."""
    inside = ["unshare", "-p", "-f", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("no PID namespace can be made here")
    words, target = commands(world, tmp_path)["parquet"]
    for _ in range(2):
        process = subprocess.Popen([*inside, str(varjoin_bin), "normalize", "-q", "-", "-o", str(target)],
                                   stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write((HEADER + MANY).encode())
        deadline = time.monotonic() + 10
        while not [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")] and time.monotonic() < deadline:
            time.sleep(0.02)
        live = [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")]
        assert len(live) == 1
        # another container's run for the same name, with the same number, lets the living one be
        done = run(*inside, varjoin_bin, *words)
        assert done.returncode == 0, done.stderr
        assert [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == live
        subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=False)  # its child: the run itself
        process.wait()
        assert [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == live
    done = run(*inside, varjoin_bin, *words)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
