"""What a run cost and promised, for verbs that are no jobs too; the promise of rows can break."""

import json
import os
import subprocess
import sys

import pytest

VCF = """##fileformat=VCFv4.2
##contig=<ID=1>
##INFO=<ID=AF,Number=A,Type=Float,Description="f">
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two databases that both have the keys 1:100 and 1:200 several times, and four records."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path_factory.mktemp("twice")
    for name, rows in {"one": [100, 100, 200, 300], "two": [100, 100, 100, 200, 200]}.items():
        n = len(rows)
        pq.write_table(
            pa.table({"chrom": ["1"] * n, "start": pa.array(rows, pa.uint32()), "ref": ["A"] * n,
                      "alt": ["C"] * n, name: list(range(n))}),
            folder / f"{name}.parquet",
        )
    lines = [f"1\t{pos}\t.\tA\tC\t50\tPASS\tAF=0.5\tGT\t0/1\t1/1\n" for pos in (100, 200, 300, 400)]
    (folder / "s.vcf").write_text(VCF + "".join(lines))
    return folder


def annotate(varjoin, files, tmp_path, *args, exit_code=0, **kwargs):
    report = tmp_path / "run.json"
    done = varjoin(
        "annotate", "--all-samples", "-a", f"one={files}/one.parquet", "-a",
        f"two={files}/two.parquet", "--report", report, "-o", tmp_path / "o.parquet", *args,
        files / "s.vcf", exit_code=None, **kwargs,
    )
    if done.returncode == 3 and ("pip install polars" in done.stderr or "libduckdb" in done.stderr):
        pytest.skip(done.stderr.strip())
    assert done.returncode == exit_code, done.stderr
    return json.loads(report.read_text())


def python_args(engine):
    return ["--engine", engine, *(["--python", sys.executable] if engine == "polars" else [])]


# 100: 2 x 3 rows for either sample, 200: 1 x 2, 300 and 400: 1.
@pytest.mark.parametrize("engine", ["native", "polars", "duckdb"])
@pytest.mark.parametrize("how, rows", [([], 20), (["--duplicates", "first"], 8)])
def test_rows_are_foretold_by_the_matches(varjoin, files, tmp_path, engine, how, rows):
    record = annotate(varjoin, files, tmp_path, *python_args(engine), *how)
    assert record["rows"]["rows_expected"] == record["rows"]["rows_out"] == rows
    assert record["checks"][0]["name"] == "rows_in_equals_rows_out" and record["checks"][0]["passed"]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_and_with_join_columns_of_the_users(varjoin, files, tmp_path, engine):
    record = annotate(varjoin, files, tmp_path, *python_args(engine), "--join-columns", "chrom,start")
    assert record["rows"]["rows_expected"] == record["rows"]["rows_out"] == 20


LOSSY = """#!{python}
import json, subprocess, sys
job = sys.stdin.read()
code = subprocess.run([{python!r}, *sys.argv[1:]], input=job, text=True).returncode
if code == 0 and job.strip():
    import polars as pl
    out = json.loads(job)["out"]
    pl.read_parquet(out).head(-1).write_parquet(out)
