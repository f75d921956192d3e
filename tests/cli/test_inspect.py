"""varjoin inspect: what Parquet, VCF and BCF files say about themselves."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VCF = """##fileformat=VCFv4.2
##FILTER=<ID=q10,Description="Quality below 10">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Total depth">
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##contig=<ID=chr1,length=248956422>
##varjoin_annotateVersion=0.1.0
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNA1
chr1\t5\t.\tA\tT\t50\tPASS\tDP=3;AF=0.5\tGT\t0/1
"""


@pytest.fixture(autouse=True)
def needs_verb(has_verb):
    if not has_verb("inspect"):
        pytest.skip("inspect is not linked")


@pytest.fixture
def make(tmp_path):
    tool = os.environ.get("VJ_WRITE_TABLE", ROOT / "build/dev/tests/write_table")
    if not Path(tool).is_file():
        pytest.skip("the test program write_table is not built")

    def make(table, rows, *options, seed=1):
        path = tmp_path / f"{table}.parquet"
        subprocess.run([tool, table, str(rows), str(seed), path, *options], check=True, timeout=60)
        return path

    return make


def as_json(varjoin, *args):
    return json.loads(varjoin("inspect", "--json", *args).stdout)


def test_parquet_facts_are_those_that_pyarrow_finds(varjoin, make):
    pq = pytest.importorskip("pyarrow.parquet")
    path = make("flat", 2500, "group=1000")
    found = as_json(varjoin, "--row-groups", path)
    meta = pq.ParquetFile(path).metadata
    assert (found["rows"], found["row_groups"], found["format"]) == (2500, 3, "Parquet")
    assert found["footer_bytes"] == meta.serialized_size
    assert found["created_by"] == meta.created_by
    assert found["key_values"] == {"varjoin.test": "grün"}
    for g, group in enumerate(found["row_group_details"]):
        assert group["rows"] == meta.row_group(g).num_rows
        for c, chunk in enumerate(group["columns"]):
            theirs = meta.row_group(g).column(c)
            assert chunk["path"] == theirs.path_in_schema
            assert chunk["codec"] == theirs.compression
            assert chunk["compressed_bytes"] == theirs.total_compressed_size
            assert chunk["nulls"] == theirs.statistics.null_count
            if chunk["path"] in ("i8", "u16", "i32", "u32", "i64") and theirs.statistics.has_min_max:
                assert (chunk["min"], chunk["max"]) == (theirs.statistics.min, theirs.statistics.max)


def test_bounds_over_all_row_groups(varjoin, make):
    pytest.importorskip("pyarrow")
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = make("flat", 2500, "group=1000", seed=4)
    table = pq.read_table(path)
    columns = {c["path"]: c for c in as_json(varjoin, path)["columns"]}
    for name in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f64", "bool"):
        bounds = pc.min_max(table[name]).as_py()
        if bounds["min"] is not None:
            kind = type(bounds["min"])
            assert (kind(columns[name]["min"]), kind(columns[name]["max"])) == (bounds["min"], bounds["max"]), name
    assert columns["date"]["min"] == str(pc.min(table["date"]).as_py())
    assert columns["dec32"]["max"] == str(pc.max(table["dec32"]).as_py())
    assert columns["text"]["type"] == "text" and columns["ts_us"]["type"] == "timestamp[us, UTC]"


def test_pages_of_a_column(varjoin, make):
    path = make("nested", 1000, "page=300", "group=700")
    pages = as_json(varjoin, "--pages", "texts", path)["pages"]["texts.list.element"]
    data = [p for p in pages if p["kind"] == "DATA_PAGE_V2"]
    assert [p["rows"] for p in data] == [300, 300, 100, 300]
    assert all(p["crc"] for p in pages)
    text = varjoin("inspect", "--pages", "pair", path).stdout
    assert "pages of pair.a" in text and "pages of pair.b.list.element" in text


def test_no_such_column(varjoin, make):
    path = make("flat", 10)
    done = varjoin("inspect", "--pages", "nope", path, exit_code=1)
    assert done.stderr == f"varjoin: error: {path}: no column nope\n"


def test_text_of_a_parquet_file(varjoin, make):
    lines = varjoin("inspect", make("variants", 5000)).stdout.splitlines()
    assert "Parquet, written by varjoin version" in lines[0]
    assert lines[1].startswith("  5,000 rows, 37 columns, 1 row group, ")
    assert any(line.split()[:3] == ["start", "uint32", "0"] for line in lines)
    assert lines[-2:] == ["key-values", "  varjoin.test: grün"]


def test_vcf_header(varjoin, tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text(VCF)
    found = as_json(varjoin, path)
    assert found["format"].startswith("VCF 4.2") and found["samples"] == ["NA1"]
    assert found["contigs"] == [{"name": "chr1", "length": 248956422}]
    assert [(i["id"], i["number"], i["type"]) for i in found["infos"]] == [("DP", 1, "Integer"), ("AF", "A", "Float")]
    assert found["provenance"] == ["varjoin_annotateVersion=0.1.0"]
    assert {"name": "genotype", "type": "list<text>"} in found["columns"]
    text = varjoin("inspect", path).stdout
    assert "samples: 1 (NA1)" in text and "Total depth" in text


def test_vcf_on_standard_input(varjoin, tmp_path):
    found = json.loads(varjoin("inspect", "--json", "-", input=VCF).stdout)
    assert found["path"] == "standard input" and found["samples"] == ["NA1"]


def test_several_files(varjoin, make, tmp_path):
    (tmp_path / "a.vcf").write_text(VCF)
    found = as_json(varjoin, make("flat", 10), tmp_path / "a.vcf")
    assert [f["format"][:3] for f in found] == ["Par", "VCF"]


def test_bytes_of_the_file_do_not_reach_the_terminal(varjoin, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    path = tmp_path / "a.parquet"
    table = pa.table({"a\x1b[2Jb": ["x\x1b]0;y\x07"]}).replace_schema_metadata({"k\x1b": "v\x1b[1m"})
    pq.write_table(table, path)
    assert "\x1b" not in varjoin("inspect", "--full", "--row-groups", "--pages", "a\x1b[2Jb", path).stdout


def test_neither_parquet_nor_vcf(varjoin, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("hello\n")
    assert str(path) in varjoin("inspect", path, exit_code=2).stderr
    (tmp_path / "empty").write_bytes(b"")
    assert "empty" in varjoin("inspect", tmp_path / "empty", exit_code=2).stderr
    (tmp_path / "cut.parquet").write_bytes(b"PAR1abc")
    assert "cut.parquet" in varjoin("inspect", tmp_path / "cut.parquet", exit_code=2).stderr


def test_nested_columns_are_shown_as_json(varjoin, tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pair = pa.struct([("a", pa.int32()), ("b", pa.string()), ("c", pa.float64()), ("d", pa.list_(pa.bool_()))])
    rows = [{"a": 1, "b": 'x"y', "c": 0.5, "d": [True, None]}, None, {"a": None, "b": "é", "c": float("nan"), "d": None}]
    pq.write_table(pa.table({
        "s": pa.array(rows, pair),
        "l": pa.array([[[1], []], [], None], pa.list_(pa.list_(pa.int8()))),
        "m": pa.array([[("k", 1)], [("k", None)], None], pa.map_(pa.string(), pa.int32())),
        "plain": pa.array([[1, 2], [], None], pa.list_(pa.int8())),
    }), tmp_path / "n.parquet")
    head, *lines = varjoin("inspect", "--head", "5", tmp_path / "n.parquet").stdout.splitlines()
    cells = [line.split("\t") for line in lines]
    read = lambda cell: None if cell == "" else json.loads(cell.replace("\\\\", "\\"))
    assert head.split("\t") == ["s", "l", "m", "plain"]
    assert [read(c[0]) for c in cells] == [rows[0], None, {"a": None, "b": "é", "c": "nan", "d": None}]
    assert [read(c[1]) for c in cells] == [[[1], []], [], None]
    assert [read(c[2]) for c in cells] == [[{"key": "k", "value": 1}], [{"key": "k", "value": None}], None]
    assert [c[3] for c in cells][0] == "1,2"
