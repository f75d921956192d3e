"""Where things are and what the engines may use; and paths for downstream assets."""

import os
from pathlib import Path
from typing import Any, Optional

from dagster import ConfigurableIOManager, ConfigurableResource, InputContext, OutputContext
from pydantic import Field

from varjoin._find import find_binary
from varjoin.dagster.partitions import (
    OutputFolder,
    PartitionError,
    PartitionFolder,
    Sample,
    find_vcf,
    folder_name,
    parse_key,
)


class VarjoinResource(ConfigurableResource):
    """The program, its folders, its databases and its limits."""

    input_dir: str = Field(
        default="data/input/users", description="Holds USER/SAMPLE.vcf.gz and its like."
    )
    output_dir: str = Field(
        default="data/output", description="Results go to users/USER/SAMPLE below it."
    )
    ensembl_path: str = Field(
        default="data/ensembl", description="Ensembl's variation set as Parquet: folder, glob or file."
    )
    databases: dict[str, str] = Field(
        default_factory=dict, description="Further databases by name."
    )
    memory_limit: Optional[str] = Field(
        default=None, description="Memory of the native engine and of normalising, such as 256MB."
    )
    threads: Optional[int] = None
    lock_wait_sec: float = Field(
        default=10.0, description="How long a run waits for another one that writes the same output."
    )
    settle_sec: float = Field(
        default=5.0, description="A file that changed more recently is not yet taken as complete."
    )
    request_runs: bool = Field(
        default=False, description="The sensor also requests a run for each new or changed file."
    )

    def binary(self) -> str:
        return str(find_binary())

    def input_root(self) -> Path:
        return Path(self.input_dir).absolute()

    def output_root(self) -> Path:
        return Path(self.output_dir).absolute()

    def source(self, sample: Sample, vcf_path: Optional[str] = None) -> Path:
        """The sample's VCF, or the one that a run names instead. Raises PartitionError."""
        if vcf_path is None:
            return find_vcf(self.input_root(), sample)
        path = Path(vcf_path).absolute()
        if not path.is_file():
            raise PartitionError(f"vcf_path: no file {path}")
        return path

    def folder(self, sample: Sample) -> PartitionFolder:
        return PartitionFolder(self.output_root(), sample)

    def database_folder(self) -> OutputFolder:
        return OutputFolder(self.output_root(), "databases")

    def output_path(self, partition_key: str, asset: str) -> Path:
        """Where an asset of a partition is, whether or not it exists."""
        sample = parse_key(partition_key)
        users = self.output_root() / "users"
        return users / folder_name(sample.user) / folder_name(sample.sample) / f"{asset}.parquet"

    def database_args(self) -> list[str]:
        args = ["-a", f"ensembl={_as_path(self.ensembl_path)}"]
        for name, path in self.databases.items():
            args += ["-a", f"{name}={_as_path(path)}"]
        return args


def _as_path(path: str) -> str:
    return os.path.abspath(path)


class VarjoinPathIOManager(ConfigurableIOManager):
    """Gives downstream assets the path of an output; the program itself has written it."""

    varjoin: VarjoinResource

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        if obj is not None:
            raise TypeError("assets of varjoin return no value: their files are the outputs")

    def load_input(self, context: InputContext) -> Any:
        asset = context.asset_key.path[-1]
        paths = {
            key: self.varjoin.output_path(key, asset) for key in context.asset_partition_keys
        }
        return next(iter(paths.values())) if len(paths) == 1 else paths
