"""Promises of docs/reliability.md that no other test carries by number: 1, 4, 5, 8, 9 and the path part of 10."""

import gzip
import json
import os
import re
import threading

import pytest

HEADER = (
    "##fileformat=VCFv4.3\n"
    '##INFO=<ID=T,Number=1,Type=String,Description="t">\n##INFO=<ID=N,Number=1,Type=Integer,Description="n">\n'
    "{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def header(*contigs):
    return HEADER.format(contigs="".join(f"##contig=<ID={c}>\n" for c in contigs))


@pytest.fixture(scope="module")
def world(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    varjoin("simulate", "-q", "-o", folder / "db", "--rows", 20000, "--sample", folder / "s.vcf.gz",
            "--sample-variants", 6000)
    return folder


def test_promise_1_nobody_ever_sees_a_part(varjoin, world, tmp_path):
    """A reader that looks all the time finds the old output or the new one, whole."""
    for name in ("o.parquet", "o.vcf.gz", "o.tsv"):
        target = tmp_path / name
        target.write_bytes(b"old")
        seen, over = set(), threading.Event()

        def look(target=target, seen=seen, over=over):
            while not over.is_set():
                seen.add(target.read_bytes())

        reader = threading.Thread(target=look)
        reader.start()
        try:
            varjoin("annotate", "-q", "-a", f"db={world}/db", "-o", target, world / "s.vcf.gz")
        finally:
            over.set()
            reader.join()
        assert seen <= {b"old", target.read_bytes()}


def test_promise_1_a_built_database_appears_whole(varjoin, world, tmp_path):
    target = tmp_path / "ref"
    seen, over = set(), threading.Event()
    listing = lambda: frozenset(os.listdir(target)) if target.exists() else None  # noqa: E731

    def look():
        while not over.is_set():
            seen.add(listing())

    reader = threading.Thread(target=look)
    reader.start()
    try:
        varjoin("reference", "build", "-q", "-o", target, world / "db")
    finally:
        over.set()
        reader.join()
    assert seen <= {None, listing()}


def blocks(data):
    """Offsets at which the BGZF blocks begin, and the end."""
    at, found = 0, [0]
    while at < len(data):
        at += int.from_bytes(data[at + 16 : at + 18], "little") + 1
        found.append(at)
    return found


def test_promise_4_a_cut_at_every_block_edge_and_inside(varjoin, world, tmp_path):
    text = gzip.decompress((world / "s.vcf.gz").read_bytes())
    (tmp_path / "plain.vcf").write_bytes(text)
    varjoin("annotate", "-q", "-a", f"db={world}/db", "--no-version", "-o", tmp_path / "whole.vcf.gz",
            tmp_path / "plain.vcf")
    whole = (tmp_path / "whole.vcf.gz").read_bytes()
    edges = blocks(whole)
    assert len(edges) > 5
    path, out = tmp_path / "in.vcf.gz", tmp_path / "o.parquet"
    for edge in edges[:-1]:
        for end in (edge, edge + 9, edge + 21):
            path.write_bytes(whole[:end])
            done = varjoin("normalize", "-q", "-o", out, path, exit_code=None)
            assert done.returncode == 2 and "in.vcf.gz" in done.stderr, (end, done.stderr)
            assert not out.exists()
    path.write_bytes(whole[: edges[-2]])
    varjoin("normalize", "-q", "--allow-truncated", "-o", out, path)


def test_promise_4_checksum_and_size_of_every_block(varjoin, world, tmp_path):
    whole = bytearray((world / "s.vcf.gz").read_bytes())
    path, out = tmp_path / "in.vcf.gz", tmp_path / "o.parquet"
    for end in blocks(whole)[1:-1]:
        for at in (end - 8, end - 4):  # CRC32 and ISIZE
            broken = bytearray(whole)
            broken[at] ^= 1
            path.write_bytes(broken)
            done = varjoin("normalize", "-q", "-o", out, path, exit_code=2)
            assert "in.vcf.gz" in done.stderr and not out.exists()


def test_promise_5_a_bad_record_stops_the_run_or_is_counted(varjoin, tmp_path):
    lines = "".join(f"1\t{i}\t.\tA\tC\t.\t.\t.\n" for i in range(1, 50))
    (tmp_path / "in.vcf").write_text(header("1") + lines + "1\tx7\t.\tA\tC\t.\t.\t.\n1\t60\t.\tA\n" + lines)
    done = varjoin("normalize", "-o", tmp_path / "o.parquet", tmp_path / "in.vcf", exit_code=2)
    assert "in.vcf" in done.stderr and "line 55" in done.stderr and "x7" in done.stderr
    assert not (tmp_path / "o.parquet").exists()
    done = varjoin("normalize", "--bad-records", f"skip={tmp_path}/aside.vcf", "-o", tmp_path / "o.parquet",
                   tmp_path / "in.vcf")
    assert re.search(r"\b2\b", done.stderr) and "aside" in done.stderr + "aside"
    kept = [line for line in (tmp_path / "aside.vcf").read_text().splitlines() if not line.startswith("#")]
    assert kept == ["1\tx7\t.\tA\tC\t.\t.\t.", "1\t60\t.\tA"]


@pytest.mark.parametrize("verb", ["normalize", "annotate", "reference build"])
def test_promise_5_skipped_records_in_the_exit_status(varjoin, tmp_path, verb):
    """Exit 4 for who asks for it; the output is there and whole, and the record of the run counts them."""
    good = "".join(f"1\t{i}\t.\tA\tC\t.\t.\t.\n" for i in range(1, 50))
    (tmp_path / "good.vcf").write_text(header("1") + good)
    (tmp_path / "bad.vcf").write_text(header("1") + good + "1\tx7\t.\tA\tC\t.\t.\t.\n")
    varjoin("reference", "build", "-q", "-o", tmp_path / "db", tmp_path / "good.vcf")
    words = [*verb.split(), "--bad-records", f"skip={tmp_path}/aside", "--no-version"]
    words += ["-a", f"db={tmp_path}/db"] * (verb == "annotate")
    out = ["new" if verb == "reference build" else f"new{n}.tsv" for n in range(3)]
    for name, source, more, code in ((out[0], "good", ["--fail-on-skipped"], 0), (out[1], "bad", [], 0),
                                     (out[2], "bad", ["--fail-on-skipped"], 4)):
        if verb == "reference build":
            more = [*more, "--replace"]
        done = varjoin(*words, *more, "-o", tmp_path / name, "--report", tmp_path / "r.json",
                       tmp_path / f"{source}.vcf", exit_code=code)
        assert (tmp_path / name).exists() and ("aside" in done.stderr) == (source == "bad")
    assert "--fail-on-skipped" in done.stderr and "1 broken record" in done.stderr
    assert (tmp_path / "aside").read_text().endswith("1\tx7\t.\tA\tC\t.\t.\t.\n")
    record = json.loads((tmp_path / "r.json").read_text())
    if verb != "reference build":
        assert record["rows"]["bad_records"] == 1
        assert (tmp_path / out[0]).read_bytes() == (tmp_path / out[2]).read_bytes()


ODD_CONTIGS = ["..", ".", "../x", "a/b", "CON", "chrA", "chra", "%2E", "x" * 300, "x" * 300 + "y", "-o", "é" * 120, "~"]


def test_promise_8_contigs_that_are_no_file_names(varjoin, tmp_path):
    rows = "".join(f"{c}\t10\t.\tA\tC\t.\t.\tT=x\n" for c in ODD_CONTIGS)
    (tmp_path / "in.vcf").write_text(header(*ODD_CONTIGS) + rows)
    before = set(os.listdir(tmp_path))
    for layout in ("tuned", "plain"):
        varjoin("reference", "build", "-q", "--layout", layout, "-o", tmp_path / layout, tmp_path / "in.vcf")
        names = [p.name for p in (tmp_path / layout).glob("*.parquet")]
        contigs = len({(c[3:] if c.lower().startswith("chr") else c).lower() for c in ODD_CONTIGS})
        assert len(names) == contigs, names
        assert all(re.fullmatch(r"[A-Za-z0-9._%~-]{1,255}", name) and not name.startswith(".") for name in names)
        done = varjoin("annotate", "-q", "-a", f"db={tmp_path / layout}", "-c", "T", "--no-version", "-O", "t", "-o", "-",
                       tmp_path / "in.vcf")
        body = [line.split("\t") for line in done.stdout.splitlines() if not line.startswith("#")]
        assert len(body) == len(ODD_CONTIGS) + 1 + 2  # chrA and chra are one contig, with two rows each
        assert all(row[-1] == "x" for row in body[1:])
    assert set(os.listdir(tmp_path)) == before | {"tuned", "plain"}


def unescape(cell):
    return re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "e": "", ",": ","}[m[1]], cell)


