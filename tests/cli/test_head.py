"""varjoin inspect --head: the first rows of any Parquet file as TSV."""

import pytest

pl = pytest.importorskip("polars")


def head(varjoin, path, n):
    lines = varjoin("inspect", "--head", n, path).stdout.split("\n")
    assert lines[-1] == ""
    return [line.split("\t") for line in lines[:-1]]


def test_rows_cross_row_groups(varjoin, tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"n": range(25), "t": [None if i % 3 == 0 else f"x{i}" for i in range(25)]}).write_parquet(
        path, row_group_size=10)
    got = head(varjoin, path, 22)
    assert got[0] == ["n", "t"]
    assert got[1:] == [[str(i), "" if i % 3 == 0 else f"x{i}"] for i in range(22)]


def test_more_rows_than_there_are(varjoin, tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"g": [["A", "G"], [], None], "b": [True, None, False]}).write_parquet(path)
    assert head(varjoin, path, 100) == [["g", "b"], ["A,G", "true"], ["\\z", ""], ["", "false"]]


def test_empty_table(varjoin, tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": pl.Series([], dtype=pl.Int32)}).write_parquet(path)
    assert head(varjoin, path, 5) == [["a"]]


def test_only_parquet_has_rows_to_show(varjoin, tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    done = varjoin("inspect", "--head", 2, path, exit_code=1)
    assert done.stderr == f"varjoin: error: {path} is not Parquet: only Parquet shows its first rows\n"


def test_cut_file_is_exit_2(varjoin, tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    done = varjoin("inspect", "--head", 2, path, exit_code=2)
    assert done.stderr.startswith("varjoin: error: ") and done.stderr.count("\n") == 1
