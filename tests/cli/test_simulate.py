"""varjoin simulate: shape and frequencies of the database, the samples, and what is refused."""

import gzip
import hashlib
import os
import signal
import subprocess
import time

import pytest

pl = pytest.importorskip("polars")

ROWS = 100_000


def digest(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def database(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("db")
    varjoin("simulate", "-o", folder, "--rows", ROWS, "--seed", 7, "--sample", folder / "s.vcf")
    return folder


@pytest.fixture(scope="module")
def table(database):
    return pl.read_parquet(database / "homo_sapiens-chr22.parquet")


def records(path):
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
    with opened as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def test_database_has_ensembls_columns(table):
    assert table.columns[:8] == ["chrom", "start", "end", "id", "ref", "alt", "qual", "filter"]
    assert len(table.columns) == 27
    assert table.height == ROWS
    assert table.schema["start"] == pl.UInt32 and table.schema["E_Freq"] == pl.Boolean
    assert table.schema["MAF"] == pl.Float32 and table.schema["id"] == pl.String


def test_database_is_sorted_and_consistent(table):
    assert table["start"].is_sorted()
    assert table["chrom"].unique().to_list() == ["22"]
    assert (table["end"].cast(int) == table["start"].cast(int) + table["ref"].str.len_bytes() - 1).all()
    assert (table["ref"] != table["alt"]).all()
    assert table["alt"].str.contains(r"^[ACGT]+$").all() and table["ref"].str.contains(r"^[ACGT]+$").all()


def test_database_frequencies(table):
    share = {c: table[c].mean() for c in ("E_Freq", "E_TOPMed", "E_gnomAD", "E_Multiple_observations")}
    for column, wanted in {"E_Freq": 0.85, "E_TOPMed": 0.75, "E_gnomAD": 0.70, "E_Multiple_observations": 0.50}.items():
        assert abs(share[column] - wanted) < 0.02, share
    assert 0.86 < (table["TSA"] == "SNV").mean() < 0.91
    assert 0.88 < table["AA"].is_not_null().mean() < 0.92
    common = (table["MAF"] > 0.01).fill_null(False).mean()
    assert 0.005 < common < 0.015
    keys = table.select("start", "ref", "alt")
    assert 20 < keys.height - keys.unique().height < 500, "some keys come twice, under two rsIDs"


def test_sample_follows_the_database(table, database):
    rows = records(database / "s.vcf")
    assert abs(len(rows) - ROWS * 0.0045) < 80
    starts = [int(r[1]) for r in rows]
    assert starts == sorted(starts)
    known = {(s, r, a): f for s, r, a, f in table.select("start", "ref", "alt", "MAF").iter_rows()}
    single = [r for r in rows if "," not in r[4]]
    hit = [known[(int(r[1]), r[3], r[4])] for r in single if (int(r[1]), r[3], r[4]) in known]
    assert 0.90 < len(hit) / len(single) < 0.995
    assert sum(f is not None and f > 0.005 for f in hit) / len(hit) > 0.85
    for r in rows:
        assert r[0] == "chr22" and r[8] == "GT:GQ:DP:AD:VAF:PL"
        fields = r[9].split(":")
        n_alleles = 1 + len(r[4].split(","))
        assert len(fields[3].split(",")) == n_alleles
        assert sum(map(int, fields[3].split(","))) == int(fields[2])
        assert len(fields[5].split(",")) == n_alleles * (n_alleles + 1) // 2


def test_same_seed_same_bytes_whatever_the_threads(varjoin, tmp_path):
    for name, threads in (("a", 1), ("b", 3)):
        varjoin("simulate", "-o", tmp_path / name, "--rows", 30000, "--contigs", "20,21,X", "--seed", 3,
                "--sample", tmp_path / name / "s.vcf.gz", "-@", threads)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert sorted(digest(tmp_path / "a"))[:3] == [f"homo_sapiens-chr{c}.parquet" for c in ("20", "21", "X")]
    varjoin("simulate", "-o", tmp_path / "c", "--rows", 30000, "--contigs", "20,21,X", "--seed", 4)
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_the_sample_alone_is_the_same_sample(varjoin, database, tmp_path):
    varjoin("simulate", "--rows", ROWS, "--seed", 7, "--sample", tmp_path / "s.vcf")
    assert (tmp_path / "s.vcf").read_bytes() == (database / "s.vcf").read_bytes()


def test_another_person_of_the_same_population(varjoin, database, tmp_path):
    varjoin("simulate", "--rows", ROWS, "--seed", 7, "--sample-seed", 8, "--sample", tmp_path / "t.vcf")
    first = {tuple(r[1:5]) for r in records(database / "s.vcf")}
    second = {tuple(r[1:5]) for r in records(tmp_path / "t.vcf")}
    assert first != second and len(first & second) > len(first) / 10


def test_joined_alts_and_unsorted(varjoin, tmp_path):
    varjoin("simulate", "-o", tmp_path, "--rows", 150000, "--joined-alts", "--unsorted")
    table = pl.read_parquet(tmp_path / "homo_sapiens-chr22.parquet")
    assert table.height == 150000
    assert 0.08 < table["alt"].str.contains("|", literal=True).mean() < 0.14
    assert not table["start"].is_sorted()
    assert table.head(50000)["start"].max() > table.tail(50000)["start"].min()


def test_gvcf_covers_without_overlap(varjoin, tmp_path):
    varjoin("simulate", "--rows", 20000, "--sample", tmp_path / "g.vcf", "--gvcf")
    last = 10000
    for r in records(tmp_path / "g.vcf"):
        if r[4] == "<*>":
            end = int(r[7].removeprefix("END="))
            assert int(r[1]) == last + 1 and end >= int(r[1])
            last = end
        else:
            assert r[4].endswith(",<*>")
            last = max(last, int(r[1]) + len(r[3]) - 1)


def test_several_samples(varjoin, tmp_path):
    varjoin("simulate", "--rows", 50000, "--sample", tmp_path / "c.vcf.gz", "--samples", 5, "--sample-variants", 400)
    rows = records(tmp_path / "c.vcf.gz")
    assert abs(len(rows) - 400) < 80
    for r in rows:
        genotypes = [cell.split(":")[0] for cell in r[9:]]
        assert len(genotypes) == 5 and any(g != "0/0" for g in genotypes)


def test_rows_per_rowgroup_and_compat(varjoin, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    varjoin("simulate", "-o", tmp_path, "--rows", 30000, "--rows-per-rowgroup", 10000, "--compat")
    file = pq.ParquetFile(tmp_path / "homo_sapiens-chr22.parquet")
    assert file.metadata.num_row_groups == 3
    assert file.read().num_rows == 30000


@pytest.mark.parametrize("arguments, message", [
    ([], "neither a database nor a sample is asked for"),
    (["-o", "x", "--contigs", "22,foo"], "contig 'foo' is none of 1..22, X, Y, MT"),
    (["-o", "x", "--contigs", "22,chr22"], "contig 22 is named twice"),
    (["-o", "x", "--contigs", "MT", "--rows", "20000"],
     "20000 rows do not fit into contig MT of 16569 bases (most: 13254)"),
    (["-o", "x", "--rows", "0"], "--rows: 0 is not in 1..4000000000"),
    (["-o", "x", "--rows", "many"], "--rows: 'many' is not a whole number"),
    (["-o", "x", "--spacing", "0.5"], "--spacing: 0.5 is not in 1.25..1000000"),
    (["--sample", "x.vcf", "--gvcf", "--samples", "2"], "a gVCF has one sample, not 2"),
    (["-o", "x", "--layout", "fast"], "layout: expected as-is, tuned or plain, found 'fast'"),
    (["-o", "x", "--layout", "tuned", "--unsorted"],
     "layout tuned makes the files as reference build does: rows sorted, one an ALT, groups and codec its own"),
    (["x"], "'x' is not expected; the folder is given by -o"),
])
def test_wrong_usage(varjoin, tmp_path, arguments, message):
    done = varjoin("simulate", *arguments, exit_code=1, cwd=tmp_path)
    assert done.stderr == f"varjoin: error: {message}\n"
    assert not any(tmp_path.iterdir())


def test_unwritable_output_is_exit_3(varjoin, tmp_path):
    (tmp_path / "file").write_text("")
    done = varjoin("simulate", "-o", tmp_path / "file" / "db", "--rows", 1000, exit_code=3)
    assert done.stderr.startswith("varjoin: error: ") and done.stderr.count("\n") == 1


def test_interrupt_ends_within_a_second_and_leaves_nothing(varjoin_bin, tmp_path):
    process = subprocess.Popen([varjoin_bin, "simulate", "-o", tmp_path, "--rows", "20000000"],
                               stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - sent < 2
    assert os.listdir(tmp_path) == []


def test_environment_sets_what_the_command_line_does_not(varjoin, tmp_path):
    done = varjoin("simulate", "-o", tmp_path, "--rows", 100, env={"VARJOIN_MEMORY": "lots"}, exit_code=1)
    assert done.stderr == "varjoin: error: VARJOIN_MEMORY: 'lots' is not a size (256MB, 1.5GiB)\n"
    varjoin("simulate", "-o", tmp_path, "--rows", 100, env={"VARJOIN_THREADS": "1"})


def test_genome_has_24_contigs_and_says_its_need(varjoin, tmp_path):
    done = varjoin("simulate", "--genome", "--rows", 240000, "-o", tmp_path, "--sample", tmp_path / "s.vcf.gz", "-v", 1)
    said = done.stderr.splitlines()
    assert "GB will be written" in said[0] and "GB are free" in said[0]
    files = sorted(p.name for p in tmp_path.glob("*.parquet"))
    assert files == sorted(f"homo_sapiens-chr{c}.parquet" for c in [*range(1, 23), "X", "Y"])
    assert sum(pl.scan_parquet(p).select(pl.len()).collect().item() for p in tmp_path.glob("*.parquet")) == 240000
    contigs = list(dict.fromkeys(r[0] for r in records(tmp_path / "s.vcf.gz")))
    assert contigs == [f"chr{c}" for c in [*range(1, 23), "X", "Y"]]


def test_no_room_is_said_before_a_byte_is_written(varjoin, tmp_path):
    done = varjoin("simulate", "-o", tmp_path / "db", "--rows", 1_300_000_000, "--contigs", "1,2,3,4,5,6,7,8,9,10,11,12",
                   "--samples", 4096, "--sample", tmp_path / "s.vcf", "--sample-variants", 4_000_000_000, exit_code=3)
    assert "GB are needed" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("layout", ["tuned", "plain"])
def test_a_layout_is_what_reference_build_makes(varjoin, tmp_path, layout):
    common = ["simulate", "--contigs", "20,21,X", "--rows", 60000, "--seed", 9]
    varjoin(*common, "-o", tmp_path / "raw")
    varjoin("reference", "build", tmp_path / "raw", "-o", tmp_path / "built", "--layout", layout)
    for threads in (1, 2):
        folder = tmp_path / f"direct{threads}"
        varjoin(*common, "-o", folder, "--layout", layout, "-@", threads)
        assert sorted(p.name for p in folder.iterdir()) == ["chr20.parquet", "chr21.parquet", "chrX.parquet", "view.sql"]
        assert (folder / "view.sql").read_text() == (tmp_path / "built" / "view.sql").read_text()
        for contig in ("20", "21", "X"):
            hashes = {varjoin("verify", file).stdout.split("rows,")[1] for file in (
                folder / f"chr{contig}.parquet", tmp_path / "built" / f"chr{contig}.parquet",
                tmp_path / "raw" / f"homo_sapiens-chr{contig}.parquet")}
            assert len(hashes) == 1, hashes
    assert digest(tmp_path / "direct1") == digest(tmp_path / "direct2")
