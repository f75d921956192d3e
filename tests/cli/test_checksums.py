"""One rule for stale checksums of Parquet pages: refused by every verb, read with --no-checksums."""

import struct

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

OLD, NEW = 0.123456789, 0.5
CALLS = {
    "annotate": ["annotate", "-O", "t", "-o", "-", "-a", "d={db}", "{vcf}"],
    "annotate, Parquet in": ["annotate", "-O", "t", "-o", "-", "-a", "e={good}", "{db}"],
    "normalize": ["normalize", "-O", "t", "-o", "-", "{db}"],
    "reference build": ["reference", "build", "-o", "{tmp}/built", "{db}"],
    "inspect": ["inspect", "--head", "3", "{db}"],
    "verify": ["verify", "{db}"],
}
# What reads pages of the start column alone: to find out how it counts.
START_CALLS = {
    "plan": ["plan", "-a", "d={starts}", "{vcf}"],
    "reference info": ["reference", "info", "{starts}"],
}


def write(path):
    table = pa.table({
        "chrom": ["1", "1"],
        "start": pa.array([100, 200], pa.int64()),
        "end": pa.array([100, 200], pa.int64()),
        "ref": ["A", "G"],
        "alt": ["C", "T"],
        "AF": [OLD, 0.25],
    })
    pq.write_table(table, path, write_page_checksum=True, use_dictionary=False, compression="none")


def flip(path, form, old, new):
    """Both values side by side stand in the page alone: statistics have one of them."""
    old, new = struct.pack(f"<2{form}", *old), struct.pack(f"<2{form}", *new)
    data = path.read_bytes()
    at = data.index(old)
    path.write_bytes(data[:at] + new + data[at + len(old):])


@pytest.fixture
def files(tmp_path):
    """Databases where a value, or a start, was changed behind its page's checksum."""
    names = {"tmp": tmp_path, "vcf": tmp_path / "in.vcf"}
    for name in ("db", "starts", "good"):
        names[name] = tmp_path / f"{name}.parquet"
        write(names[name])
    flip(names["db"], "d", (OLD, 0.25), (NEW, 0.25))
    flip(names["starts"], "q", (100, 200), (100, 150))
    names["vcf"].write_text("##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
                            "1\t100\t.\tA\tC\t.\t.\t.\n1\t150\t.\tG\tT\t.\t.\t.\n")
    return names


@pytest.mark.parametrize("call", [*CALLS.values(), *START_CALLS.values()], ids=[*CALLS, *START_CALLS])
def test_a_stale_checksum(varjoin, files, call):
    args = [word.format(**files) for word in call]
    bad = varjoin(*args, exit_code=2)
    assert bad.stderr.count("\n") == 1 and "expected checksum" in bad.stderr and "--no-checksums" in bad.stderr
    assert not (files["tmp"] / "built").exists()
    varjoin(*args, "--no-checksums")


def test_the_value_that_stands_there_is_read(varjoin, files):
    done = varjoin("annotate", "--no-checksums", "--no-version", "-O", "t", "-o", "-", "-a", f"d={files['db']}", files["vcf"])
    assert "\t0.5\n" in done.stdout
    varjoin("reference", "build", "-q", "--no-checksums", "-o", files["tmp"] / "built", files["db"])
    (built,) = (files["tmp"] / "built").glob("*.parquet")
    assert "\t0.5\n" in varjoin("inspect", "--head", "2", built).stdout


def test_several_samples_and_threads(varjoin, files):
    second = files["tmp"] / "second.vcf"
    second.write_bytes(files["vcf"].read_bytes())
    args = ["annotate", "-@", "2", "-O", "t", "-o", files["tmp"] / "out", "-a", f"d={files['db']}", files["vcf"], second]
    assert "expected checksum" in varjoin(*args, exit_code=2).stderr
    varjoin(*args, "--no-checksums")
    assert "\t0.5\n" in (files["tmp"] / "out" / "second.tsv").read_text()
