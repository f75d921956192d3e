"""Several inputs in one sweep: each output is what a run of its own gives, and all appear or none."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

pq = pytest.importorskip("pyarrow.parquet")

ROWS = 120_000
HEADER = (
    "##fileformat=VCFv4.2\n"
    "{extra}"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)
# MAF is a column of the database too; contigs in another order, and spelled otherwise
OTHER = HEADER.format(extra='##INFO=<ID=MAF,Number=A,Type=Float,Description="m">\n'
                            "##contig=<ID=chr22>\n##contig=<ID=chr21>\n##contig=<ID=chrM,length=16571>\n")


def simulate(varjoin, folder, name, *options):
    varjoin("simulate", "--rows", ROWS, "--contigs", "21,22", "--seed", 5, "--sample", folder / name, *options)
    return folder / name


def text_of(varjoin_bin, path, varjoin, folder):
    """Records of a VCF.gz as lines."""
    import gzip

    return [line for line in gzip.open(path, "rt") if not line.startswith("#")]


@pytest.fixture(scope="module")
def world(varjoin, varjoin_bin, tmp_path_factory):
    """A database, and inputs of every kind."""
    folder = tmp_path_factory.mktemp("sweep")
    varjoin("simulate", "-o", folder / "db", "--rows", ROWS, "--contigs", "21,22", "--seed", 5,
            "--rows-per-rowgroup", 9000)
    plain = simulate(varjoin, folder, "plain.vcf.gz", "--sample-variants", 6000)
    simulate(varjoin, folder, "binary.bcf", "--sample-variants", 4000, "--sample-seed", 2)
    simulate(varjoin, folder, "blocks.vcf.gz", "--sample-variants", 2500, "--sample-seed", 3, "--gvcf")
    simulate(varjoin, folder, "three.vcf.gz", "--sample-variants", 3000, "--sample-seed", 4, "--samples", 3)
    source = simulate(varjoin, folder, "source.vcf", "--sample-variants", 5000, "--sample-seed", 6)
    varjoin("normalize", source, "-o", folder / "table.parquet", "-q")
    source.unlink()
    lines = text_of(varjoin_bin, plain, varjoin, folder)
    cut = ["\t".join(line.split("\t")[:7]) + "\tMAF=0.5\n" for line in lines]
    of_22 = [line for line in cut if line.startswith("chr22")]
    of_21 = [line for line in cut if line.startswith("chr21")]
    assert of_21 and of_22
    (folder / "order.vcf").write_text(OTHER + "".join(of_22 + of_21) + "chrM\t150\t.\tT\tC\t.\t.\t.\n")
    (folder / "unsorted.vcf").write_text(HEADER.format(extra="") + "".join(
        line.replace("MAF=0.5", ".") for i in range(7) for line in cut[i::7]))
    (folder / "empty.vcf").write_text(OTHER)
    (folder / "few.vcf").write_text(HEADER.format(extra="") + cut[-1] + "\n\n")
    (folder / "odd.vcf").write_text(
        HEADER.format(extra="##contig=<ID=chr21>\n") + "".join(
            line.replace("\tMAF=0.5", "\t.") for line in of_21[:50]) +
        "chrUn_1\t5\t.\tA\tC,<DEL>,*\t.\t.\t.\n22\t20000000\t.\tACGT\tA,ACG,<*>\t.\t.\t.\n")
    return folder


MIXED = ["plain.vcf.gz", "binary.bcf", "blocks.vcf.gz", "three.vcf.gz", "table.parquet", "order.vcf",
         "unsorted.vcf", "empty.vcf", "few.vcf", "odd.vcf"]


def stem(name):
    return re.sub(r"\.(vcf\.gz|vcf|bcf|parquet)$", "", name)


def sweep(varjoin, folder, names, out, *options, database=None, exit_code=0):
    report = out.parent / f"{out.name}.json"
    done = varjoin("annotate", *[folder / n for n in names], "-a", f"ensembl={database or folder / 'db'}",
                   "-o", out, "--report", report, *options, exit_code=exit_code)
    return done, json.loads(report.read_text())


def alone(varjoin, folder, name, out, *options):
    report = out.parent / f"{out.name}.json"
    varjoin("annotate", folder / name, "-a", f"ensembl={folder}/db", "-o", out, "--report", report, "-q", *options)
    return json.loads(report.read_text())


def same_as_alone(varjoin, world, tmp_path, names, *options):
    _, record = sweep(varjoin, world, names, tmp_path / "all", "-q", *options)
    assert sorted(os.listdir(tmp_path / "all")) == sorted(f"{stem(n)}.parquet" for n in names)
    single = [o for i, o in enumerate(options) if o != "--batch-rows" and (i == 0 or options[i - 1] != "--batch-rows")]
    for name, sample in zip(names, record["samples"]):
        own = alone(varjoin, world, name, tmp_path / "one.parquet", *single)
        assert sample["content_hash"] == own["output"]["content_hash"], name
        ours, theirs = pq.read_table(tmp_path / "all" / f"{stem(name)}.parquet"), pq.read_table(tmp_path / "one.parquet")
        assert ours.schema.equals(theirs.schema), name
        assert ours.equals(theirs), name
        for key in ("records_in", "rows_in", "rows_joined", "rows_expected", "rows_out", "columns_out"):
            assert sample[key] == own["rows"][key], (name, key)
        for ours, theirs in zip(sample["databases"], own["databases"]):
            assert {k: ours[k] for k in ours if k != "warning"} == {k: theirs[k] for k in ours if k != "warning"}, name
    return record


@pytest.mark.parametrize("how", [["-@", "1"], ["-@", "4"], ["-@", "2", "--batch-rows", "37"],
                                 ["--batch-rows", "1000", "--duplicates", "first"]], ids=str)
def test_every_output_is_that_of_a_run_of_its_own(varjoin, world, tmp_path, how):
    record = same_as_alone(varjoin, world, tmp_path, MIXED, *how)
    assert record["rows"]["rows_out"] == sum(s["rows_out"] for s in record["samples"])
    assert record["databases"][0]["matched_alleles"] == sum(
        s["databases"][0]["matched_alleles"] for s in record["samples"]) > 10_000
    assert record["output"]["content_hash"] is None and len(record["inputs"]) == len(MIXED)
    assert all(check["passed"] for check in record["checks"] if check["name"] == "rows_in_equals_rows_out")


@pytest.mark.parametrize("how", [["-t", "chr22"], ["-c", "MAF,TSA"], ["-f", "PASS,.", "--min-qual", "40"],
                                 ["--variants-only", "--no-formats"]], ids=str)
def test_options_apply_to_all(varjoin, world, tmp_path, how):
    names = [n for n in MIXED if n != "table.parquet"]
    same_as_alone(varjoin, world, tmp_path, names, *how)


def test_all_samples_of_a_file_that_is_one_of_several(varjoin, world, tmp_path):
    same_as_alone(varjoin, world, tmp_path, ["three.vcf.gz", "plain.vcf.gz"], "--all-samples", "--batch-rows", "100")


def test_ten_people(varjoin, world, tmp_path):
    names = []
    for i in range(10):
        names.append(f"person{i}.vcf.gz")
        simulate(varjoin, world, names[-1], "--sample-variants", 1500, "--sample-seed", 100 + i)
    record = same_as_alone(varjoin, world, tmp_path, names)
    stages = {s["name"]: s for s in record["stages"]}
    assert stages["keys"]["rows"] <= 3 * ROWS, "the database is scanned for all of them at once"


def test_two_databases_and_a_column_name_that_only_one_input_has(varjoin, world, tmp_path):
    done, record = sweep(varjoin, world, ["order.vcf", "plain.vcf.gz"], tmp_path / "all", "-a", f"again={world}/db")
    names = [pq.read_schema(tmp_path / "all" / f"{n}.parquet").names for n in ("order", "plain")]
    assert "MAF_ensembl" in names[0] and "MAF_ensembl" not in names[1] and "MAF_again" in names[1]
    assert "order.vcf" in done.stderr and "plain.vcf.gz" in done.stderr
    assert [d["name"] for d in record["samples"][0]["databases"]] == ["ensembl", "again"]


@pytest.mark.parametrize("letter, suffix", [("v", ".vcf"), ("z", ".vcf.gz"), ("b", ".bcf"), ("t", ".tsv")])
def test_other_formats(varjoin, world, tmp_path, letter, suffix):
    names = ["plain.vcf.gz", "binary.bcf", "three.vcf.gz"]
    sweep(varjoin, world, names, tmp_path / "all", "-O", letter, "--no-version", "-q")
    index = [".tbi"] if letter == "z" else [".csi"] if letter == "b" else []
    assert {f"{stem(n)}{suffix}" for n in names} <= set(os.listdir(tmp_path / "all"))
    for name in names:
        varjoin("annotate", world / name, "-a", f"ensembl={world}/db", "-O", letter, "--no-version", "-q",
                "-o", tmp_path / f"{stem(name)}{suffix}")
        for end in ["", *index]:
            file = f"{stem(name)}{suffix}{end}"
            assert (tmp_path / file).exists() == (tmp_path / "all" / file).exists(), file
            if not end:
                assert (tmp_path / "all" / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_threads_do_not_change_the_bytes(varjoin, world, tmp_path):
    for threads in ("1", "4"):
        sweep(varjoin, world, MIXED, tmp_path / threads, "-@", threads, "--batch-rows", "500", "--no-version", "-q")
    for name in os.listdir(tmp_path / "1"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes(), name


def test_one_input_and_a_folder(varjoin, world, tmp_path):
    (tmp_path / "here").mkdir()
    for folder in ("here", "new/"):
        varjoin("annotate", world / "few.vcf", "-a", f"e={world}/db", "-o", f"{tmp_path}/{folder}", "-q")
        assert os.listdir(tmp_path / folder.strip("/")) == ["few.parquet"]


def test_old_outputs_are_replaced_and_others_stay(varjoin, world, tmp_path):
    out = tmp_path / "all"
    out.mkdir()
    (out / "few.parquet").write_text("old")
    (out / "note.txt").write_text("mine")
    sweep(varjoin, world, ["few.vcf", "empty.vcf"], out, "-q")
    assert sorted(os.listdir(out)) == ["empty.parquet", "few.parquet", "note.txt"]
    assert pq.read_table(out / "few.parquet").num_rows == 1
    assert pq.read_table(out / "empty.parquet").num_rows == 0


# ---- refusals ----


def error_of(done):
    lines = [l for l in done.stderr.splitlines() if l.startswith("varjoin: error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def refused(varjoin, *args, exit_code):
    return error_of(varjoin("annotate", "-q", *args, exit_code=exit_code))


def test_two_inputs_of_one_name(varjoin, world, tmp_path):
    (tmp_path / "a").mkdir()
    shutil.copy(world / "few.vcf", tmp_path / "a" / "few.vcf")
    said = refused(varjoin, world / "few.vcf", tmp_path / "a/few.vcf", "-a", f"e={world}/db", "-o", tmp_path / "o",
                   exit_code=1)
    assert str(world / "few.vcf") in said and str(tmp_path / "a/few.vcf") in said
    assert not (tmp_path / "o").exists()


def test_an_input_given_twice(varjoin, world, tmp_path):
    os.symlink(world / "few.vcf", tmp_path / "other.vcf")
    for again in (world / "few.vcf", tmp_path / "other.vcf"):
        assert "twice" in refused(varjoin, world / "few.vcf", again, "-a", f"e={world}/db", "-o", tmp_path / "o",
                                  exit_code=1)


@pytest.mark.parametrize("out, words", [("-", "expected a folder"), (None, "expected a folder"), ("file", "found a file")])
def test_no_folder(varjoin, world, tmp_path, out, words):
    (tmp_path / "file").write_text("x")
    output = [] if out is None else ["-o", out if out == "-" else tmp_path / out]
    assert words in refused(varjoin, world / "few.vcf", world / "empty.vcf", "-a", f"e={world}/db", *output, exit_code=1)


def test_standard_input_and_bad_records_are_for_one(varjoin, world, tmp_path):
    assert "standard input" in refused(varjoin, world / "few.vcf", "-", "-a", f"e={world}/db", "-o", tmp_path / "o",
                                       exit_code=1)
    assert "--bad-records" in refused(varjoin, world / "few.vcf", world / "empty.vcf", "-a", f"e={world}/db", "-o",
                                      tmp_path / "o", "--bad-records", f"skip={tmp_path}/aside", exit_code=1)


def test_an_output_that_is_an_input(varjoin, world, tmp_path):
    shutil.copy(world / "table.parquet", tmp_path / "table.parquet")
    assert "the input itself" in refused(varjoin, tmp_path / "table.parquet", world / "few.vcf", "-a", f"e={world}/db",
                                         "-o", tmp_path, exit_code=1)


@pytest.mark.parametrize("there", [False, True])
def test_one_broken_input_fails_all(varjoin, world, tmp_path, there):
    lines = (world / "order.vcf").read_text().splitlines(keepends=True)
    (tmp_path / "broken.vcf").write_text("".join(lines[:-3]) + "chr21\tx9\t.\tA\tC\t.\t.\t.\n")
    out = tmp_path / "o"
    if there:
        out.mkdir()
        (out / "plain.parquet").write_text("old")
    said = refused(varjoin, world / "plain.vcf.gz", tmp_path / "broken.vcf", world / "binary.bcf",
                   "-a", f"e={world}/db", "-o", out, "--batch-rows", "200", exit_code=2)
    assert "broken.vcf" in said and f"line {len(lines) - 2}" in said and "x9" in said
    assert sorted(os.listdir(tmp_path)) == (["broken.vcf", "o"] if there else ["broken.vcf"])
    if there:
        assert os.listdir(out) == ["plain.parquet"] and (out / "plain.parquet").read_text() == "old"


def test_a_missing_input_and_a_truncated_one(varjoin, world, tmp_path):
    assert "gone.vcf" in refused(varjoin, world / "few.vcf", tmp_path / "gone.vcf", "-a", f"e={world}/db", "-o",
                                 tmp_path / "o", exit_code=2)
    whole = (world / "plain.vcf.gz").read_bytes()
    (tmp_path / "cut.vcf.gz").write_bytes(whole[: len(whole) // 2])
    assert "cut.vcf.gz" in refused(varjoin, world / "few.vcf", tmp_path / "cut.vcf.gz", "-a", f"e={world}/db", "-o",
                                   tmp_path / "o", exit_code=2)
    assert os.listdir(tmp_path) == ["cut.vcf.gz"]


def test_truncated_and_allowed_as_alone(varjoin, world, tmp_path):
    whole = (world / "plain.vcf.gz").read_bytes()
    (tmp_path / "cut.vcf.gz").write_bytes(whole[:-28])
    shutil.copy(world / "few.vcf", tmp_path / "few.vcf")
    os.symlink(world / "db", tmp_path / "db")
    same_as_alone(varjoin, tmp_path, tmp_path, ["cut.vcf.gz", "few.vcf"], "--allow-truncated", "--batch-rows", "64")


def test_memory_is_asked_for_before_anything_is_read(varjoin, world, tmp_path):
    names = [world / n for n in MIXED]
    said = refused(varjoin, *names, "-a", f"e={world}/db", "-o", tmp_path / "o", "--memory", "40MB", exit_code=3)
    need = int(re.search(r"at least (\d+) MB", said).group(1))
    assert 40 < need < 200
    _, record = sweep(varjoin, world, MIXED, tmp_path / "o", "--memory", f"{need + 1}MB", "-q", "-@", "4")
    assert record["resources"]["budget_peak_bytes"] <= (need + 1) * 1_000_000


def test_nothing_matched_is_said_of_the_input(varjoin, world, tmp_path):
    (tmp_path / "away.vcf").write_text(HEADER.format(extra="") + "".join(
        f"chr21\t{pos}\t.\tA\tC\t.\t.\t.\n" for pos in range(1, 200)))
    done, record = sweep(varjoin, world, ["plain.vcf.gz", tmp_path / "away.vcf"], tmp_path / "o")
    assert re.search(r"away\.vcf: nothing matched", done.stderr)
    assert record["samples"][1]["databases"][0]["warning"] and not record["samples"][0]["databases"][0]["warning"]
    varjoin("annotate", world / "plain.vcf.gz", tmp_path / "away.vcf", "-a", f"e={world}/db", "-o", tmp_path / "p",
            "--fail-on-empty", exit_code=4)


# ---- ends ----


def start(varjoin_bin, world, out):
    slow = ["--batch-rows", "5", "-@", "2", "-q"]
    return subprocess.Popen([varjoin_bin, "annotate", *[world / n for n in MIXED], "-a", f"e={world}/db", "-o", out,
                             *slow], stderr=subprocess.PIPE, text=True)


def wait_for_staging(folder, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if any(name.endswith(".tmp") and os.listdir(folder / name) for name in os.listdir(folder)):
            return
        time.sleep(0.01)
    raise AssertionError("the run ended before it began to write")


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_output(varjoin, varjoin_bin, world, tmp_path, sent, there):
    out = tmp_path / "o"
    if there:
        out.mkdir()
    process = start(varjoin_bin, world, out)
    wait_for_staging(out if there else tmp_path, process)
    process.send_signal(sent)
    process.wait(timeout=20)
    assert process.returncode == (130 if sent == signal.SIGINT else -9)
    left = os.listdir(out if there else tmp_path)
    if sent == signal.SIGINT:
        assert left == []
    else:
        assert all(name.startswith(".") and name.endswith(".tmp") for name in left)
    varjoin("annotate", world / "few.vcf", world / "empty.vcf", "-a", f"e={world}/db", "-o", out, "-q")
    assert sorted(os.listdir(out)) == ["empty.parquet", "few.parquet"]
    assert os.listdir(tmp_path) == ["o"]


# ---- plan, engines ----


def test_plan_of_several(varjoin, world):
    names = [world / n for n in ("plain.vcf.gz", "three.vcf.gz")]
    text = varjoin("plan", *names, "-a", f"e={world}/db").stdout
    assert all(str(n) in text for n in names) and "native" in text
    plan = json.loads(varjoin("plan", *names, "-a", f"e={world}/db", "--json").stdout)
    assert [s["input"] for s in plan["samples"]] == [str(n) for n in names]
    one = json.loads(varjoin("plan", names[0], "-a", f"e={world}/db", "--json").stdout)
    assert plan["rows"] > one["rows"] and plan["databases"][0]["rows"] <= 1.2 * one["databases"][0]["rows"]


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_other_engines_take_them_one_after_the_other(varjoin, world, tmp_path, engine):
    names = ["plain.vcf.gz", "order.vcf", "empty.vcf"]
    options = ["-c", "TSA,MAF"]
    done, _ = sweep(varjoin, world, names, tmp_path / engine, "--engine", engine, *options, exit_code=None), None
    if done[0].returncode != 0 and re.search(r"libduckdb|Polars", done[0].stderr):
        pytest.skip(f"no {engine} here")
    assert done[0].returncode == 0, done[0].stderr
    _, native = sweep(varjoin, world, names, tmp_path / "native", "-q", *options)
    assert [s["content_hash"] for s in done[1]["samples"]] == [s["content_hash"] for s in native["samples"]]
    assert [s["rows_out"] for s in done[1]["samples"]] == [s["rows_out"] for s in native["samples"]]
    assert os.listdir(tmp_path / engine) == os.listdir(tmp_path / "native") or \
        sorted(os.listdir(tmp_path / engine)) == sorted(os.listdir(tmp_path / "native"))
