#!/usr/bin/env python3
"""Count the instructions of the read side's kernels and hold them against bench/kernels.json.

usage: kernels.py PROGRAM [--write]     PROGRAM: bench/kernel_bench.c, built (make bench-kernels)

Counts do not depend on how busy the machine is. Exit 1 when a kernel takes over 3 % more than was
recorded with the same compiler; with another compiler the differences are only shown.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("kernels.json")
LEVELS = ("avx2", "scalar")
LIMIT = 1.03


def count(program, kernel, level):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               "--toggle-collect=measured", program, kernel]
    done = subprocess.run(command, env={**os.environ, "VJ_CPU": level}, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{kernel}: {done.stderr}")
    return int(found.group(1))


def main():
    program = os.path.abspath(sys.argv[1])
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    counts = {f"{name}.{level}": count(program, name, level) for name in names for level in LEVELS}
    if "--write" in sys.argv:
        RECORD.write_text(json.dumps({"compiler": compiler, "instructions": counts}, indent=1) + "\n")
        return 0
    record = json.loads(RECORD.read_text())
    same = record["compiler"] == compiler
    worse = []
    for name, n in counts.items():
        before = record["instructions"].get(name)
        ratio = n / before if before else None
        print(f"{name:24} {n:12,} " + (f"{100 * (ratio - 1):+7.1f} %" if ratio else "    new"))
        if ratio and ratio > LIMIT:
            worse.append(name)
    if not same:
        print(f"recorded with {record['compiler']}: no verdict")
    elif worse:
        print(f"over 3 % more instructions: {', '.join(worse)}")
    return 1 if worse and same else 0


if __name__ == "__main__":
    sys.exit(main())
