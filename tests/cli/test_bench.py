"""varjoin bench: every job is measured, and nothing is left behind."""

import json
import os
import signal
import subprocess
import time

SMALL = ["--rows", "20000", "--sample-variants", "200", "--repeats", "1"]


def test_table_and_json(varjoin, tmp_path):
    lines = varjoin("bench", *SMALL, "--dir", tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["job", "simulate", "normalize", "annotate", "verify"]
    found = json.loads(varjoin("bench", *SMALL, "--dir", tmp_path, "--json").stdout)
    rows = {job["job"]: job["rows"] for job in found["jobs"]}
    assert rows["simulate"] == rows["annotate"] == rows["verify"] == 20000
    assert 150 < rows["normalize"] < 250
    assert all(job["wall_seconds"] > 0 for job in found["jobs"])
    assert os.listdir(tmp_path) == []


def test_wrong_usage(varjoin):
    done = varjoin("bench", "--rows", 5, exit_code=1)
    assert done.stderr == "varjoin: error: --rows: 5 is not in 1000..20000000\n"


def test_interrupt_leaves_nothing(varjoin_bin, tmp_path):
    process = subprocess.Popen([varjoin_bin, "bench", "--rows", "3000000", "--dir", tmp_path],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not os.listdir(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert os.listdir(tmp_path) == []