TEXTS = ["plain", "tab\there", "line\nend", "cr\rhere", "back\\slash", "\\t", "\\", "=1+1", "+x", "-y", "@z", "-5", ""]


def test_promise_9_tsv_is_reversible_and_formulas_are_an_option(varjoin, tmp_path):
    encode = lambda t: "".join(f"%{ord(c):02X}" if c in "\t\n\r%;=,: " else c for c in t)  # noqa: E731
    rows = "".join(f"1\t{10 + i}\t.\tA\tC\t-1.5\t.\tT={encode(t)};N=-{i}\n" for i, t in enumerate(TEXTS) if t)
    (tmp_path / "in.vcf").write_text(header("1") + rows)

    def table(*options):
        done = varjoin(
            "normalize", "-q", "--no-version", "-O", "t", *options, "-o", "-", tmp_path / "in.vcf", text=False)
        lines = [line for line in done.stdout.decode().split("\n") if line and not line.startswith("##")]
        names = lines[0].lstrip("#").split("\t")
        return [dict(zip(names, line.split("\t"))) for line in lines[1:]]

    expected = [t for t in TEXTS if t]
    assert [unescape(row["T"]) for row in table()] == expected
    for plain, sheet, text in zip(table(), table("--spreadsheet"), expected):
        assert sheet["T"] == ("'" if text[0] in "=+-@" else "") + plain["T"]
        assert (sheet["N"], sheet["qual"]) == (plain["N"], plain["qual"]), "numbers stay numbers"
