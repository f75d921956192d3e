"""What needs Dagster's daemon or several processes: the sensor, its runs, pools, every job."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

dg = pytest.importorskip("dagster", minversion="1.13")
from world import ROOT, VarjoinPathIOManager  # noqa: E402

from varjoin.dagster import JOBS  # noqa: E402
from varjoin.dagster.assets import POOL  # noqa: E402
from varjoin.dagster.definitions import build_definitions  # noqa: E402

LOCATION = "varjoin.dagster.definitions"
POOLS = """telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
"""


class Home:
    """A DAGSTER_HOME and the folders of the demo, for processes of their own."""

    def __init__(self, world, made, binary, yaml="telemetry:\n  enabled: false\n"):
        self.world = world
        home = world.path / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text(yaml)
        self.env = {
            **os.environ, "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT / "python"), "PYTHONWARNINGS": "ignore",
            "VARJOIN_BIN": str(binary), "VARJOIN_INPUT_DIR": str(world.input),
            "VARJOIN_OUTPUT_DIR": str(world.path / "output"), "VARJOIN_ENSEMBL": str(made / "ens"),
            "VARJOIN_MEMORY": "1GB", "VARJOIN_REQUEST_RUNS": "1",
        }

    def ask(self, code):
        """What a Python of this home prints, as JSON."""
        done = subprocess.run(
            [sys.executable, "-c", "import json, dagster as dg\ni = dg.DagsterInstance.get()\n" + code],
            env=self.env, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def start(self, *words, log="process.log"):
        with (self.world.path / log).open("w") as out:
            return subprocess.Popen(
                [sys.executable, "-m", *words], env=self.env, cwd=self.world.path, stdout=out,
                stderr=out, start_new_session=True,
            )


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_daemon_finds_a_file_and_runs_it(world, made, varjoin_bin):
    """A VCF appears in the input folder: its partition is added, its run requested, queued, done."""
    for path in world.input.rglob("*.vcf.gz"):
        os.utime(path, (1, 1))  # long settled
    (world.input / "ben" / "exome.vcf.gz").unlink()
    home = Home(world, made, varjoin_bin)
    daemon = home.start("dagster._daemon", "run", "-m", LOCATION)
    output = world.folder() / "user_annotated_vcf_native.parquet"
    try:
        end = time.monotonic() + 150
        while not output.exists() and time.monotonic() < end:
            assert daemon.poll() is None, (world.path / "process.log").read_text()[-3000:]
            time.sleep(0.5)
        assert output.exists(), (world.path / "process.log").read_text()[-3000:]
        while time.monotonic() < end:
            runs = home.ask("print(json.dumps([[r.job_name, r.status.value, r.tags.get('dagster/partition'),"
                            " r.tags.get('dagster/sensor_name')] for r in i.get_runs()]))")
            if runs and runs[0][1] not in ("STARTED", "QUEUED", "STARTING"):
                break
            time.sleep(1)
    finally:
        stop(daemon)
    assert runs == [["annotate_vcf_native_job", "SUCCESS", "anna/tumor", "discover_user_vcf_files"]]
    keys = home.ask("print(json.dumps(list(i.get_dynamic_partitions('user_vcf_files'))))")
    assert keys == ["anna/tumor"]


SLOW_FAKE = """#!{python}
import json, os, sys, time
from dagster_pipes import open_dagster_pipes
out = sys.argv[sys.argv.index("-o") + 1]
with open({log!r}, "a") as log:
    log.write(f"begin {{time.time()}} {{out}}\\n")
time.sleep(2)
with open({log!r}, "a") as log:
    log.write(f"end {{time.time()}} {{out}}\\n")
with open(os.environ["VARJOIN_REPORT"], "w") as report:
    report.write("{{}}")
with open_dagster_pipes() as pipes:
    checks = pipes.get_extra("varjoin_checks")
    pipes.report_asset_materialization(metadata={{"engine": "fake"}})
    for name in checks:
        pipes.report_asset_check(check_name=name, passed=True)
"""


@pytest.mark.parametrize("limit, at_once", [(1, 1), (2, 2)])
def test_the_pool_bounds_how_many_run_at_once(world, made, limit, at_once):
    """Two runs in processes of their own, on two partitions, with the pool's limit in the instance."""
    log = world.path / "log"
    fake = world.path / "varjoin"
    fake.write_text(SLOW_FAKE.format(python=sys.executable, log=str(log)))
    fake.chmod(0o755)
    home = Home(world, made, fake, POOLS.replace("default_limit: 1", f"default_limit: {limit}"))
    home.ask("i.add_dynamic_partitions('user_vcf_files', ['anna/tumor', 'ben/exome'])\nprint(1)")
    # Two processes that both meet a pool for the first time may each give it the default's slots.
    home.ask(f"i.event_log_storage.set_concurrency_slots({POOL!r}, {limit})\nprint(1)")
    config = json.dumps({"execution": {"config": {"in_process": {}}}})
    runs = [
        home.start("dagster", "asset", "materialize", "--select", "user_vcf_normalized", "--partition",
                   key, "-m", LOCATION, "--config-json", config, log=f"{key.split('/')[0]}.log")
        for key in ("anna/tumor", "ben/exome")
    ]
    try:
        for run, name in zip(runs, ("anna", "ben")):
            assert run.wait(150) == 0, (world.path / f"{name}.log").read_text()[-3000:]
    finally:
        for run in runs:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    events = sorted((float(t), what) for what, t, _ in map(str.split, log.read_text().splitlines()))
    running, most = 0, 0
    for _, what in events:
        running += 1 if what == "begin" else -1
        most = max(most, running)
    assert len(events) == 4
    # with room for two they may still miss each other on a busy machine
    assert most == at_once or (at_once == 2 and most == 1)


def test_the_assets_are_in_the_pool():
    from varjoin.dagster import ASSETS, POOL

    pools = {a.key.path[-1]: a.op.pool for a in ASSETS if isinstance(a, dg.AssetsDefinition)}
    engines = {"user_vcf_normalized", "user_annotated_vcf", "user_annotated_vcf_duckdb",
               "user_annotated_vcf_native"}
    assert {name for name, pool in pools.items() if pool == POOL} == engines


@pytest.mark.parametrize("job", [job.name for job in JOBS])
def test_every_job_runs(world, job):
    """With the real program; the jobs of an engine that is not here say what is missing."""
    defs = build_definitions(world.varjoin)
    key = None if job == "build_ensembl_duckdb_job" else "anna/tumor"
    result = defs.resolve_job_def(job).execute_in_process(
        instance=world.instance, partition_key=key, raise_on_error=False,
        resources={"varjoin": world.varjoin, "varjoin_paths": VarjoinPathIOManager(varjoin=world.varjoin)},
    )
    if not result.success:
        failed = [e for e in result.all_events if e.is_step_failure]
        text = failed[0].step_failure_data.user_failure_data.description
        assert "install" in text or "DuckDB library" in text, text
        pytest.skip(text)
    made = {e.asset_key.path[-1] for e in result.all_events if e.is_step_materialization}
    wanted = {
        "build_ensembl_duckdb_job": {"ensembl_annotations", "ensembl_duckdb"},
        "normalize_vcf_job": {"user_vcf_source", "user_vcf_normalized"},
        "annotate_vcf_job": {"user_annotated_vcf"},
        "annotate_vcf_duckdb_job": {"user_annotated_vcf_duckdb"},
        "annotate_vcf_native_job": {"user_annotated_vcf_native"},
        "annotate_all_job": {"user_annotated_vcf", "user_annotated_vcf_duckdb", "user_annotated_vcf_native"},
    }[job]
    assert wanted <= made
