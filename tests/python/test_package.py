"""The Python package: starting the program, progress, cancelling, errors, the run record."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import varjoin as vj  # noqa: E402
from varjoin import _run  # noqa: E402

VCF = """##fileformat=VCFv4.2
##contig=<ID=22>
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS
22\t100\trs1\tA\tC,T\t50\tPASS\tDP=7\tGT\t0/1
22\t200\t.\tG\tGA\t.\t.\t.\tGT\t1|1
"""


@pytest.fixture(autouse=True)
def binary(varjoin_bin, monkeypatch):
    monkeypatch.setenv("VARJOIN_BIN", str(varjoin_bin))


@pytest.fixture
def vcf(tmp_path):
    path = tmp_path / "person.vcf"
    path.write_text(VCF)
    return path


@pytest.fixture(scope="session")
def database(tmp_path_factory, varjoin_bin):
    folder = tmp_path_factory.mktemp("db")
    subprocess.run(
        [varjoin_bin, "simulate", "-o", folder / "ens", "--rows", "20000",
         "--sample", folder / "person.vcf.gz"],
        check=True, capture_output=True, timeout=120,
    )
    return folder


@pytest.fixture
def endless_vcf(tmp_path_factory):
    """A pipe that gives records for as long as somebody reads: a run on it ends by a signal."""
    path = tmp_path_factory.mktemp("endless") / "endless.vcf"
    os.mkfifo(path)
    stop = threading.Event()

    def feed():
        pos = 1000
        try:
            with path.open("w") as out:
                out.write(VCF)
                while not stop.is_set():
                    lines = (f"22\t{pos + i}\t.\tA\tC\t50\tPASS\tDP=7\tGT\t0/1\n" for i in range(9000))
                    out.write("".join(lines))
                    out.flush()
                    pos = min(pos + 9000, 2_000_000_000)
                    time.sleep(0.05)
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    yield path
    stop.set()
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb"):  # a feeder that nobody read
        feeder.join(5)


# ---- running ----


def test_normalize_returns_the_record(vcf, tmp_path):
    out = tmp_path / "out.parquet"
    record = vj.normalize(vcf, out, user_name="anna", compression="zstd:5")
    assert record.ok and record.raw["verb"] == "normalize"
    assert record.metadata.num_rows == 3
    assert record.metadata.user_name == "anna"
    assert record.metadata.output_file == str(out) == record.output_path
    assert record.metadata.file_size_mb == pytest.approx(out.stat().st_size / 1e6, abs=1e-3)
    assert [c.name for c in record.columns][:3] == ["chrom", "start", "end"]
    assert record.metadata.peak_memory_mb > 0 and record.metadata.duration_sec > 0


def test_annotate_of_a_list_fills_a_folder(database, vcf, tmp_path):
    both = [database / "person.vcf.gz", vcf.rename(tmp_path / "other.vcf")]
    record = vj.annotate(both, {"ens": database / "ens"}, tmp_path / "all", log=lambda line: None)
    assert [s.input for s in record.samples] == [str(path) for path in both]
    assert [s.output for s in record.samples] == [
        str(tmp_path / "all" / f"{name}.parquet") for name in ("person", "other")]
    assert all(os.path.exists(s.output) for s in record.samples)
    assert sum(s.rows_out for s in record.samples) == record.metadata.num_rows
    ens = record.database("ens")
    assert ens.matched_alleles == sum(s.databases[0].matched_alleles for s in record.samples) > 0
    alone = vj.annotate(both[:1], {"ens": database / "ens"}, tmp_path / "one", log=lambda line: None)
    assert os.listdir(tmp_path / "one") == ["person.parquet"]
    assert alone.content_hash == record.samples[0].content_hash and alone.samples == []


def test_annotate_counts_matches_and_keeps_the_report(database, tmp_path):
    lines = []
    record = vj.annotate(
        database / "person.vcf.gz", {"ens": database / "ens"}, tmp_path / "o.parquet",
        engine="native", report=tmp_path / "run.json", threads=1, memory="128MB", log=lines.append,
    )
    ens = record.database("ens")
    assert ens.matched_alleles > 0 and record.engine == "native"
    assert ens.matched_alleles + sum(ens.unmatched.values()) == record.rows["rows_joined"]
    assert vj.RunRecord.load(tmp_path / "run.json") == record
    assert {c.name for c in record.checks} >= {"rows_in_equals_rows_out", "matches_above_zero"}
    assert "RunRecord(annotate, ok, engine=native" in repr(record)
    with pytest.raises(KeyError, match="ens"):
        record.database("clinvar")


def test_simulate_and_reference_build(tmp_path, has_verb):
    vj.simulate(tmp_path / "db", rows=3000, contigs=["22"], seed=3, sample=tmp_path / "p.vcf.gz")
    assert list((tmp_path / "db").glob("*.parquet"))
    if not has_verb("reference build"):
        pytest.skip("this program has no verb reference build")
    vj.reference_build(tmp_path / "p.vcf.gz", tmp_path / "built")
    record = vj.annotate(tmp_path / "p.vcf.gz", {"b": tmp_path / "built"}, tmp_path / "o.parquet")
    assert record.database("b").matched_alleles == record.metadata.num_rows


def test_a_path_that_looks_like_an_option(vcf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(vcf, tmp_path / "-o.vcf")
    assert vj.normalize("-o.vcf", "-out.parquet").metadata.num_rows == 3
    assert (tmp_path / "-out.parquet").exists()


# ---- errors ----


def test_bad_input_is_the_programs_own_line(tmp_path):
    bad = tmp_path / "bad.vcf"
    bad.write_text(VCF + "22\tnine\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")
    out = tmp_path / "o.parquet"
    out.write_bytes(b"old")
    with pytest.raises(vj.InputError) as caught:
        vj.normalize(bad, out)
    assert caught.value.exit_code == 2 and "bad.vcf" in str(caught.value)
    assert "varjoin: error" not in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.record is not None and not caught.value.record.ok
    assert out.read_bytes() == b"old"


def test_usage_error(vcf, tmp_path):
    with pytest.raises(vj.UsageError, match="frobnicate"):
        vj.normalize(vcf, tmp_path / "o.parquet", extra_args=["--frobnicate"])


def test_output_error(vcf, tmp_path):
    with pytest.raises(vj.OutputError) as caught:
        vj.normalize(vcf, tmp_path / "no" / "folder" / "o.parquet")
    assert not caught.value.out_of_memory


def test_too_little_memory_is_told_apart(database, tmp_path):
    with pytest.raises(vj.OutputError) as caught:
        vj.annotate(database / "person.vcf.gz", {"e": database / "ens"}, tmp_path / "o.parquet",
                    memory="1MB")
    assert caught.value.out_of_memory


@pytest.mark.parametrize(
    "code, cls",
    [(1, vj.UsageError), (2, vj.InputError), (3, vj.OutputError), (4, vj.PolicyError),
     (130, vj.Cancelled), (70, vj.BugError), (-9, vj.KilledError), (99, vj.VarjoinError)],
)
def test_exit_codes_have_classes(code, cls):
    error = vj.errors.error_for(code, "text")
    assert type(error) is cls and str(error) == "text"


def test_a_missing_program_names_the_places(monkeypatch):
    monkeypatch.setenv("VARJOIN_BIN", "/nowhere/varjoin")
    with pytest.raises(vj.BinaryNotFound, match="/nowhere/varjoin"):
        vj.find_binary()


# ---- progress and cancelling ----


@pytest.mark.parametrize(
    "line, expected",
    [
        ("512 rows, 40 rows/s", vj.Progress(512, 40.0)),
        ("12.3k rows, 1.5M rows/s, 42%, ETA 1:05", vj.Progress(12300, 1.5e6, 0.42, 65)),
        ("200M rows, 950k rows/s, 99%, ETA 1:00:01", vj.Progress(200_000_000, 950e3, 0.99, 3601)),
        ("varjoin: warning: 3 rows, that is all", None),
    ],
)
def test_progress_lines_are_understood(line, expected):
    assert _run.parse_progress(line) == expected


def test_progress_comes_while_the_program_runs(endless_vcf, tmp_path):
    seen, cancel = [], threading.Event()

    def note(progress):
        seen.append(progress)
        if len(seen) == 3:
            cancel.set()

    with pytest.raises(vj.Cancelled):
        vj.normalize(endless_vcf, tmp_path / "o.parquet", threads=1, progress=note, cancel=cancel)
    rows = [p.rows for p in seen]
    assert rows == sorted(rows) and rows[-1] > 0


def test_an_exception_in_a_callback_stops_the_run(endless_vcf, tmp_path):
    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vj.normalize(endless_vcf, tmp_path / "o.parquet", threads=1, progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_cancel_from_another_thread(endless_vcf, tmp_path):
    cancel = threading.Event()
    with pytest.raises(vj.Cancelled) as caught:
        vj.normalize(endless_vcf, tmp_path / "o.parquet", threads=1, cancel=cancel,
                     progress=lambda _: cancel.set())
    assert caught.value.exit_code == 130
    assert list(tmp_path.iterdir()) == []


CHILD = """
import sys; sys.path.insert(0, {python!r})
import varjoin
try:
    varjoin.normalize({source!r}, {out!r}, threads=1, progress=lambda p: print("running", flush=True))
