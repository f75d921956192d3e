"""Whole runs with eight workers under ThreadSanitizer: `make test-long` builds the program for it.

VJ_TSAN_BIN is that program. Any report ends a run with exit 66; small batches make the workers meet often. The
engines that are other people's libraries are not built with it, and stay out.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

REPORTED = 66
FORMATS = {"parquet": [], "vcf": [], "vcf.gz": ["-W"], "bcf": ["-W"], "tsv": [], "tsv.gz": []}
BUILD = ["reference", "build", "-q", "-@", "8", "--no-version"]


def run_watched(words, exit_code=0, **how):
    env = {**os.environ, "TSAN_OPTIONS": f"exitcode={REPORTED} halt_on_error=0 second_deadlock_stack=1"}
    ran = subprocess.run([str(w) for w in words], capture_output=True, env=env, timeout=600, **how)
    text = ran.stderr.decode(errors="replace")
    assert "ThreadSanitizer" not in text and ran.returncode != REPORTED, text[:6000]
    assert ran.returncode == exit_code, (words, ran.returncode, text[:2000])
    return ran


@pytest.fixture(scope="session")
def tsan_bin():
    path = Path(os.environ.get("VJ_TSAN_BIN", "none"))
    if not path.is_file():
        pytest.skip("no program built with ThreadSanitizer: VJ_TSAN_BIN")
    assert b"__tsan_init" in path.read_bytes(), "built without ThreadSanitizer"
    return path


@pytest.fixture(scope="session")
def tsan(tsan_bin):
    return lambda *words, **how: run_watched([tsan_bin, *words], **how)


@pytest.mark.parametrize("name", ["prop_pipeline", "prop_vcf_ahead", "test_row_stream", "test_pq_share",
                                  "test_arrow_stream"])
def test_programs_in_which_threads_meet(tsan_bin, name):
    program = tsan_bin.parent / "tests" / name
    if not program.is_file():
        pytest.skip(f"{name} is not built")
    run_watched([program])


@pytest.fixture(scope="module")
def world(tsan, tmp_path_factory):
    """Generated: a database as it is, built, unsorted and with joined ALTs; people of it in several forms."""
    folder = tmp_path_factory.mktemp("tsan")

    def make(*words):
        tsan("simulate", "-q", "-@", "8", "--contigs", "20,21,22", "--seed", "5", *words)

    make("-o", folder / "db", "--rows", "30000", "--rows-per-rowgroup", "3000")
    make("-o", folder / "joined", "--rows", "12000", "--joined-alts", "--rows-per-rowgroup", "2000")
    make("-o", folder / "unsorted", "--rows", "12000", "--unsorted", "--rows-per-rowgroup", "2000")
    people = [("a.vcf.gz", []), ("b.bcf", ["--samples", "3"]), ("c.vcf", ["--gvcf"]), ("d.vcf.gz", ["--samples", "20"])]
    for i, (name, more) in enumerate(people):
        make("--rows", "30000", "--sample", folder / name, "--sample-variants", "2500", "--sample-seed", i, *more)
    tsan("normalize", "-q", "-@", "8", folder / "a.vcf.gz", "-o", folder / "e.parquet")
    tsan(*BUILD, folder / "db", "-o", folder / "built")
    return folder


PEOPLE = ["a.vcf.gz", "b.bcf", "c.vcf", "d.vcf.gz", "e.parquet"]


def two_databases(world):
    return ["-a", f"as_is={world}/db", "-a", f"built={world}/built"]


@pytest.mark.parametrize("format", FORMATS)
def test_annotate_every_output(tsan, world, tmp_path, format):
    for name in ("a.vcf.gz", "d.vcf.gz"):
        tsan("annotate", "-@", "8", "--batch-rows", "150", *two_databases(world), world / name,
             "-o", tmp_path / f"o.{format}", *FORMATS[format], "--report", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["rows"]["rows_out"] > 1000


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("database", ["db", "built", "joined", "unsorted"])
def test_annotate_every_input(tsan, world, tmp_path, name, database):
    tsan("annotate", "-@", "8", "--engine", "native", "--batch-rows", "90", "-a", f"x={world}/{database}",
         world / name, "-o", tmp_path / "o.parquet")


def test_annotate_narrow(tsan, world, tmp_path):
    """Little memory: workers wait for one another's pages. All samples; targets; filters; standard output."""
    tsan("annotate", "-@", "8", "-m", "48MB", *two_databases(world), world / "d.vcf.gz", "--all-samples",
         "-o", tmp_path / "o.parquet")
    tsan("annotate", "-@", "8", "--batch-rows", "90", *two_databases(world), world / "a.vcf.gz", "-t", "chr21",
         "-f", "PASS,.", "-c", "MAF", "--any-order", "-o", "-")
    with open(world / "a.vcf.gz", "rb") as stream:
        tsan("annotate", "-@", "8", *two_databases(world), "-", "-O", "v", "-o", "-", stdin=stream)


@pytest.mark.parametrize("format", FORMATS)
def test_normalize(tsan, world, tmp_path, format):
    for name in PEOPLE:
        if name != "e.parquet" or format in ("parquet", "tsv"):
            tsan("normalize", "-@", "8", "--batch-rows", "120", world / name, "-o", tmp_path / f"o.{format}")


