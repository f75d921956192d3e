"""A small database, two users' files, and the assets on them under the real Dagster."""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def made(tmp_path_factory, varjoin_bin):
    """Files that are the same for all tests: ens/, anna.vcf.gz, ben.vcf.gz."""
    folder = tmp_path_factory.mktemp("made")

    def simulate(*args):
        subprocess.run(
            [varjoin_bin, "simulate", "--rows", "20000", "--contigs", "22", *args],
            check=True, capture_output=True, timeout=200,
        )

    simulate("-o", folder / "ens", "--sample", folder / "anna.vcf.gz")
    simulate("--sample", folder / "ben.vcf.gz", "--sample-seed", "7")
    return folder


@pytest.fixture
def world(made, tmp_path, varjoin_bin, monkeypatch):
    import dagster as dg
    from world import VarjoinResource, World

    monkeypatch.setenv("VARJOIN_BIN", str(varjoin_bin))
    monkeypatch.chdir(tmp_path)
    for user, sample in (("anna", "tumor"), ("ben", "exome")):
        (tmp_path / "input" / user).mkdir(parents=True)
        shutil.copy(made / f"{user}.vcf.gz", tmp_path / "input" / user / f"{sample}.vcf.gz")
    varjoin = VarjoinResource(
        input_dir=str(tmp_path / "input"), output_dir=str(tmp_path / "output"),
        ensembl_path=str(made / "ens"), memory_limit="512MB", threads=2, lock_wait_sec=0.5,
        settle_sec=0,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        one = World(tmp_path, instance, varjoin)
        one.add("anna/tumor", "ben/exome")
        yield one
