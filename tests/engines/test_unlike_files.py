"""S-28: files of one database that store a column in different types: the one type that holds them all, in every engine."""

import datetime
import decimal

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

import cases  # noqa: E402
import engines  # noqa: E402

D = decimal.Decimal
NOON = datetime.datetime(2001, 2, 3, 12, 30, 1)
HOLDS = {  # name: type and value of each file, type of the result
    "signed": ((pa.int8(), -5), (pa.int32(), 2**31 - 1), (pa.int64(), -(2**40)), "int64"),
    "unsigned": ((pa.uint8(), 200), (pa.uint16(), 60000), (pa.uint32(), 2**32 - 1), "uint32"),
    "both signs": ((pa.uint8(), 255), (pa.int8(), -128), (pa.uint8(), 1), "int16"),
    "both signs, wide": ((pa.int16(), -1), (pa.uint32(), 2**32 - 1), (pa.int32(), 7), "int64"),
    "floats": ((pa.float32(), 0.5), (pa.float64(), 0.1), (pa.float32(), -0.0), "double"),
    "decimals": ((pa.decimal128(9, 2), D("-1234567.89")), (pa.decimal128(18, 4), D("12345678901234.5678")),
                 (pa.decimal128(36, 2), None), "decimal128(38, 4)"),
    "decimals of one scale": ((pa.decimal128(5, 2), D("-0.01")), (pa.decimal128(12, 2), D("9999999999.99")),
                              (pa.decimal128(30, 2), D("-1.00")), "decimal128(30, 2)"),
    "times": ((pa.timestamp("ms"), NOON), (pa.timestamp("us"), NOON), (pa.timestamp("ms"), None), "timestamp[us]"),
    "null first": ((pa.null(), None), (pa.int32(), 4), (pa.int64(), 5), "int64"),
    "text": ((pa.string(), "a"), (pa.large_string(), "b"), (pa.dictionary(pa.int32(), pa.string()), "c"), "string"),
}
UNLIKE = {
    "text and number": (pa.string(), "1", pa.int32(), 1),
    "whole number and float": (pa.int32(), 1, pa.float64(), 1.0),
    "uint64 and a sign": (pa.uint64(), 1, pa.int8(), 1),
    "lists": (pa.list_(pa.int32()), [1], pa.list_(pa.int64()), [1]),
    "too many digits": (pa.decimal128(38, 0), D(1), pa.decimal128(10, 9), D(1)),
}


def write(folder, parts, **options):
    (folder / "db").mkdir()
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for i, (kind, value) in enumerate(parts):
        lines += [f"1\t{100 + i}\t.\tA\tT\t.\t.\t."]
        table = pa.table({"chrom": ["1", "1"], "start": [100 + i, 500 + i], "ref": ["A", "A"], "alt": ["T", "T"],
                          "value": pa.array([value, None], pa.string() if pa.types.is_dictionary(kind) else kind).cast(kind)})
        pq.write_table(table, folder / "db" / f"{i}.parquet", **options)
    (folder / "in.vcf").write_text("\n".join(lines) + "\n")


def run(binary, folder, engine):
    if reason := engines.absent(engine):
        pytest.skip(reason)
    return engines.run(binary, ["annotate", "-q", *engines.engine_args(engine), "-a", f"db={folder}/db", "--start-base", 1, folder / "in.vcf",
                                "-o", folder / f"{engine}.parquet"])


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("engine", engines.NAMES)
def test_one_type_holds_all(varjoin_bin, tmp_path, engine, name):
    *parts, kind = HOLDS[name]
    write(tmp_path, parts)
    hashes = set()
    for one in {"native", engine}:
        done = run(varjoin_bin, tmp_path, one)
        assert done.code == 0, done.stderr
        column = pq.read_table(tmp_path / f"{one}.parquet")["value"]
        assert str(column.type).removeprefix("large_") == kind and column.to_pylist() == [value for _, value in parts]
        hashes.add(cases.content_hash_of(tmp_path / f"{one}.parquet"))
    assert len(hashes) == 1


@pytest.mark.parametrize("engine", engines.NAMES)
def test_a_decimal_stored_in_three_ways(varjoin_bin, tmp_path, engine):
    """int32, int64 and bytes of one precision and scale."""
    write(tmp_path, [(pa.decimal128(9, 3), D("-1.125"))] * 2)
    folder = tmp_path / "db"
    table = pq.read_table(folder / "1.parquet")
    pq.write_table(table, folder / "1.parquet", store_decimal_as_integer=True)
    done = run(varjoin_bin, tmp_path, engine)
    assert done.code == 0, done.stderr
    assert pq.read_table(tmp_path / f"{engine}.parquet")["value"].to_pylist() == [D("-1.125")] * 2


@pytest.mark.parametrize("name", UNLIKE)
@pytest.mark.parametrize("engine", engines.NAMES)
def test_no_type_holds_both(varjoin_bin, tmp_path, engine, name):
    one, first, other, second = UNLIKE[name]
    write(tmp_path, [(one, first), (other, second)])
    done = run(varjoin_bin, tmp_path, engine)
    assert done.code == 2 and "1.parquet: column value: expected " in done.stderr and "no type holds both" in done.stderr
    assert not (tmp_path / f"{engine}.parquet").exists()