@pytest.mark.parametrize("format", ["parquet", "vcf.gz", "bcf", "tsv"])
def test_sweep_over_several_inputs(tsan, world, tmp_path, format):
    inputs = [world / name for name in PEOPLE if format in ("parquet", "tsv") or name != "e.parquet"]
    tsan("annotate", "-@", "8", "--batch-rows", "100", *two_databases(world), *inputs, "-O",
         {"parquet": "p", "vcf.gz": "z", "bcf": "b", "tsv": "t"}[format], "-o", tmp_path / "all")
    assert len([p for p in (tmp_path / "all").iterdir() if p.suffix not in (".tbi", ".csi")]) == len(inputs)


@pytest.mark.parametrize("layout", ["tuned", "plain"])
@pytest.mark.parametrize("source", ["db", "joined", "unsorted"])
def test_build_from_parquet(tsan, world, tmp_path, source, layout):
    for more in ([], ["--rows-per-run", "700", "--tier", "MAF:0.01"]):
        tsan(*BUILD, "--replace", "--layout", layout, *more, world / source, "-o", tmp_path / "built")
    tsan("verify", "-@", "8", *sorted((tmp_path / "built").glob("*.parquet")))


@pytest.mark.parametrize("name", ["a.vcf.gz", "b.bcf", "c.vcf", "d.vcf.gz"])
def test_build_from_vcf(tsan, world, tmp_path, name):
    tsan(*BUILD, world / name, "-o", tmp_path / "built")
    tsan(*BUILD, "--replace", "--rows-per-run", "300", world / name, "-o", tmp_path / "built")
    tsan("verify", "-@", "8", *sorted((tmp_path / "built").glob("*.parquet")))


def test_readers(tsan, world, tmp_path):
    tsan("verify", "-@", "8", *sorted((world / "db").iterdir()), world / "e.parquet", exit_code=0)
    tsan("inspect", sorted((world / "built").glob("*.parquet"))[0])
    tsan("plan", *two_databases(world), *[world / name for name in PEOPLE])
    tsan("reference", "info", world / "built")


def test_interrupt(tsan_bin, world, tmp_path):
    for k, wait_s in enumerate((0.3, 0.6, 1.0)):
        process = subprocess.Popen([tsan_bin, "annotate", "-@", "8", "--batch-rows", "40", *two_databases(world),
                                    world / "d.vcf.gz", "--all-samples", "-o", tmp_path / f"{k}.parquet"],
                                   stderr=subprocess.PIPE, env={**os.environ, "TSAN_OPTIONS": f"exitcode={REPORTED}"})
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=120)[1].decode()
        assert "ThreadSanitizer" not in text and process.returncode in (0, 130, -signal.SIGINT), text[:6000]


def test_errors_and_stops(tsan, world, tmp_path):
    """Runs that end early take their workers down with them."""
    lines = (world / "c.vcf").read_bytes().split(b"\n")
    lines[-200] = b"21\tx\t.\tA\tC\t.\t.\t."
    (tmp_path / "bad.vcf").write_bytes(b"\n".join(lines))
    words = ["annotate", "-@", "8", "--batch-rows", "60", *two_databases(world), "-o"]
    tsan(*words, tmp_path / "o.parquet", tmp_path / "bad.vcf", exit_code=2)
    tsan(*words, tmp_path / "all", world / "a.vcf.gz", tmp_path / "bad.vcf", exit_code=2)
    tsan(*words, tmp_path / "o.parquet", tmp_path / "bad.vcf", "--bad-records", f"skip={tmp_path}/set-aside")
    tsan(*words, "/dev/full", "-O", "v", world / "a.vcf.gz", exit_code=3)
    damaged = bytearray((world / "a.vcf.gz").read_bytes())
    damaged[len(damaged) * 2 // 3] ^= 0x55
    (tmp_path / "damaged.vcf.gz").write_bytes(damaged)
    tsan(*words, tmp_path / "o.parquet", tmp_path / "damaged.vcf.gz", exit_code=2)
    assert not (tmp_path / "all").exists()


REAL = ["HG00096.chr22.GRCh37.vcf.bgz", "1000G.highcov.chr1-head.GRCh38.vcf.gz", "antku_small.GRCh38.vcf",
        "NA12878.chr21.GRCh38.vcf.gz", "hapmap_r22.chr20.CEU.GRCh38.bcf"]
REAL_DATABASES = ["clinvar.chr1-head.GRCh38.vcf", "gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz"]


@pytest.mark.parametrize("format", ["parquet", "vcf.gz", "bcf", "tsv.gz"])
def test_real_files(tsan, shared_data, tmp_path, format):
    databases = []
    for i, name in enumerate(REAL_DATABASES):
        tsan(*BUILD, shared_data / name, "-o", tmp_path / f"db{i}")
        databases += ["-a", f"db{i}={tmp_path}/db{i}"]
    letter = {"parquet": "p", "vcf.gz": "z", "bcf": "b", "tsv.gz": "t"}[format]
    tsan("annotate", "-@", "8", "--batch-rows", "500", "-m", "2GB", *databases, *[shared_data / n for n in REAL],
         "-O", letter, "-o", tmp_path / "all")
    for name in REAL[:3]:
        tsan("normalize", "-@", "8", shared_data / name, "-o", tmp_path / f"n.{format}")
        tsan("annotate", "-@", "8", *databases, shared_data / name, "-o", tmp_path / f"o.{format}")
