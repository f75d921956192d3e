"""What a person sees: the real web server, a real browser, the pages of the assets.

One server and one story, in the order of the tests: materialise from the Launchpad, look, let a
run fail, look again. Screenshots stay in build/dagster-ui (VJ_UI_SHOTS).
"""

import re

import pytest
from pages import ASSET, NAMES, launch, page, shot, shown_metadata, site  # noqa: F401
from world import BAD_VCF

import varjoin

def test_a_run_from_the_launchpad_succeeds(site, page):
    run = launch(site, page, "anna/tumor", picture="launchpad")
    site.wait_for(run, "SUCCESS")
    page.get_by_text("Success", exact=True).first.wait_for()
    shot(page, "run")
    assert (site.output / "anna" / "tumor" / f"{ASSET}.parquet").exists()
    site.wait_for(launch(site, page, "ben/exome"), "SUCCESS")


def test_the_asset_graph(site, page):
    page.goto(site.base + "/asset-groups")
    for name in ("ensembl_annotations", "user_vcf_source", "user_vcf_normalized",
                 "user_annotated_vcf_duckdb", ASSET):
        page.get_by_text(name, exact=True).first.wait_for()
    page.wait_for_timeout(1500)
    shot(page, "graph")


def test_every_name_is_in_the_metadata_section_with_its_value(site, page):
    shown = shown_metadata(site, page, "anna/tumor")
    folder = site.output / "anna" / "tumor"
    record = varjoin.RunRecord.load(folder / f"{ASSET}.run.json")
    for name in NAMES:
        kept = getattr(record.metadata, name)
        assert name in shown, f"{name} is not on the page"
        if isinstance(kept, float):
            assert float(shown[name]) == pytest.approx(kept, abs=0.051), name
        elif isinstance(kept, int):
            assert int(shown[name].replace(",", "")) == kept, name
        else:
            assert shown[name] == kept, name
    output = folder / f"{ASSET}.parquet"
    assert shown["output_file"] == str(output)
    assert float(shown["file_size_mb"]) == pytest.approx(output.stat().st_size / 1e6, abs=1e-3)
    assert shown["sample_description"] == "left lung, 2 mm"
    # What the join found, by the record and by the file's own rows.
    ensembl = record.database("ensembl")
    assert int(shown["rows_matched_ensembl"].replace(",", "")) == ensembl.matched_alleles > 0
    for reason, n in ensembl.unmatched.items():
        assert int(shown[f"unmatched_ensembl_{reason}"].replace(",", "")) == n, reason
    pq = pytest.importorskip("pyarrow.parquet")
    footer = pq.ParquetFile(output).metadata
    assert int(shown["num_rows"].replace(",", "")) == footer.num_rows
    assert int(shown["num_columns"].replace(",", "")) == footer.num_columns
    key_values = {k.decode(): v.decode() for k, v in footer.metadata.items()}
    assert shown["content_hash"] == key_values["varjoin.content_hash"]
    shot(page, "metadata", 1500)


def test_overview_has_columns_and_checks(site, page):
    page.goto(f"{site.base}/assets/{ASSET}?view=overview")
    page.get_by_text("Metadata", exact=True).first.wait_for()
    page.get_by_text("genotype", exact=True).first.wait_for()
    shot(page, "overview")
    page.goto(f"{site.base}/assets/{ASSET}?view=checks")
    for name in ("rows_in_equals_rows_out", "matches_above_zero", "memory_within_promise"):
        page.get_by_text(name, exact=True).first.wait_for()
    shot(page, "checks")


def test_plots_over_several_runs(site, page):
    site.wait_for(launch(site, page, "anna/tumor"), "SUCCESS")
    page.goto(f"{site.base}/assets/{ASSET}?view=overview")
    page.get_by_role("button", name="Plots").click()
    page.get_by_role("button", name="Events").last.click()
    for name in ("duration_sec", "peak_memory_mb", "cpu_percent", "num_rows"):
        page.get_by_text(name, exact=True).first.wait_for()
    assert page.locator("canvas").count() >= 4
    page.get_by_text("duration_sec", exact=True).first.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    shot(page, "plots")


def test_a_bad_vcf_shows_our_line_and_the_earlier_result_stands(site, page):
    before = shown_metadata(site, page, "anna/tumor")
    source = site.input / "anna" / "tumor.vcf.gz"
    kept = source.read_bytes()
    source.unlink()
    source.with_name("tumor.vcf").write_text(BAD_VCF)
    run = launch(site, page, "anna/tumor")
    site.wait_for(run, "FAILURE")
    line = page.get_by_text(re.compile(r"tumor\.vcf.*'?nine'?"))
    line.first.wait_for()
    page.wait_for_timeout(1500)
    shot(page, "failure")
    assert shown_metadata(site, page, "anna/tumor") == before
    source.with_name("tumor.vcf").unlink()
    source.write_bytes(kept)
