"""Fill the demo's Dagster: two users, every engine that is installed, a failing run.

usage: DAGSTER_HOME=... tools/dagster_demo.py     (called by tools/dagster_demo.sh)
"""

import logging
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.INFO)

import dagster as dg  # noqa: E402

from varjoin import find_binary  # noqa: E402
from varjoin.dagster.definitions import defs  # noqa: E402
from varjoin.dagster.partitions import PARTITIONS_NAME  # noqa: E402

SAMPLES = {
    "anna/genome": {"sample_description": "blood, library A", "sequencing_type": "WGS"},
    "ben/exome": {"sample_description": "saliva", "sequencing_type": "WES"},
}
TABLES = ["user_vcf_normalized", "user_annotated_vcf", "user_annotated_vcf_duckdb",
          "user_annotated_vcf_native"]


def engine_is_there(name: str) -> bool:
    text = subprocess.run([find_binary(), "doctor"], capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return any("missing" not in line for line in lines)


def run(job: str, instance: dg.DagsterInstance, tables=(), partition=None, config=None) -> None:
    ops = {name: {"config": config} for name in tables if config}
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=partition, run_config={"ops": ops} if ops else None,
        raise_on_error=False,
    )
    state = "done" if result.success else "FAILED"
    print(f"  {job:27} {partition or '':12} {state}", flush=True)
    if not result.success:
        for event in result.all_events:
            if event.is_step_failure:
                print(f"    {event.step_failure_data.error_display_string.splitlines()[0]}")
        sys.exit(1)


def main() -> None:
    jobs = {"annotate_vcf_native_job": "native", "annotate_vcf_duckdb_job": "duckdb",
            "annotate_vcf_job": "polars"}
    tables = {"native": "user_annotated_vcf_native", "duckdb": "user_annotated_vcf_duckdb",
              "polars": "user_annotated_vcf"}
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(PARTITIONS_NAME, list(SAMPLES))
        if engine_is_there("duckdb"):
            run("build_ensembl_duckdb_job", instance)
        for key, facts in SAMPLES.items():
            for job, engine in jobs.items():
                if engine_is_there(engine):
                    run(job, instance, ["user_vcf_normalized", tables[engine]], key, facts)
                elif key == next(iter(SAMPLES)):
                    print(f"  {job:27} left out: the engine {engine} is not installed here")


main()
