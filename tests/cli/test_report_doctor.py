"""doctor and report, and the record of a real run against its schema."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_doctor_names_origins(varjoin):
    text = varjoin("doctor").stdout
    for word in ("RAM ", "CPUs ", "<- ", "duckdb memory", "native", "polars", "CPU level"):
        assert word in text, word


def test_doctor_takes_limits_from_flags_and_environment(varjoin):
    text = varjoin("doctor", "--duckdb-memory", "3GB", env={"VARJOIN_DUCKDB_THREADS": "5"}).stdout
    assert "duckdb memory   3.0 GB  <- --duckdb-memory" in text
    assert "duckdb threads  5  <- --duckdb-threads or VARJOIN_DUCKDB_THREADS" in text


def test_doctor_knows_slurm(varjoin):
    env = {"SLURM_CPUS_PER_TASK": "1", "SLURM_MEM_PER_NODE": "1000"}
    text = varjoin("doctor", env=env).stdout
    assert "CPUs            1" in text and "SLURM_MEM_PER_NODE" in text


def test_doctor_tells_how_to_get_what_is_missing(varjoin):
    text = varjoin("doctor", "--python", "/no/such/python", "--duckdb-lib", "/no/such/lib.so").stdout
    assert "polars          missing: no Python called /no/such/python" in text
    assert "duckdb          missing: " in text


@pytest.fixture(scope="module")
def run(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    varjoin("simulate", "-o", folder / "db", "--rows", 20000, "--sample", folder / "s.vcf.gz")
    varjoin(
        "annotate", "-a", f"ens={folder / 'db'}", folder / "s.vcf.gz", "-o", folder / "out.parquet",
        "--report", folder / "run.json", "--multiqc", folder / "varjoin.stats.json", "--sample-name", "S1",
    )
    return folder


def test_record_of_a_real_run_is_valid_and_true(run):
    jsonschema = pytest.importorskip("jsonschema")
    record = json.loads((run / "run.json").read_text())
    schema = json.loads((ROOT / "docs" / "run.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(record)
    assert record["output"]["bytes"] == (run / "out.parquet").stat().st_size
    assert record["inputs"][0]["bytes"] == (run / "s.vcf.gz").stat().st_size
    assert record["host"]["cpus"] >= 1
    assert all(check["passed"] for check in record["checks"])
    (db,) = record["databases"]
    assert db["matched_alleles"] + sum(db["unmatched"].values()) == record["rows"]["rows_joined"]
    for name in ("matched_alleles",):
        assert sum(c[name] for c in db["contigs"]) == db[name]
    stages = {s["name"]: s for s in record["stages"]}
    assert {"read", "parse", "keys", "payload", "encode", "write"} <= set(stages)


def test_multiqc_row_of_a_real_run(run):
    record = json.loads((run / "run.json").read_text())
    row = json.loads((run / "varjoin.stats.json").read_text())["data"]["S1"]
    assert row["rows"] == record["rows"]["rows_out"]
    assert 50 < row["matched_percent_ens"] <= 100


def test_report_makes_a_page(varjoin, run):
    page = run / "report.html"
    varjoin("report", run / "run.json", run / "run.json", "-o", page)
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>") and "Side by side" in text
    assert "<script" not in text and "http:" not in text and "https:" not in text
    assert varjoin("report", run / "run.json").stdout.startswith("<!DOCTYPE html>")


def test_report_refuses_other_files(varjoin, run, tmp_path):
    done = varjoin("report", exit_code=1)
    assert done.stderr == "varjoin: error: expected 1 to 24 run records, found 0\n"
    other = tmp_path / "other.json"
    other.write_text('{"schema": "something/1"}')
    done = varjoin("report", other, "-o", tmp_path / "x.html", exit_code=2)
    assert "expected a run record with schema varjoin.run/1, found something/1" in done.stderr
    assert not (tmp_path / "x.html").exists()
