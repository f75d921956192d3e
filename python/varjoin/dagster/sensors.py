"""A partition for every VCF that appears in the input folder."""

import time

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from varjoin.dagster.assets import user_vcf_files
from varjoin.dagster.jobs import annotate_vcf_native_job
from varjoin.dagster.partitions import PARTITIONS_NAME, PartitionError, list_samples
from varjoin.dagster.resources import VarjoinResource


@sensor(
    job=annotate_vcf_native_job,
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    description="Adds a partition user/sample for each USER/SAMPLE.vcf.gz in the input folder.",
)
def discover_user_vcf_files(
    context: SensorEvaluationContext, varjoin: VarjoinResource
) -> SensorResult | SkipReason:
    try:
        found = dict((sample.key, stat) for sample, stat in list_samples(varjoin.input_root()))
    except PartitionError as error:
        return SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions(PARTITIONS_NAME))
    settled = {
        key: stat for key, stat in found.items()
        if time.time() - stat.st_mtime >= varjoin.settle_sec
    }
    new = [key for key in settled if key not in known]
    runs = []
    if varjoin.request_runs:
        # A changed file has another run key, an unchanged one is never run twice.
        runs = [
            RunRequest(partition_key=key, run_key=f"{key}:{stat.st_mtime_ns}:{stat.st_size}")
            for key, stat in settled.items()
        ]
    if not new and not runs:
        return SkipReason(f"{len(known)} partitions, {len(found)} files, nothing new")
    requests = [user_vcf_files.build_add_request(new)] if new else []
    return SensorResult(dynamic_partitions_requests=requests, run_requests=runs)
