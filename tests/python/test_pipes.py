"""Our Pipes messages under the real Dagster library.

The reporting program is the unit test `test_pipes` run with an argument: it reports a made-up
run. VARJOIN_BUILD names the build folder (default build/dev).
"""

import os
import sys
from pathlib import Path

import pytest

dagster = pytest.importorskip("dagster", minversion="1.13")
from dagster import (  # noqa: E402
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    DagsterInstance,
    PipesSubprocessClient,
    asset,
    materialize,
)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VARJOIN_BUILD", ROOT / "build" / "dev"))
EMIT = BUILD / "tests" / "test_pipes"
CHECKS = ["rows_in_equals_rows_out", "matches_above_zero", "memory_within_promise"]

pytestmark = pytest.mark.skipif(not EMIT.exists(), reason="test_pipes is not built")


def run(how, extras=None, checks=(), implicit=False):
    """Materialize one asset whose process is ours; the run's result."""

    @asset(name="annotated", check_specs=[AssetCheckSpec(c, asset="annotated") for c in checks])
    def annotated(context: AssetExecutionContext, pipes: PipesSubprocessClient):
        return pipes.run(
            command=how if isinstance(how, list) else [str(EMIT), how],
            context=context,
            extras=extras,
        ).get_results(implicit_materializations=implicit)

    instance = DagsterInstance.ephemeral()
    result = materialize(
        [annotated],
        resources={"pipes": PipesSubprocessClient()},
        instance=instance,
        raise_on_error=False,
    )
    return result, instance


def metadata_of(result):
    (event,) = result.asset_materializations_for_node("annotated")
    return event.metadata


def test_typed_metadata_arrives():
    result, _ = run("report")
    assert result.success
    m = metadata_of(result)
    assert m["duration_sec"].value == 2.5
    assert isinstance(m["cpu_percent"].value, float) and m["cpu_percent"].value == 140.0
    assert m["num_rows"].value == 9902 and isinstance(m["num_rows"].value, int)
    assert m["peak_memory_mb"].value == 123.456
    assert m["memory_delta_mb"].value == -0.004
    assert m["file_size_mb"].value == 0.765
    assert m["output_file"].value == "out <b>.parquet"
    assert type(m["source_vcf"]).__name__ == "PathMetadataValue"
    assert m["user_name"].value == "anna"
    assert m["sample_name"].value.startswith("s\ufffdile")
    assert m["dagster/row_count"].value == 9902
    assert m["dagster/partition_row_count"].value == 9902
    assert m["dagster/size_bytes"].value == 765432
    assert m["rows_matched_ensembl"].value == 9000
    assert m["rows_matched_clin<var>"].value == 36
    columns = m["dagster/column_schema"].value.columns
    assert [c.name for c in columns] == ["chrom", "start", "AF"]
    records = m["matches"].value.records
    assert records[0].data["database"] == "ensembl" and records[0].data["no_position"] == 60
    assert m["dagster/last_updated_timestamp"].value == pytest.approx(1700000002.623)


def test_data_version_is_the_content_hash():
    _, instance = run("report")
    event = instance.get_latest_materialization_event(AssetKey("annotated"))
    tags = event.asset_materialization.tags
    assert tags["dagster/data_version"] == "0011223344556677"


def test_large_metadata_is_cut_but_arrives():
    result, _ = run("many")
    m = metadata_of(result)
    assert result.success and m["duration_sec"].value == 2.5
    assert "dagster/column_schema" in m["left_out"].value


def test_checks_arrive_when_the_asset_declares_them():
    result, instance = run("report", extras={"varjoin_checks": CHECKS}, checks=CHECKS)
    assert result.success
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert set(found) == set(CHECKS)
    assert all(e.passed for e in found.values())
    assert found["matches_above_zero"].severity.value == "WARN"
    assert found["rows_in_equals_rows_out"].severity.value == "ERROR"
    assert "9902 rows expected" in found["rows_in_equals_rows_out"].metadata["text"].value


def test_thousands_of_lines_do_not_tear():
    result, instance = run("lines")
    assert result.success
    assert metadata_of(result)["num_rows"].value == 9902


def test_failure_is_a_failure_and_reports_nothing():
    result, instance = run("fail")
    assert not result.success
    failure = [e for e in result.all_events if e.is_step_failure][0]
    assert "code 2" in str(failure.step_failure_data.error)
    assert instance.get_latest_materialization_event(AssetKey("annotated")) is None


# The traps: what a broken line does to Dagster, and that we are the ones who do not make it.
OPENED = '{"__dagster_pipes_version":"0.1","method":"opened","params":{"extras":{}}}'
GOOD = (
    '{"__dagster_pipes_version":"0.1","method":"report_asset_materialization","params":'
    '{"asset_key":"annotated","data_version":null,"metadata":{"x":{"type":"float","raw_value":%s}}}}'
)
CLOSED = '{"__dagster_pipes_version":"0.1","method":"closed","params":{}}'
WRITER = """
import base64, json, os, sys, zlib
p = json.loads(zlib.decompress(base64.b64decode(os.environ["DAGSTER_PIPES_MESSAGES"])))["path"]
open(p, "ab").write(sys.stdin.buffer.read())
"""


def run_raw(lines):
    text = "\n".join(lines) + "\n"
    code = f"import io, sys\nsys.stdin = io.TextIOWrapper(io.BytesIO({text.encode()!r}))\n" + WRITER
    return run([sys.executable, "-c", code])


def test_trap_control_good_lines_are_taken():
    result, _ = run_raw([OPENED, GOOD % "3.5", CLOSED])
    assert result.success


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        '{"__dagster_pipes_version":"0.1","method":"log","params":{"message":"x","level":"LOUD"}}',
        '{"__dagster_pipes_version":"0.1","method":"shout","params":{}}',
        GOOD % "3",
    ],
    ids=["blank", "half a line", "unknown level", "unknown method", "float without dot"],
)
def test_trap_one_bad_line_silences_the_report(bad):
    """Why our writer is careful; without implicit materializations such a run fails."""
    result, instance = run_raw([OPENED, bad, GOOD % "3.5", CLOSED])
    assert not result.success
    assert instance.get_latest_materialization_event(AssetKey("annotated")) is None
