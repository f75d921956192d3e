"""Annotation of a simulated person: against a join by Polars, and against itself in other layouts."""

import json
import re

import pytest

pl = pytest.importorskip("polars")

ROWS = 150_000


@pytest.fixture(scope="module")
def data(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    varjoin("simulate", "-o", folder / "db", "--rows", ROWS, "--contigs", "21,22", "--seed", 11,
            "--sample", folder / "s.vcf.gz", "--sample-variants", 3000, "--rows-per-rowgroup", 20000)
    return folder


def content_hash(varjoin, path):
    return re.search(r"vjh1:[0-9a-f]{32}", varjoin("verify", path).stdout).group()


def test_matches_are_those_of_a_polars_join(varjoin, data, tmp_path):
    varjoin("annotate", data / "s.vcf.gz", "-a", f"ensembl={data}/db", "-o", tmp_path / "o.parquet", "-q")
    got = pl.read_parquet(tmp_path / "o.parquet")
    database = pl.read_parquet(f"{data}/db/*.parquet")
    key = ["chrom", "start", "ref", "alt"]
    # Split records have a trimmed key (S-25): cut the shared end here as well.
    split = (pl.col("alt_index").max().over("chrom", "start", "ref") > 1)
    single = got.filter(~split)
    joined = single.select(key).unique(maintain_order=True).join(database.with_columns(hit=pl.lit(True)), on=key, how="left")
    assert joined.height == single.height
    assert joined["hit"].is_not_null().sum() == single["TSA"].is_not_null().sum() > 2000
    both = single.select(*key, rsid="rsid_ensembl").sort(key + ["rsid"]).equals(
        joined.select(*key, rsid="id").sort(key + ["rsid"]))
    assert both
    assert got.filter(split)["TSA"].is_not_null().mean() == 1.0


def test_record_counts_add_up(varjoin, data, tmp_path):
    done = varjoin("annotate", data / "s.vcf.gz", "-a", f"ensembl={data}/db", "-o", tmp_path / "o.parquet",
                   "--report", tmp_path / "r.json")
    assert "PROMISE" not in done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    assert pl.scan_parquet(tmp_path / "o.parquet").select(pl.len()).collect().item() == record["rows"]["rows_out"]


@pytest.mark.parametrize("layout", [["--unsorted"], ["--rows-per-rowgroup", "3000"], ["--compat"],
                                    ["--compression", "snappy"]])
def test_layout_of_the_database_does_not_matter(varjoin, data, tmp_path, layout):
    varjoin("simulate", "-o", tmp_path / "db", "--rows", ROWS, "--contigs", "21,22", "--seed", 11, *layout)
    for name, database in (("a", data / "db"), ("b", tmp_path / "db")):
        varjoin("annotate", data / "s.vcf.gz", "-a", f"ensembl={database}", "-o", tmp_path / f"{name}.parquet",
                "--duplicates", "first" if "--unsorted" in layout else "all", "-c", "TSA,MAF,MA,AA,E_*", "-q")
    assert content_hash(varjoin, tmp_path / "a.parquet") == content_hash(varjoin, tmp_path / "b.parquet")


def test_joined_alts_match_as_split_ones(varjoin, tmp_path):
    for name, how in (("split", []), ("joined", ["--joined-alts"])):
        varjoin("simulate", "-o", tmp_path / name, "--rows", 50_000, "--seed", 12, *how)
    varjoin("simulate", "--rows", 50_000, "--seed", 12, "--joined-alts", "--sample", tmp_path / "s.vcf",
            "--sample-variants", 1000, "--private-share", "0")
    varjoin("annotate", tmp_path / "s.vcf", "-a", f"e={tmp_path}/joined", "-o", tmp_path / "o.parquet", "-q")
    assert pl.read_parquet(tmp_path / "o.parquet")["TSA"].is_not_null().all(), "everything in the sample is known"


def test_threads_and_memory_do_not_change_the_bytes(varjoin, data, tmp_path):
    outputs = []
    for i, how in enumerate((["-@", "1"], ["-@", "2"], ["-@", "5", "--memory", "100MB"])):
        varjoin("annotate", data / "s.vcf.gz", "-a", f"ensembl={data}/db", "-o", tmp_path / f"{i}.parquet",
                "--no-version", "-q", *how)
        outputs.append((tmp_path / f"{i}.parquet").read_bytes())
    assert outputs[0] == outputs[1]
    assert content_hash(varjoin, tmp_path / "0.parquet") == content_hash(varjoin, tmp_path / "2.parquet")


def test_a_database_folder_may_be_called_as_a_vcf(varjoin, tmp_path):
    """Its files tell what it is; and a database without a release leaves no blank in VCF's header."""
    folder = tmp_path / "clinvar.vcf"
    folder.mkdir()
    pl.DataFrame({"chrom": ["1"], "start": [5], "ref": ["A"], "alt": ["T"], "GENE": ["g"]}).write_parquet(folder / "a.parquet")
    (tmp_path / "s.vcf").write_text("##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
                                    "1\t5\t.\tA\tT\t.\t.\t.\n")
    varjoin("annotate", "-q", "-a", f"c={folder}", tmp_path / "s.vcf", "-o", tmp_path / "o.vcf")
    text = (tmp_path / "o.vcf").read_text()
    assert "GENE=g\n" in text and '"column GENE of c"' in text and '",Version=' not in text


def test_a_question_mark_of_c_is_a_character(varjoin, tmp_path):
    database = {"chrom": ["1"], "start": [5], "ref": ["A"], "alt": ["C"], "\u00dcn\u00ef": ["x"]}
    pl.DataFrame(database).write_parquet(tmp_path / "db.parquet")
    (tmp_path / "in.vcf").write_text(
        "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\t.\n"
    )
    varjoin("annotate", "-a", f"db={tmp_path / 'db.parquet'}", "-c", "u:=?n?", "-o", tmp_path / "out.parquet",
            tmp_path / "in.vcf", env={"LC_ALL": "C"})
    assert pl.read_parquet(tmp_path / "out.parquet")["u"].to_list() == ["x"]
