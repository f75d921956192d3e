"""Real samples with real databases: the hit counts that were counted independently (docs/real-data.md).

The files are lent for tests and are not part of the project: without VARJOIN_SHARED or ../shared the
tests say that they were skipped.
"""

import json

import pytest

# database: file it is built from
DATABASES = {
    "hapmap20": "hapmap_r22.chr20.CEU.GRCh38.bcf",
    "hapmap1": "hapmap_r22.chr1.CEU.GRCh37.bcf",
    "hg002": "HG002.chr20.GRCh38.vcf.gz",
    "na12878": "NA12878.chr21.GRCh38.vcf.gz",
    "kg1": "1000G.highcov.chr1-head.GRCh38.vcf.gz",
    "clinvar37": "clinvar.chr1-head.GRCh37.vcf",
    "clinvar38": "clinvar.chr1-head.GRCh38.vcf",
    "nist": "NA12878.nist2.19-complex.GRCh37.vcf.gz",
    "kg22": "1000G.phase3.chr22-16.0-16.5Mb.GRCh37.vcf.gz",
    "gnomad": "gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz",
}


@pytest.fixture(scope="module")
def build(varjoin, shared_data, tmp_path_factory):
    """build("hapmap20") -> folder of the built database; each is built once."""
    root = tmp_path_factory.mktemp("databases")

    def build(name):
        if not (root / name).exists():
            varjoin("reference", "build", "-q", "-o", root / name, shared_data / DATABASES[name])
        return root / name

    return build


@pytest.fixture
def annotate(varjoin, build, shared_data, tmp_path):
    def annotate(sample, *databases, options=(), exit_code=0):
        report = tmp_path / "run.json"
        names = [arg for db in databases for arg in ("-a", f"{db}={build(db)}")]
        done = varjoin(
            "annotate", *options, *names, "-o", tmp_path / "out.parquet", "--report", report,
            shared_data / sample, exit_code=exit_code,
        )
        record = json.loads(report.read_text())
        return {db["name"]: db for db in record["databases"]}, record, done.stderr

    return annotate


HG002 = "HG002.chr20.GRCh38.vcf.gz"
GVCF = "HG00268.chr20-21.GRCh38.g.vcf.gz"
TRIO = "ashkenazi-trio.chr1.GRCh37.vcf.gz"


@pytest.mark.parametrize(
    "sample, database, alleles",
    [
        (HG002, "hapmap20", 30140),
        (GVCF, "hapmap20", 1868),
        ("antku_small.GRCh38.vcf", "kg1", 21),
        (TRIO, "hapmap1", 3763),
        (TRIO, "clinvar37", 21),
        (TRIO, "nist", 96),
        ("NA12878.nist2.19-complex.GRCh37.vcf.gz", "hapmap1", 1652),
        # 1,008 alleles of 1,000 records hit by spelling; four of them are symbolic (<CN0> ...), which
        # never match by allele (S-26): 1,004 and one record less
        ("HG00096.chr22.GRCh37.vcf.bgz", "kg22", 1004),
    ],
)
def test_counts(annotate, sample, database, alleles):
    found, record, _ = annotate(sample, database)
    assert found[database]["matched_alleles"] == alleles
    unmatched = sum(found[database]["unmatched"].values())
    assert found[database]["matched_alleles"] + unmatched == record["rows"]["rows_joined"]


def test_every_allele_of_hg00096_is_accounted_for(annotate):
    found, record, _ = annotate("HG00096.chr22.GRCh37.vcf.bgz", "kg22")
    assert record["rows"]["records_in"] == 1000
    assert record["rows"]["rows_joined"] == 1008
    assert found["kg22"]["unmatched"]["not_matchable"] == 4
    assert found["kg22"]["matched_records"] == 999


def test_trimmed_keys_find_more_than_spelling(annotate):
    """By spelling 3,408 and 2,936 alleles; trimming the ALTs of split records finds the rest."""
    assert annotate(GVCF, "hg002")[0]["hg002"]["matched_alleles"] >= 3408
    assert annotate(GVCF, "na12878")[0]["na12878"]["matched_alleles"] >= 2936


def test_two_databases_in_one_pass(annotate):
    found, record, _ = annotate(TRIO, "hapmap1", "clinvar37")
    assert found["hapmap1"]["matched_alleles"] == 3763
    assert found["clinvar37"]["matched_alleles"] == 21
    assert record["rows"]["rows_out"] == 9940


def test_wrong_build_matches_nothing_and_says_so(annotate):
    found, _, stderr = annotate(TRIO, "clinvar38")
    assert found["clinvar38"]["matched_alleles"] == 0
    assert "nothing matched in the whole database clinvar38" in stderr
    _, _, stderr = annotate(TRIO, "clinvar38", options=["--fail-on-empty"], exit_code=4)
    assert "nothing matched" in stderr


def test_five_databases_in_one_pass(annotate):
    found, record, _ = annotate(TRIO, "hapmap1", "clinvar37", "nist", "clinvar38", "kg22")
    assert found["nist"]["matched_alleles"] == 96
    assert found["kg22"]["unmatched"]["contig_absent"] == 9940
    assert record["rows"]["rows_out"] >= 9940


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_a_byte(varjoin, build, shared_data, tmp_path, threads):
    out = tmp_path / f"{threads}.parquet"
    args = ["annotate", "-q", "--no-version", "-a", f"hapmap={build('hapmap20')}"]
    varjoin(*args, "-@", threads, "-o", out, shared_data / HG002)
    varjoin(*args, "-@", 1, "-o", tmp_path / "one.parquet", shared_data / HG002)
    assert out.read_bytes() == (tmp_path / "one.parquet").read_bytes()


def test_output_formats_hold_the_same_hits(varjoin, build, shared_data, tmp_path):
    for suffix in ("vcf", "vcf.gz", "bcf", "tsv"):
        out = tmp_path / f"out.{suffix}"
        varjoin("annotate", "-q", "-a", f"hapmap={build('hapmap20')}", "-o", out, shared_data / HG002)
        assert out.stat().st_size > 100000
    text = (tmp_path / "out.vcf").read_text()
    records = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(records) == 193047
    assert sum("rsid" in line.split("\t")[7] for line in records) == 30140
    rows = [l for l in (tmp_path / "out.tsv").read_text().splitlines() if not l.startswith("##")]
    column = rows[0].split("\t").index("rsid_hapmap")
    assert sum(row.split("\t")[column] != "" for row in rows[1:]) == 30140
