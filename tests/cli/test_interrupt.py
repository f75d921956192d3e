"""S-59: an interrupt ends a run within a second with 130, and nothing is left behind."""

import os
import signal
import subprocess
import time

import pytest

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=1,length=1000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", ["normalize", "annotate"])
def test_while_waiting_for_a_silent_pipe(varjoin, varjoin_bin, tmp_path, verb, sent):
    """Nothing wakes a read from a pipe that says nothing: the watcher has to leave for it."""
    folder = tmp_path / "out"
    folder.mkdir()
    command = [varjoin_bin, verb, "-", "-o", folder / "o.parquet"]
    if verb == "annotate":
        varjoin("simulate", "-o", tmp_path / "db", "--rows", 100)
        command += ["-a", f"e={tmp_path}/db"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write(HEADER + "1\t10\t.\tA\tC\t.\t.\t.\n")
    process.stdin.flush()
    wait_for(lambda: os.listdir(folder), 1)
    begun = time.monotonic()
    process.send_signal(sent)
    process.wait(timeout=20)
    assert time.monotonic() - begun < 3, "a second, and what a busy machine adds"
    assert process.returncode == 130
    assert os.listdir(folder) == []
    assert "interrupt" in process.stderr.read()


def test_an_old_output_survives(varjoin_bin, tmp_path):
    (tmp_path / "o.parquet").write_text("old")
    process = subprocess.Popen([varjoin_bin, "normalize", "-", "-o", tmp_path / "o.parquet"],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process.stdin.write(HEADER)
    process.stdin.flush()
    wait_for(lambda: len(os.listdir(tmp_path)) > 1, 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert os.listdir(tmp_path) == ["o.parquet"]
    assert (tmp_path / "o.parquet").read_text() == "old"


def test_a_second_interrupt_ends_at_once(varjoin_bin, tmp_path):
    process = subprocess.Popen([varjoin_bin, "normalize", "-", "-o", tmp_path / "o.parquet"],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    begun = time.monotonic()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - begun < 0.7
    assert os.listdir(tmp_path) == []