except KeyboardInterrupt as error:
    print(type(error).__name__, error)
"""


def start_child(source, out):
    code = CHILD.format(python=str(ROOT / "python"), source=str(source), out=str(out))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "running\n"
    return child


def test_ctrl_c_stops_the_program_and_is_a_keyboard_interrupt(endless_vcf, tmp_path):
    child = start_child(endless_vcf, tmp_path / "o.parquet")
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=20)
    assert rest.splitlines()[-1].startswith("Cancelled ")
    assert list(tmp_path.iterdir()) == []


def children_of(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_program_dies_with_a_killed_parent(endless_vcf, tmp_path):
    child = start_child(endless_vcf, tmp_path / "o.parquet")
    (program,) = children_of(child.pid)
    os.kill(program, signal.SIGSTOP)  # it cannot finish before its parent is gone
    child.kill()
    child.wait()
    os.kill(program, signal.SIGCONT)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{program}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{program}/exe").exists()
    assert list(tmp_path.iterdir()) == []


def test_the_program_refuses_a_parent_that_is_gone(varjoin, vcf, tmp_path):
    done = varjoin("normalize", vcf, "-o", tmp_path / "o.parquet", "--die-with-parent=1",
                   exit_code=130)
    assert "gone" in done.stderr and not (tmp_path / "o.parquet").exists()


# ---- the record ----


def test_a_record_of_another_schema_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"schema": "varjoin.run/2"}')
    with pytest.raises(ValueError, match="varjoin.run/2"):
        vj.RunRecord.load(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="list"):
        vj.RunRecord.load(path)


def test_unknown_keys_of_a_later_version_are_ignored():
    record = vj.RunRecord.from_dict(
        {"schema": "varjoin.run/1", "status": "ok", "metadata": {"num_rows": 3, "new": 1},
         "databases": [{"name": "e", "later": {}}]}
    )
    assert record.metadata.num_rows == 3 and record.databases[0].name == "e"


# ---- other interpreters ----

SMOKE = """
import sys; sys.path.insert(0, sys.argv[1])
import varjoin
for name in ("dagster", "polars", "pyarrow"):
    assert name not in sys.modules, name
record = varjoin.normalize(sys.argv[2], sys.argv[3], progress=print)
assert record.metadata.num_rows == 3
try:
    varjoin.normalize("/nowhere.vcf", sys.argv[3])
except varjoin.InputError as error:
    assert "/nowhere.vcf" in str(error)
print("fine", sys.version_info[:2])
"""


def interpreters():
    found = {}
    places = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    names = [shutil.which(f"python3.{minor}") for minor in range(10, 15)]
    for path in [*map(str, places), *filter(None, names)]:
        done = subprocess.run(
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True, text=True,
        )
        version = done.stdout.strip()
        if done.returncode == 0 and tuple(map(int, version.split("."))) >= (3, 10):
            found.setdefault(version, path)
    return found


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_every_supported_python(version, vcf, tmp_path):
    path = interpreters().get(version)
    if path is None:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run(
        [path, "-W", "error", "-c", SMOKE, str(ROOT / "python"), str(vcf), str(tmp_path / "o.parquet")],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "fine" in done.stdout
