"""Bad input (SPEC section 9): exit code, one line that names place, expected and found, no output."""

import gzip
import os
import signal
import subprocess
import time

import pytest

HEADER = (
    "##fileformat=VCFv4.2\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n'
    '##INFO=<ID=AF,Number=A,Type=Float,Description="a">\n'
    "##contig=<ID=1,length=1000>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)
GOOD = "1\t10\trs1\tA\tG\t50\tPASS\tDP=7;AF=0.5\n"
DB = HEADER + GOOD + "1\t20\trs2\tC\tT\t50\tPASS\tDP=3;AF=0.1\n"


@pytest.fixture(scope="module")
def database(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("db")
    (folder / "db.vcf").write_text(DB)
    varjoin("reference", "build", "-q", "-o", folder / "built", folder / "db.vcf")
    return folder / "built"


@pytest.fixture
def run(varjoin, database, tmp_path):
    """run(text or bytes) -> (stderr, exit code, whether an output is there); an old one must stay."""

    def run(content, *options, exit_code, name="in.vcf", out="out.parquet"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        target = tmp_path / out
        target.write_bytes(b"old")
        done = varjoin("annotate", "-q", "-a", f"db={database}", *options, "-o", target, path, exit_code=exit_code)
        left = {p.name for p in tmp_path.iterdir()} - {name, out, "aside.vcf"}
        assert not left, left
        if exit_code not in (0, 4):
            assert target.read_bytes() == b"old"
            lines = [l for l in done.stderr.splitlines() if l.startswith("varjoin: error: ")]
            assert len(lines) == 1, done.stderr
            return lines[0][len("varjoin: error: ") :]
        return done.stderr

    return run


@pytest.mark.parametrize(
    "line, words",
    [
        ("1\t10\trs1\tA\n", ["line 7", "column"]),
        ("1\tx12\trs1\tA\tG\t50\tPASS\tDP=7\n", ["line 7", "POS", "x12"]),
        ("1\t1e5\trs1\tA\tG\t50\tPASS\tDP=7\n", ["line 7", "POS", "1e5"]),
        ("1 10 rs1 A G 50 PASS DP=7\n", ["line 7"]),
    ],
)
def test_broken_lines(run, line, words):
    said = run(HEADER + GOOD + line, exit_code=2)
    for word in ["in.vcf", *words]:
        assert word in said, said


def test_broken_lines_can_be_set_aside(run, tmp_path):
    text = HEADER + GOOD + "1\tx12\trs1\tA\tG\t50\tPASS\tDP=7\n" + "1\t20\t.\tC\tT\t1\tPASS\t.\n"
    run(text, "--bad-records", f"skip={tmp_path / 'aside.vcf'}", exit_code=0)
    assert "x12" in (tmp_path / "aside.vcf").read_text()


def test_odd_cells_are_null_or_strict(run):
    text = HEADER + "1\t10\trs1\tA\tG\t50\tPASS\tDP=many\n"
    run(text, exit_code=0)
    assert "many" in run(text, "--strict", exit_code=2)


def test_truncated_bgzf(run, database, varjoin, tmp_path):
    plain = tmp_path / "whole.vcf"
    plain.write_text(HEADER + "".join(GOOD.replace("\t10\t", f"\t{i}\t") for i in range(10, 9000)))
    varjoin("annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "whole.vcf.gz", plain)
    whole = (tmp_path / "whole.vcf.gz").read_bytes()
    for path in (plain, tmp_path / "whole.vcf.gz"):
        path.unlink()
    (tmp_path / "whole.vcf.gz.tbi").unlink()
    assert "in.vcf.gz" in run(whole[:-28], exit_code=2, name="in.vcf.gz")  # the end block is gone
    assert "offset" in run(whole[: len(whole) // 2], exit_code=2, name="in.vcf.gz")
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    assert "in.vcf.gz" in run(bytes(broken), exit_code=2, name="in.vcf.gz")
    run(whole[:-28], "--allow-truncated", exit_code=0, name="in.vcf.gz")


def test_plain_gzip_of_several_members(run):
    data = gzip.compress(HEADER.encode()) + gzip.compress(GOOD.encode())
    run(data, exit_code=0, name="in.vcf.gz")
    assert "in.vcf.gz" in run(data[:-9], exit_code=2, name="in.vcf.gz")


def test_corrupt_database(varjoin, database, tmp_path):
    good = next(database.glob("*.parquet")).read_bytes()
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    for cut in (0, 4, 11, len(good) // 2, len(good) - 1):
        (tmp_path / "bad.parquet").write_bytes(good[:cut])
        done = varjoin(
            "annotate", "-a", f"db={tmp_path / 'bad.parquet'}", "-o", tmp_path / "out.parquet",
            tmp_path / "in.vcf", exit_code=2,
        )
        assert "bad.parquet" in done.stderr
        assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    "args, words",
    [
        (["-o", "out.parquet", "in.vcf"], ["-a NAME=PATH"]),
        (["-a", "db", "-o", "out.parquet", "in.vcf"], ["NAME=PATH"]),
        (["-a", "db=DB", "--duplicates", "firts", "-o", "o.parquet", "in.vcf"], ["firts", "first"]),
        (["-a", "db=DB", "-c", "NOPE", "-o", "o.parquet", "in.vcf"], ["NOPE"]),
        (["-a", "db=DB", "-a", "db=DB", "-o", "o.parquet", "in.vcf"], ["two databases"]),
        (["-a", "db=DB", "--frobnicate", "-o", "o.parquet", "in.vcf"], ["frobnicate"]),
        (["-a", "db=DB", "-o", "in.vcf", "in.vcf"], ["input itself"]),
    ],
)
def test_usage(varjoin, database, tmp_path, args, words):
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    args = [a.replace("DB", str(database)) for a in args]
    done = varjoin("annotate", *args, exit_code=1, cwd=tmp_path)
    for word in words:
        assert word in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.vcf"]


def test_missing_files(varjoin, database, tmp_path):
    done = varjoin("annotate", "-a", f"db={database}", "-o", tmp_path / "o.parquet", "no.vcf", exit_code=2)
    assert "no.vcf" in done.stderr
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    done = varjoin("annotate", "-a", "db=nowhere", "-o", tmp_path / "o.parquet", tmp_path / "in.vcf", exit_code=2)
    assert "nowhere" in done.stderr
    done = varjoin(
        "annotate", "-a", f"db={tmp_path / 'in.vcf'}", "-o", tmp_path / "o.parquet", tmp_path / "in.vcf", exit_code=2
    )
    assert "reference build" in done.stderr


def test_output_that_cannot_be_written(varjoin, database, tmp_path):
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    done = varjoin(
        "annotate", "-a", f"db={database}", "-o", tmp_path / "no/such/out.parquet", tmp_path / "in.vcf", exit_code=3
    )
    assert "out.parquet" in done.stderr
    done = varjoin(
        "annotate", "-q", "-a", f"db={database}", "-O", "t", "-o", "/dev/full", tmp_path / "in.vcf", exit_code=3
    )
    assert "/dev/full" in done.stderr


def test_memory_that_cannot_do(varjoin, database, tmp_path):
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    done = varjoin(
        "annotate", "-a", f"db={database}", "--memory", "20MB", "-o", tmp_path / "o.parquet",
        tmp_path / "in.vcf", exit_code=3,
    )
    assert "at least" in done.stderr and "MB" in done.stderr


def test_empty_input_gives_columns_and_no_row(varjoin, database, tmp_path):
    (tmp_path / "in.vcf").write_text(HEADER)
    varjoin("annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "o.parquet", tmp_path / "in.vcf")
    varjoin("verify", tmp_path / "o.parquet")


def test_interrupt_leaves_nothing(varjoin_bin, database, tmp_path):
    """S-59: within a second, exit 130, no output, no temporary file. The input is a pipe that waits."""
    child = subprocess.Popen(
        [varjoin_bin, "annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "o.parquet", "-"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    child.stdin.write((HEADER + GOOD * 20000).encode())
    child.stdin.flush()
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert child.wait(timeout=10) == 130
    assert time.monotonic() - began < 3
    child.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_killed_run_is_cleaned_up_by_the_next(varjoin, varjoin_bin, database, tmp_path):
    child = subprocess.Popen(
        [varjoin_bin, "annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "o.parquet", "-"],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    child.stdin.write((HEADER + GOOD * 20000).encode())
    child.stdin.flush()
    deadline = time.monotonic() + 20
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    child.stdin.close()
    assert not (tmp_path / "o.parquet").exists()
    assert list(tmp_path.iterdir()) != []
    (tmp_path / "in.vcf").write_text(HEADER + GOOD)
    varjoin("annotate", "-q", "-a", f"db={database}", "-o", tmp_path / "o.parquet", tmp_path / "in.vcf")
    assert sorted(os.listdir(tmp_path)) == ["in.vcf", "o.parquet"]
