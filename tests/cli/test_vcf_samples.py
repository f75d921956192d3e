"""Samples of VCF and BCF output: all, those of -s in its order, or none."""

import pytest

HEADER = """##fileformat=VCFv4.3
##contig=<ID=1,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO"""
DATABASE = HEADER + "\n1\t5\trs5\tA\tC\t.\t.\t.\n1\t9\trs9\tG\tT\t.\t.\t.\n"
SAMPLE = HEADER + "\tFORMAT\ta\tb\tc\n1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1/1\t0/0\n"


@pytest.fixture
def annotate(varjoin, tmp_path):
    (tmp_path / "db.vcf").write_text(DATABASE)
    (tmp_path / "in.vcf").write_text(SAMPLE)
    varjoin("reference", "build", "-q", "-o", tmp_path / "db.parquet", tmp_path / "db.vcf")

    def annotate(*options):
        out = tmp_path / "out.vcf"
        done = varjoin("annotate", "-a", f"db={tmp_path / 'db.parquet'}", *options, "-o", out,
                       tmp_path / "in.vcf")
        lines = [line.split("\t") for line in out.read_text().splitlines() if line[:2] != "##"]
        return [line[8:] for line in lines], lines[1][7], done.stderr

    return annotate


@pytest.mark.parametrize(
    "options, columns",
    [
        ([], [["FORMAT", "a", "b", "c"], ["GT", "0/1", "1/1", "0/0"]]),
        (["--all-samples"], [["FORMAT", "a", "b", "c"], ["GT", "0/1", "1/1", "0/0"]]),
        (["-s", "c,a"], [["FORMAT", "c", "a"], ["GT", "0/0", "0/1"]]),
        (["-s", "^a"], [["FORMAT", "b", "c"], ["GT", "1/1", "0/0"]]),
        (["--sites-only"], [[], []]),
    ],
)
def test_the_samples_asked_for(annotate, options, columns):
    found, info, stderr = annotate(*options)
    assert found == columns
    assert info == "end_db=5;rsid_db=rs5"
    assert "warning" not in stderr


def test_field_choices_that_have_no_effect_are_said(annotate):
    assert "choose columns of Parquet and TSV only" in annotate("--no-formats")[2]
