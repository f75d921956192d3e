"""`reference build` side by side and taken up after a kill: always the bytes of an undisturbed build."""

import hashlib
import json
import signal
import subprocess
import time

import pytest

CONTIGS = "17,18,19,20,21,22"


def files_of(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def sources(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    varjoin("simulate", "--rows", 240_000, "--contigs", CONTIGS, "--seed", 5, "-o", folder / "sorted")
    varjoin("simulate", "--rows", 60_000, "--contigs", "21,22", "--seed", 6, "--unsorted", "-o", folder / "unsorted")
    return folder


def words(binary, source, out, *more):
    return [str(w) for w in (binary, "reference", "build", source, "-o", out, "--no-version", "--progress", "never",
                             "--tier", "MAF:0.001", *more)]


def build(*args):
    ran = subprocess.run(words(*args), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.mark.parametrize("name", ["sorted", "unsorted"])
def test_threads_memory_and_merging_in_steps_change_no_byte(varjoin_bin, sources, tmp_path, name):
    build(varjoin_bin, sources / name, tmp_path / "one", "-@", 1)
    build(varjoin_bin, sources / name, tmp_path / "three", "-@", 3)
    # runs of 500 rows: more than are merged at once
    build(varjoin_bin, sources / name, tmp_path / "steps", "-@", 2, "--memory", "128MB", "--rows-per-run", 500)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "three") == files_of(tmp_path / "steps")


def kill_after(command, parts, n_done):
    """Start the build and kill it once it has finished so many contigs. False: it was too quick."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        try:
            if n_done == 0 or len(json.loads((parts / "state.json").read_text())["parts"]) >= n_done:
                break
        except (OSError, ValueError):
            pass
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def test_a_killed_build_goes_on(varjoin_bin, sources, tmp_path):
    build(varjoin_bin, sources / "sorted", tmp_path / "whole")
    expected = files_of(tmp_path / "whole")
    out, parts = tmp_path / "out", tmp_path / ".out.vj-parts"
    went_on = 0
    for n_done in (0, 1, 3, 5):
        killed = kill_after(words(varjoin_bin, sources / "sorted", out, "-@", 1), parts, n_done)
        left = len(json.loads((parts / "state.json").read_text())["parts"]) if (parts / "state.json").exists() else 0
        ran = build(varjoin_bin, sources / "sorted", out, "-@", 2, *["--replace"] * out.exists())
        went_on += killed and left > 0
        assert (f"{left} of 6 contigs are there" in ran.stderr) == (left > 0), ran.stderr
        assert files_of(out) == expected
        assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "whole"]
        for file in out.iterdir():
            file.unlink()
    assert went_on, "every build was over before it could be killed"


@pytest.mark.parametrize("change", ["parameters", "restart", "source", "damage"])
def test_another_build_begins_anew(varjoin_bin, varjoin, sources, tmp_path, change):
    source = tmp_path / "source"
    varjoin("simulate", "--rows", 120_000, "--contigs", CONTIGS, "--seed", 5, "-o", source)
    out, parts = tmp_path / "out", tmp_path / ".out.vj-parts"
    if not kill_after(words(varjoin_bin, source, out, "-@", 1), parts, 2):
        pytest.skip("the build was over before it could be killed")
    more = []
    if change == "parameters":
        more = ["--layout", "plain"]
    elif change == "restart":
        more = ["--restart"]
    elif change == "source":
        varjoin("simulate", "--rows", 120_000, "--contigs", CONTIGS, "--seed", 8, "-o", source)
    else:
        for file in parts.glob("*.parquet"):
            file.write_bytes(file.read_bytes()[:-1])
    ran = build(varjoin_bin, source, out, *more)
    assert "going on" not in ran.stderr
    build(varjoin_bin, source, tmp_path / "whole", *more)
    assert files_of(out) == files_of(tmp_path / "whole")
    assert not parts.exists()


def test_an_error_leaves_nothing(varjoin_bin, varjoin, tmp_path):
    source = tmp_path / "source"
    varjoin("simulate", "--rows", 60_000, "--contigs", "20,21,22", "--seed", 5, "-o", source)
    last = sorted(source.iterdir())[-1]
    data = bytearray(last.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 4000] = bytes(4000)
    last.write_bytes(data)
    ran = subprocess.run(words(varjoin_bin, source, tmp_path / "out", "-@", 2), capture_output=True, text=True)
    assert ran.returncode == 2, ran.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["source"]
