"""What `varjoin plan` says beside what the run then shows (its record): each engine, several kinds of job."""

import json
import subprocess

import pytest

pl = pytest.importorskip("polars")

import engines  # noqa: E402

COLUMNS = ["-c", "MAF,id,TSA"]
JOBS = {
    "whole": [],
    "columns": COLUMNS,
    "region": ["-r", "21:200000-900000"],
    "contig": ["-r", "chr22"],
    "sites": ["--sites-only"],
    "several": ["-a", "b={db}", *COLUMNS],
}


@pytest.fixture(scope="module")
def data(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    varjoin("simulate", "-o", folder / "db", "--rows", 1_000_000, "--contigs", "21,22", "--seed", 7,
            "--sample", folder / "s.vcf.gz", "--sample-variants", 20000, "--rows-per-rowgroup", 30000)
    return folder


def both(varjoin, data, tmp_path, engine, options):
    words = ["-a", f"a={data}/db", *(o.format(db=f"{data}/db") for o in options), *engines.engine_args(engine), data / "s.vcf.gz"]
    plan = json.loads(varjoin("plan", "--json", *words).stdout)
    varjoin("annotate", "-q", *words, "-o", tmp_path / "o.parquet", "--report", tmp_path / "r.json")
    return plan, json.loads((tmp_path / "r.json").read_text())


def is_sanitized(binary):
    return "libasan" in subprocess.run(["ldd", binary], capture_output=True, text=True).stdout


def near(planned, found, within, what):
    assert found * (1 - within) <= planned <= found * (1 + within), f"{what}: {planned} planned, {found} found"


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("engine", engines.NAMES)
def test_the_plan_is_near_the_run(varjoin, varjoin_bin, data, tmp_path, engine, job):
    if reason := engines.absent(engine):
        pytest.skip(reason)
    plan, record = both(varjoin, data, tmp_path, engine, JOBS[job])
    used = record["resources"]
    near(plan["rows"], record["rows"]["rows_joined"], 0.2, "rows of the input")
    for said, done in zip(plan["databases"], record["databases"]):
        assert said["row_groups_total"] == done["row_groups"]
        near(said["row_groups"], done["row_groups_read"], 0.2, "row groups")
        near(said["rows"], done["rows_read"], 0.2, "database rows")
    near(plan["bytes"], used["read_bytes"], 0.2, "bytes")
    if not is_sanitized(varjoin_bin):
        near(plan["peak_memory_mb"], used["peak_rss_bytes"] / 1e6, 0.7, "memory")
        cpu = used["user_cpu_seconds"] + used["system_cpu_seconds"]
        # a busy machine takes up to a third more CPU for the same; wall is reported, not held
        print(f"{engine} {job}: CPU {plan['cpu_sec']:.2f} planned, {cpu:.2f} used; wall {plan['duration_sec']:.2f} planned, "
              f"{used['wall_seconds']:.2f} taken")
        assert cpu / 1.6 - 0.1 <= plan["cpu_sec"] <= cpu * 1.3 + 0.1
