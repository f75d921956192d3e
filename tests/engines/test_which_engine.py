"""docs/which-engine.md says what --engine auto takes: each row of its table is asked of `varjoin plan`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import engines  # noqa: E402
from conftest import find_binary  # noqa: E402

PAGE = Path(__file__).resolve().parents[2] / "docs" / "which-engine.md"
SORTED, MANY_PASSES = ["-a", "a=sorted"], ["--batch-rows", "512"]
# Words of the table's first column -> options of a job like it, once for each engine that the row names.
CASES = {
    "standard VCF": [SORTED],
    "low-RAM": [[*SORTED, "--memory", "128MB"]],
    "5 or more databases": [[word for n in "abcde" for word in ("-a", f"{n}=sorted")]],
    "cohort": [[*SORTED, "--all-samples"]],
    "few passes": [["-a", "a=mixed", "--batch-rows", "1000000"]],
    "many passes": [["-a", "a=mixed", *MANY_PASSES], ["-a", "a=mixed", *MANY_PASSES, "--memory", "300MB"]],
    "other join columns": [[*SORTED, "--join-columns", "chrom,start"],
                           [*SORTED, "--join-columns", "chrom,start", "--memory", "300MB"]],
    "SELECT of your own": [[*SORTED, "--sql-file", "own.sql"]],
}


def rows():
    """(situation, engines in order of the second column) of the page's first table."""
    lines = PAGE.read_text().split("| situation | auto takes |")[1].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            return
        situation, takes = [cell.strip() for cell in line.strip("|").split("|")][:2]
        yield situation, re.findall("native|polars|duckdb", takes)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("which")
    for name, options in (("sorted", ["--sample", folder / "in.vcf.gz", "--sample-variants", "20000", "--samples", "3"]),
                          ("mixed", ["--unsorted", "--rows-per-rowgroup", "8192"])):
        done = engines.run(find_binary(), ["simulate", "-q", "-o", folder / name, "--rows", "60000", *options])
        assert done.code == 0, done.stderr
    (folder / "own.sql").write_text("SELECT * FROM sample")
    return folder


def planned(binary, place, options):
    words = [str(place / w) if w == "own.sql" else w.replace("=", f"={place}/") if re.fullmatch("[a-e]=.*", w) else w
             for w in options]
    tools = [w for e in ("duckdb", "polars") if engines.absent(e) is None for w in engines.engine_args(e)[2:]]
    words += ["-o", str(place / "o.parquet"), str(place / "in.vcf.gz")]
    done = subprocess.run([str(binary), "plan", "--json", *tools, *words],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["engine"]


@pytest.mark.parametrize("situation, takes", list(rows()))
def test_auto_takes_what_the_page_says(varjoin_bin, place, situation, takes):
    missing = [e for e in takes if engines.absent(e)]
    if missing:
        pytest.skip(f"not here: {missing}")
    [jobs] = [jobs for words, jobs in CASES.items() if words in situation]
    # the second engine of a row is the one for where the first does not fit
    assert [planned(varjoin_bin, place, job) for job in jobs] == takes[:len(jobs)]


def test_every_row_has_a_case():
    assert len(list(rows())) == len(CASES)
