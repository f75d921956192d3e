"""The run record against its JSON Schema, and the MultiQC table in a real MultiQC."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VARJOIN_BUILD", ROOT / "build" / "dev"))
WRITE = BUILD / "tests" / "test_report"

pytestmark = pytest.mark.skipif(not WRITE.exists(), reason="test_report is not built")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    record, stats = folder / "run.json", folder / "varjoin.stats.json"
    subprocess.run([WRITE, record, stats], check=True)
    return record, stats


def schema():
    return json.loads((ROOT / "docs" / "run.schema.json").read_text())


def test_record_is_valid(files):
    jsonschema = pytest.importorskip("jsonschema")
    record = json.loads(files[0].read_text())
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(record)


def test_schema_notices_changes(files):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    for change in (
        lambda r: r["metadata"].pop("duration_sec"),
        lambda r: r.update(schema="varjoin.run/2"),
        lambda r: r["resources"].update(peak_rss_bytes="12 MB"),
        lambda r: r["databases"][0]["unmatched"].update(lost=1),
    ):
        record = json.loads(files[0].read_text())
        change(record)
        assert not validator.is_valid(record)


def test_multiqc_shows_the_table(files, tmp_path):
    pytest.importorskip("multiqc")
    config = tmp_path / "multiqc_config.yaml"
    config.write_text(
        "custom_data:\n  varjoin: {}\nsp:\n  varjoin:\n    fn: '*varjoin.stats.json'\n"
    )
    subprocess.run(
        [sys.executable, "-m", "multiqc", "--no-version-check", "-q", "-c", config, "-o", tmp_path, files[1].parent],
        check=True,
    )
    page = (tmp_path / "multiqc_report.html").read_text()
    assert "Variants found in reference databases" in page
    data = json.loads((tmp_path / "multiqc_data" / "multiqc_data.json").read_text())
    assert "9902" in json.dumps(data) and "matched_percent_ensembl" in json.dumps(data)