sys.exit(code)
"""


def test_a_row_that_an_engine_loses_breaks_the_promise(varjoin, files, tmp_path):
    pytest.importorskip("polars")
    wrapper = tmp_path / "python"
    wrapper.write_text(LOSSY.format(python=sys.executable))
    wrapper.chmod(0o755)
    record = annotate(varjoin, files, tmp_path, "--engine", "polars", "--python", wrapper)
    assert record["rows"]["rows_expected"] == 20 and record["rows"]["rows_out"] == 19
    assert not record["checks"][0]["passed"] and record["checks"][0]["severity"] == "ERROR"


def test_a_statement_of_the_users_promises_no_rows(varjoin, files, tmp_path):
    (tmp_path / "q.sql").write_text("SELECT * FROM sample WHERE start < 250")
    record = annotate(varjoin, files, tmp_path, "--engine", "duckdb", "--sql-file", tmp_path / "q.sql")
    assert record["rows"]["rows_out"] == 4 and record["rows"]["rows_expected"] is None
    assert "rows_in_equals_rows_out" not in {check["name"] for check in record["checks"]}


def test_stages_tell_their_bytes(varjoin, files, tmp_path):
    record = annotate(varjoin, files, tmp_path, "--engine", "native")
    stages = {stage["name"]: stage["bytes"] for stage in record["stages"]}
    text = (files / "s.vcf").read_bytes()
    assert stages["read"] == len(text)
    assert stages["parse"] == len(text) - len(VCF)
    assert stages["write"] == (tmp_path / "o.parquet").stat().st_size
    assert stages["keys"] > 0 and stages["payload"] > 0


def test_one_process_is_exact_and_two_say_how_they_were_sampled(varjoin, files, tmp_path):
    exact = annotate(varjoin, files, tmp_path, "--engine", "native")["resources"]
    assert exact["peak_exact"] and exact["peak_sample_interval_ms"] is None
    assert exact["peak_rss_least_bytes"] == exact["peak_rss_bytes"] == exact["peak_rss_bound_bytes"]
    sampled = annotate(varjoin, files, tmp_path, *python_args("polars"))["resources"]
    assert not sampled["peak_exact"] and sampled["peak_sample_interval_ms"] == 20
    assert "sampled every 20 ms" in sampled["peak_method"]
    assert sampled["peak_rss_least_bytes"] >= sampled["peak_child_bytes"] > 0
    assert (sampled["peak_rss_least_bytes"] <= sampled["peak_rss_bytes"]
            <= sampled["peak_rss_bound_bytes"])


def test_slurms_limits_are_in_the_record(varjoin, files, tmp_path):
    env = {"SLURM_MEM_PER_NODE": "300", "SLURM_CPUS_PER_TASK": "1"}
    host = annotate(varjoin, files, tmp_path, "--engine", "native", env=env)["host"]
    assert host["ram_bytes"] == 300 << 20 and "SLURM_MEM_PER_NODE" in host["ram_origin"]
    assert host["cpus"] == 1
    assert any("SLURM_CPUS_PER_TASK" in limit["origin"] for limit in host["limits"])


def test_measuring_can_be_left_out(varjoin, files, tmp_path):
    done = varjoin("normalize", "-o", tmp_path / "o.parquet", "--report", tmp_path / "r.json",
                   files / "s.vcf", env={"VARJOIN_NO_TRACKING": "1"})
    assert not (tmp_path / "r.json").exists() and "wall" not in done.stderr
    assert (tmp_path / "o.parquet").exists()


# ---- verbs that are no jobs ----


def check_cost(record, verb):
    assert record["schema"] == "varjoin.run/1" and record["verb"] == verb
    assert record["status"] == "ok" and record["metadata"]["peak_memory_mb"] > 1
    assert record["metadata"]["duration_sec"] > 0 and record["resources"]["peak_exact"]
    assert record["command_line"].startswith(f"varjoin {verb} ")


def test_reference_build_is_tracked(varjoin, files, tmp_path):
    done = varjoin("reference", "build", "-o", tmp_path / "db", "--release", "r1", "--report",
                   tmp_path / "r.json", files / "s.vcf")
    record = json.loads((tmp_path / "r.json").read_text())
    check_cost(record, "reference build")
    assert record["facts"]["num_contigs"] == 1 and record["facts"]["release"] == "r1"
    assert record["metadata"]["num_rows"] == 4 and "time" in done.stderr
    assert {"read", "parse", "write"} <= {stage["name"] for stage in record["stages"]}
    assert record["checks"][0]["passed"]


def test_verify_is_tracked(varjoin, files, tmp_path):
    varjoin("normalize", "-q", "-o", tmp_path / "o.parquet", files / "s.vcf")
    varjoin("verify", "--report", tmp_path / "r.json", tmp_path / "o.parquet")
    record = json.loads((tmp_path / "r.json").read_text())
    check_cost(record, "verify")
    assert record["metadata"]["num_rows"] == 4 and record["facts"]["hash_is_right"] is True
    assert record["output"]["content_hash"] == record["facts"]["expected_content_hash"]


def test_catalog_is_tracked(varjoin, files, tmp_path):
    done = varjoin("catalog", "-o", tmp_path / "c.duckdb", "--report", tmp_path / "r.json",
                   f"one={files}/one.parquet", f"two={files}/two.parquet", exit_code=None)
    if done.returncode == 3 and "libduckdb" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    check_cost(record, "catalog")
    assert record["facts"]["num_views"] == 2 and record["facts"]["view_names"] == "one, two"
    size = os.stat(tmp_path / "c.duckdb").st_size
    assert record["output"]["bytes"] == size
    assert record["facts"]["db_size_mb"] == pytest.approx(size / 1e6)


def test_a_failure_is_recorded_and_the_record_may_fail(varjoin, files, tmp_path):
    (tmp_path / "bad.vcf").write_text(VCF + "1\tnine\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1\n")
    varjoin("reference", "build", "-o", tmp_path / "db", "--report", tmp_path / "r.json",
            tmp_path / "bad.vcf", exit_code=2)
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["status"] == "failed" and "nine" in record["error"]
    done = varjoin("verify", "--report", tmp_path / "nowhere" / "r.json", tmp_path / "r.json", exit_code=2)
    assert "r.json" in done.stderr
    varjoin("normalize", "-q", "-o", tmp_path / "o.parquet", files / "s.vcf")
    done = varjoin("verify", "--report", tmp_path / "nowhere" / "r.json", tmp_path / "o.parquet", exit_code=3)
    assert "nowhere" in done.stderr


def test_records_follow_the_schema(varjoin, files, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    schema = json.loads((root / "docs" / "run.schema.json").read_text())
    varjoin("reference", "build", "-o", tmp_path / "db", "--report", tmp_path / "r.json", files / "s.vcf")
    jsonschema.validate(json.loads((tmp_path / "r.json").read_text()), schema)
    jsonschema.validate(annotate(varjoin, files, tmp_path, "--engine", "native"), schema)


def test_the_page_takes_such_records_too(varjoin, files, tmp_path):
    varjoin("reference", "build", "-o", tmp_path / "db", "--report", tmp_path / "r.json", files / "s.vcf")
    varjoin("report", tmp_path / "r.json", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "reference build" in page and "num_contigs" in page and "<script" not in page


def test_a_run_can_be_read_from_the_pipe_of_a_subprocess(varjoin_bin, files, tmp_path):
    """Nothing but data on stdout: the table goes to stderr."""
    done = subprocess.run([varjoin_bin, "reference", "build", "-o", tmp_path / "db", files / "s.vcf"],
                          capture_output=True, text=True, check=True)
    assert done.stdout == "" and "reference build" in done.stderr
