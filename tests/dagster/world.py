"""What the tests of the assets share: folders, a Dagster instance, and what a run left there."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path



ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")


import dagster as dg  # noqa: E402

from varjoin.dagster import ASSETS, VarjoinPathIOManager, VarjoinResource  # noqa: E402
from varjoin.dagster.partitions import PARTITIONS_NAME  # noqa: E402

BAD_VCF = """##fileformat=VCFv4.2
##contig=<ID=22>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
22\t100\t.\tA\tC\t.\t.\t.
22\tnine\t.\tA\tC\t.\t.\t.
"""



@dataclass
class World:
    """Folders of one test, and a Dagster instance that knows nothing else."""

    path: Path
    instance: dg.DagsterInstance
    varjoin: VarjoinResource

    @property
    def input(self) -> Path:
        return self.path / "input"

    def folder(self, user="anna", sample="tumor") -> Path:
        return self.path / "output" / "users" / user / sample

    def add(self, *keys):
        self.instance.add_dynamic_partitions(PARTITIONS_NAME, list(keys))

    def run(self, *assets, key="anna/tumor", config=None):
        """Materialise; the run's result, failed or not."""
        run_config = {"ops": {name: {"config": c} for name, c in (config or {}).items()}}
        return dg.materialize(
            ASSETS,
            selection=list(assets),
            partition_key=key,
            instance=self.instance,
            resources={
                "varjoin": self.varjoin,
                "varjoin_paths": VarjoinPathIOManager(varjoin=self.varjoin),
            },
            run_config=run_config,
            raise_on_error=False,
        )

    def latest(self, asset, key="anna/tumor"):
        """Metadata of the newest materialisation of a partition."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[key]), limit=1
        ).records
        return records[0].asset_materialization if records else None


def failure_of(result):
    """Description and metadata of the step that failed."""
    (event,) = [e for e in result.all_events if e.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None, event.step_failure_data.error
    return data.description, data.metadata
