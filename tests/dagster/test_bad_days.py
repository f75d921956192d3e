"""Memory that runs out and disks that are full, with the real program and the real Dagster."""

import hashlib
import json
import subprocess

import pytest

dg = pytest.importorskip("dagster", minversion="1.13")
from world import BAD_VCF, VarjoinResource, failure_of  # noqa: E402

NATIVE = ["user_vcf_source", "user_vcf_normalized", "user_annotated_vcf_native"]
HEAD = BAD_VCF[: BAD_VCF.index("22\tnine")]


def state(folder):
    """Bytes of what a partition's folder shows to others."""
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.iterdir())
        if not p.name.endswith((".lock", ".failed.run.json"))
    }


def unfinished(folder):
    return [p.name for p in folder.rglob("*") if ".tmp" in p.name or p.name.startswith(".varjoin")]


def write_large(world, n=200_000):
    """More than a few hundred kilobytes as Parquet, whatever the codec."""
    (world.input / "anna" / "tumor.vcf.gz").unlink(missing_ok=True)
    with (world.input / "anna" / "tumor.vcf").open("w") as out:
        out.write(HEAD)
        out.writelines(
            f"22\t{1000 + i}\t.\tA\tC\t{i * 7919 % 100_003}\tPASS\t.\n" for i in range(n)
        )


def fails_and_leaves_all(world, assets, words):
    """The run fails with one of the words; folder and materialisation are as they were."""
    before = state(world.folder()), world.latest(assets[0]).metadata
    result = world.run(*assets)
    text, metadata = failure_of(result)
    assert any(word in text for word in words), text
    assert metadata["exit_code"].value == 3 and "\n" not in text
    assert not any(e.is_step_up_for_retry for e in result.all_events)
    assert (state(world.folder()), world.latest(assets[0]).metadata) == before
    assert unfinished(world.path / "output") == []


@pytest.fixture
def full_disk(world):
    """The output folder is a file system of 400 kB."""
    folder = world.path / "output"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"no small file system here: {done.stderr.decode().strip()}")
    yield
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_while_normalising(world, full_disk):
    assert world.run(*NATIVE).success
    write_large(world)
    fails_and_leaves_all(world, ["user_vcf_normalized"], ["No space left on device"])


@pytest.mark.parametrize("engine", ["native", "duckdb", "polars"])
def test_a_full_disk_while_annotating(world, full_disk, engine):
    asset = "user_annotated_vcf" + ("" if engine == "polars" else f"_{engine}")
    result = world.run(*NATIVE[:2], asset)
    if not result.success and "install" in failure_of(result)[0]:
        pytest.skip(failure_of(result)[0])
    assert result.success
    write_large(world)
    before = state(world.folder()), world.latest(asset).metadata
    # with a column list of its own the asset reads the VCF, so that the table need not fit
    result = world.run(asset, config={asset: {"info_fields": []}})
    text, metadata = failure_of(result)
    assert "No space left on device" in text or "full" in text.lower(), text
    assert metadata["exit_code"].value == 3
    assert (state(world.folder()), world.latest(asset).metadata) == before
    assert unfinished(world.path / "output") == []


def test_a_file_size_limit(world, varjoin_bin, monkeypatch):
    """EFBIG: what a quota or `ulimit -f` gives, and needs no right to mount anything."""
    assert world.run(*NATIVE).success
    write_large(world)
    limited = world.path / "varjoin"
    limited.write_text(f'#!/bin/bash\nulimit -f 200\nexec {varjoin_bin} "$@"\n')
    limited.chmod(0o755)
    monkeypatch.setenv("VARJOIN_BIN", str(limited))
    fails_and_leaves_all(world, ["user_vcf_normalized"], ["File too large"])


# ---- memory ----


def engines_tried(result, asset):
    return [
        e.event_specific_data.error.message if e.event_specific_data.error else ""
        for e in result.all_events
        if e.is_step_up_for_retry and e.step_key == asset
    ]


def test_native_without_memory_takes_duckdb(world):
    """The real thing: 1 MB is refused by the native engine, DuckDB then does the join."""
    asset = "user_annotated_vcf_native"
    assert world.run(*NATIVE[:2]).success
    result = world.run(asset, config={asset: {"memory_limit": "1MB"}})
    if not result.success and "DuckDB library" in failure_of(result)[0]:
        pytest.skip(failure_of(result)[0])
    assert result.success and len(engines_tried(result, asset)) == 1
    metadata = world.latest(asset).metadata
    assert metadata["engine"].value == "duckdb"
    record = json.loads((world.folder() / f"{asset}.run.json").read_text())
    assert record["engine"] == "duckdb" and record["status"] == "ok"


def test_duckdb_without_memory_ends_after_its_frugal_try(world):
    asset = "user_annotated_vcf_duckdb"
    assert world.run(*NATIVE[:2]).success
    result = world.run(asset, config={asset: {"memory_limit": "1MB"}})
    text, metadata = failure_of(result)
    if "DuckDB library" in text:
        pytest.skip(text)
    assert len(engines_tried(result, asset)) == 1, text
    assert metadata["exit_code"].value == 3 and "emory" in text
    assert not (world.folder() / f"{asset}.parquet").exists()
    assert unfinished(world.path / "output") == []


def test_polars_killed_by_its_limit_is_followed_by_duckdb(world):
    """20 positions, 500 records and 500 database rows each: five million rows come out. Polars'
    worker dies of its 200 MB, as the kernel would have it; DuckDB does the join in them."""
    pytest.importorskip("polars")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    asset = "user_annotated_vcf"
    starts = [1000 + i // 500 for i in range(10_000)]
    (world.input / "anna" / "tumor.vcf.gz").unlink()
    (world.input / "anna" / "tumor.vcf").write_text(
        HEAD + "".join(f"22\t{start}\t.\tA\tC\t.\t.\t.\n" for start in starts))
    pq.write_table(pa.table({"chrom": ["22"] * 10_000, "start": starts, "ref": ["A"] * 10_000,
                             "alt": ["C"] * 10_000, "note": list(range(10_000))}),
                   world.path / "many.parquet")
    world.varjoin = VarjoinResource(
        input_dir=world.varjoin.input_dir, output_dir=world.varjoin.output_dir,
        ensembl_path=str(world.path / "many.parquet"), threads=1, settle_sec=0)
    assert world.run(*NATIVE[:2]).success
    result = world.run(asset, config={asset: {"memory_limit": "200MB"}})
    if not result.success and "DuckDB library" in failure_of(result)[0]:
        pytest.skip(failure_of(result)[0])
    said = [e.message for e in result.all_events if e.is_step_up_for_retry]
    assert len(engines_tried(result, asset)) == 1, said
    assert result.success, failure_of(result)
    metadata = world.latest(asset).metadata
    assert metadata["engine"].value == "duckdb" and metadata["num_rows"].value == 5_000_001


def test_bad_input_is_not_tried_again(world):
    (world.input / "anna" / "tumor.vcf.gz").unlink()
    (world.input / "anna" / "tumor.vcf").write_text(BAD_VCF)
    asset = "user_annotated_vcf_native"
    result = world.run(asset, config={asset: {"info_fields": []}})
    text, metadata = failure_of(result)
    assert "nine" in text and metadata["exit_code"].value == 2
    assert engines_tried(result, asset) == []
