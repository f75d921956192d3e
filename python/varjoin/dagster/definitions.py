"""Everything for ``dagster dev -m varjoin.dagster.definitions``; places come from the environment.

    VARJOIN_INPUT_DIR    USER/SAMPLE.vcf.gz            data/input/users
    VARJOIN_OUTPUT_DIR   users/USER/SAMPLE/ASSET...    data/output
    VARJOIN_ENSEMBL      Parquet files of Ensembl      data/ensembl
    VARJOIN_REQUEST_RUNS 1: the sensor starts runs     0
"""

import os

from dagster import Definitions

from varjoin.dagster.assets import ASSETS, IO_MANAGER_KEY
from varjoin.dagster.jobs import JOBS
from varjoin.dagster.resources import VarjoinPathIOManager, VarjoinResource
from varjoin.dagster.sensors import discover_user_vcf_files


def build_definitions(varjoin: VarjoinResource) -> Definitions:
    """The assets, jobs and sensor of this package on the given folders."""
    return Definitions(
        assets=ASSETS,
        jobs=JOBS,
        sensors=[discover_user_vcf_files],
        resources={
            "varjoin": varjoin,
            IO_MANAGER_KEY: VarjoinPathIOManager(varjoin=varjoin),
        },
    )


defs = build_definitions(
    VarjoinResource(
        input_dir=os.environ.get("VARJOIN_INPUT_DIR", "data/input/users"),
        output_dir=os.environ.get("VARJOIN_OUTPUT_DIR", "data/output"),
        ensembl_path=os.environ.get("VARJOIN_ENSEMBL", "data/ensembl"),
        request_runs=os.environ.get("VARJOIN_REQUEST_RUNS", "0") not in ("", "0"),
    )
)
