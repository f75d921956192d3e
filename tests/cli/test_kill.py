"""kill -9, SIGTERM and SIGINT at random moments over an existing output (promises 1 and 2).

After each: the old output byte for byte or the new one whole, and besides at most one temporary, which the next run
removes. VJ_KILLS (20) says how many moments each verb and engine gets; `make test-long` has 200.
"""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

KILLS = int(os.environ.get("VJ_KILLS", "20"))
SEED = int(os.environ.get("VJ_TEST_SEED", "1"))
OLD = b"an older result\n"


@pytest.fixture(scope="module")
def world(varjoin_bin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    subprocess.run([varjoin_bin, "simulate", "-q", "-o", folder / "db", "--rows", "60000", "--sample",
                    folder / "s.vcf.gz", "--sample-variants", "8000"], check=True)
    shutil.copy(folder / "s.vcf.gz", folder / "t.vcf.gz")
    return folder


def words_for(what, world, out):
    db, sample = f"db={world}/db", world / "s.vcf.gz"
    return {
        "annotate": ["annotate", "-q", "-a", db, "--no-version", "-o", out / "o.parquet", sample],
        "vcf.gz": ["annotate", "-q", "-a", db, "--no-version", "-W", "-o", out / "o.vcf.gz", sample],
        "sweep": ["annotate", "-q", "-a", db, "--no-version", "-o", out, sample, world / "t.vcf.gz"],
        "normalize": ["normalize", "-q", "--no-version", "-o", out / "o.parquet", sample],
        "build": ["reference", "build", "-q", "--replace", "-o", out / "ref", world / "db"],
        "duckdb": ["annotate", "-q", "-a", db, "--no-version", "--engine", "duckdb", "-o", out / "o.parquet", sample],
        "polars": ["annotate", "-q", "-a", db, "--no-version", "--engine", "polars", "-o", out / "o.parquet", sample],
    }[what]


def put_old(what, out):
    names = {"vcf.gz": ["o.vcf.gz", "o.vcf.gz.tbi"], "sweep": ["s.parquet", "t.parquet"], "build": ["ref/old"]}
    for name in names.get(what, ["o.parquet"]):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(OLD)


def contents(out):
    """name -> bytes, of what has its name; a folder is one thing."""
    found = {}
    for path in sorted(out.iterdir()):
        if not path.name.startswith("."):
            found[path.name] = ({p.name: p.read_bytes() for p in path.iterdir()} if path.is_dir() else path.read_bytes())
    return found


def temporaries(out):
    return [p for p in out.iterdir() if p.name.startswith(".")]


# An index beside its data; the keyed input of an engine; the finished parts that the next build goes on from.
LEFT_AT_MOST = {"vcf.gz": 2, "duckdb": 2, "polars": 2, "build": 2}


def start(varjoin_bin, words):
    return subprocess.Popen([str(w) for w in [varjoin_bin, *words]], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def check_between(what, now, old, new):
    """Each output is the old one or the new one, whole; an index is never another file's."""
    if what == "vcf.gz":  # between the two renames there is no index
        assert now["o.vcf.gz"] in (old["o.vcf.gz"], new["o.vcf.gz"])
        side = old if now["o.vcf.gz"] == old["o.vcf.gz"] else new
        assert now.get("o.vcf.gz.tbi") in (None, side["o.vcf.gz.tbi"])
        return
    assert now.keys() == new.keys() or now.keys() == old.keys()
    for name, bytes_now in now.items():
        assert bytes_now in (old.get(name), new.get(name)), name


@pytest.mark.parametrize("what", ["annotate", "vcf.gz", "sweep", "normalize", "build", "duckdb", "polars"])
def test_promise_2_killed_at_random_moments(varjoin_bin, world, tmp_path, what):
    rng = random.Random(SEED)
    first = tmp_path / "first"
    first.mkdir()
    put_old(what, first)
    begun = time.monotonic()
    process = start(varjoin_bin, words_for(what, world, first))
    text = process.communicate(timeout=120)[1]
    lasts = time.monotonic() - begun
    if process.returncode != 0 and what in ("duckdb", "polars"):
        pytest.skip(f"{what} is not installed: {text.strip()[:100]}")
    assert process.returncode == 0, text
    new = contents(first)
    tally = {"old": 0, "new": 0, "temporaries": 0}
    n_kills = KILLS if what != "polars" else max(KILLS // 4, 5)  # each takes seconds
    for k in range(n_kills):
        out = tmp_path / "out"
        out.mkdir()
        put_old(what, out)
        old = contents(out)
        sent = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT][k % 4]
        process = start(varjoin_bin, words_for(what, world, out))
        time.sleep(rng.random() * lasts * 1.05)
        process.send_signal(sent)
        text = process.communicate(timeout=60)[1]
        if sent != signal.SIGKILL:
            # before the signals are waited for, the default action is the right one: nothing has been made yet
            assert process.returncode in (0, 130, -sent), (process.returncode, text)
            assert process.returncode == -sent or temporaries(out) == [], "a signal leaves nothing"
        now = contents(out)
        check_between(what, now, old, new)
        assert len(temporaries(out)) <= LEFT_AT_MOST.get(what, 1)
        tally["new" if now == new else "old"] += 1
        tally["temporaries"] += bool(temporaries(out))
        if k % 4 < 2 and (temporaries(out) or k % 10 == 0):
            process = start(varjoin_bin, words_for(what, world, out))
            assert process.wait(timeout=120) == 0, process.stderr.read()
            assert temporaries(out) == [], "the next run removes what a killed one left"
            assert contents(out) == new
        shutil.rmtree(out)
    print(f"{what}: {n_kills} runs ended: {tally}")


def test_promise_2_a_living_runs_temporary_stays(varjoin_bin, world, tmp_path):
    """A second run for the same name finishes while the first one waits: both get through."""
    process = subprocess.Popen([str(varjoin_bin), "normalize", "-q", "-", "-o", str(tmp_path / "o.parquet")],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    header = "##fileformat=VCFv4.2\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    process.stdin.write((header + "".join(f"22\t{1000 + i}\t.\tA\tC\t.\t.\t.\n" for i in range(100000))).encode())
    process.stdin.flush()
    deadline = time.monotonic() + 20
    while not temporaries(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    live = temporaries(tmp_path)
    assert len(live) == 1
    done = subprocess.run([varjoin_bin, "normalize", "-q", world / "s.vcf.gz", "-o", tmp_path / "o.parquet"])
    assert done.returncode == 0 and temporaries(tmp_path) == live
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert sorted(os.listdir(tmp_path)) == ["o.parquet"]
    rows = subprocess.run([varjoin_bin, "verify", tmp_path / "o.parquet"], capture_output=True, text=True, check=True)
    assert "100000" in rows.stdout.replace(",", "") + rows.stderr.replace(",", "")
