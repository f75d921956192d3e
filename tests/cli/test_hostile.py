"""One file for each shape of bug that readers of these formats had: each ends in one line, within the
memory budget and ten seconds of CPU (the table in docs/reliability.md names the shapes)."""

import gzip
import resource
import struct
import zlib

import pytest

CPU_SECONDS = 10

# ---- Thrift's compact protocol, as much as files like these take ----


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def zigzag(n):
    return varint((n << 1) ^ (n >> 63) if n >= 0 else ((-n) << 1) - 1)


def thrift(*fields):
    """A struct of (id, value): int i32, ("i64", int), bool, bytes, list of ints, bytes or structs, ("s", struct)."""
    out, last = bytearray(), 0
    for number, value in fields:
        kind, body = encode(value)
        out += bytes([(number - last) << 4 | kind]) + body if number - last < 16 else bytes([kind]) + zigzag(number) + body
        last = number
    return bytes(out + b"\0")


def encode(value):
    if isinstance(value, bool):
        return (1 if value else 2), b""
    if isinstance(value, int):
        return 5, zigzag(value)
    if isinstance(value, bytes):
        return 8, varint(len(value)) + value
    if isinstance(value, tuple):
        return (6, zigzag(value[1])) if value[0] == "i64" else (12, value[1])
    items = [encode(v) for v in value]
    n = len(items)
    head = bytes([n << 4 | items[0][0]]) if n < 15 else bytes([0xF0 | items[0][0]]) + varint(n)
    return 9, head + b"".join(body for _, body in items)


def L(n):
    return ("i64", n)


def S(*fields):
    return ("s", thrift(*fields))


INT32, INT64, TEXT = 1, 2, 6
PLAIN, RLE, DICTIONARY = 0, 3, 8


def data_page(body, n, encoding=PLAIN, size=None):
    return thrift((1, 0), (2, len(body) if size is None else size), (3, len(body)),
                  (5, S((1, n), (2, encoding), (3, RLE), (4, RLE)))) + body  # fmt: skip


def data_page_v2(body, n, size, compressed, encoding=PLAIN):
    return thrift((1, 3), (2, size), (3, len(body)),
                  (8, S((1, n), (2, 0), (3, n), (4, encoding), (5, 0), (6, 0), (7, compressed)))) + body  # fmt: skip


def dictionary_page(body, n):
    return thrift((1, 2), (2, len(body)), (3, len(body)), (7, S((1, n), (2, PLAIN)))) + body


def parquet(columns, n_rows, codec=0, more=(), offsets=None, path_of_chunk=None):
    """columns: {name: (type, pages)} of required columns in one row group."""
    out, chunks = bytearray(b"PAR1"), []
    for i, (name, (kind, pages)) in enumerate(columns.items()):
        at = len(out) if offsets is None else offsets[i]
        body = b"".join(pages)
        out += body
        meta = S((1, kind), (2, [PLAIN, DICTIONARY]), (3, [name.encode()]), (4, codec), (5, L(n_rows)),
                 (6, L(len(body))), (7, L(len(body))), (9, L(at)))  # fmt: skip
        chunks.append(S(*([(1, path_of_chunk)] if path_of_chunk else []), (2, L(at)), (3, meta)))
    schema = [S((4, b"root"), (5, len(columns)))]
    schema += [S((1, kind), (3, 0), (4, name.encode()), *([(6, 0)] if kind == TEXT else []))
               for name, (kind, _) in columns.items()]  # fmt: skip
    footer = thrift((1, 2), (2, schema), (3, L(n_rows)), (4, [S((1, chunks), (2, L(len(out))), (3, L(n_rows)))]), *more)
    return bytes(out) + footer + struct.pack("<I", len(footer)) + b"PAR1"


def text(*values):
    return b"".join(struct.pack("<I", len(v)) + v for v in values)


def ints(*values):
    return struct.pack(f"<{len(values)}i", *values)


def one(body=ints(1, 2, 3), n=3, **kwargs):
    return {"x": (INT32, [data_page(body, n, **kwargs)])}


# ---- running ----


@pytest.fixture
def refused(varjoin, tmp_path):
    """refused(name, bytes, exit codes, words, *arguments): the file's path stands for "FILE" in them."""

    def refused(name, content, exit_codes, words, *arguments):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = varjoin(*[path if a == "FILE" else a for a in arguments], exit_code=None, timeout=100)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert done.returncode in exit_codes, (done.returncode, done.stderr)
        assert seconds < CPU_SECONDS, seconds
        lines = [l for l in done.stderr.splitlines() if l.startswith("varjoin: error: ")]
        if done.returncode != 0:
            assert len(lines) == 1 and len(lines[0]) < 1100, done.stderr
            assert all(w in lines[0] for w in words), lines[0]
        return done

    return refused


def verify(refused, content, words, exit_codes=(2,), memory="64MB"):
    return refused("in.parquet", content, exit_codes, words, "verify", "--memory", memory, "FILE")


# ---- Parquet ----


def test_a_sound_file_of_this_making_is_read(refused):
    verify(refused, parquet(one(), 3), [], exit_codes=(0,))


def test_forged_num_values_ask_for_no_memory(refused):
    """apache/arrow#49955: 300 bytes asked for 4 GB."""
    verify(refused, parquet(one(n=2_000_000_000), 2_000_000_000), ["in.parquet", "x"])


def test_v2_page_not_compressed_with_two_sizes(refused):
    """duckdb/duckdb#25966: is_compressed = false, and sizes that differ: a copy past the buffer."""
    for size in (4, 13, 1 << 30):
        pages = [data_page_v2(ints(1, 2, 3), 3, size, False)]
        verify(refused, parquet({"x": (INT32, pages)}, 3, codec=6), ["in.parquet", "x"])


def bomb_of_dictionary(n_rows, value_bytes):
    """One value of value_bytes, and a run of n_rows indices to it in five bytes."""
    value = dictionary_page(text(b"x" * value_bytes), 1)
    zeros = dictionary_page(text(b"1"), 1)
    run = b"\1" + varint(n_rows << 1) + b"\0"
    place = [dictionary_page(ints(5), 1), data_page(run, n_rows, DICTIONARY)]
    alleles = [dictionary_page(text(b"A"), 1), data_page(run, n_rows, DICTIONARY)]
    return parquet({"chrom": (TEXT, [zeros, data_page(run, n_rows, DICTIONARY)]), "start": (INT32, place),
                    "ref": (TEXT, alleles), "alt": (TEXT, alleles),
                    "x": (TEXT, [value, data_page(run, n_rows, DICTIONARY)])}, n_rows)  # fmt: skip


def test_42_parquet_is_looked_at_without_being_unpacked(refused):
    """DuckDB's 42.parquet: 42 KB that stand for 4 PB. Here 1 MB for 2 TB."""
    done = refused("42.parquet", bomb_of_dictionary(2_000_000, 1 << 20), (0,), [], "inspect", "FILE")
    assert "2,000,000" in done.stdout or "2000000" in done.stdout


def test_dictionary_bomb_is_read_in_bounded_memory(refused):
    """300 MB of text out of 1 MB: read in slices, or refused where a slice does not fit."""
    verify(refused, bomb_of_dictionary(300, 1 << 20), [], exit_codes=(0,), memory="1GB")
    verify(refused, bomb_of_dictionary(300, 1 << 20), ["memory"], exit_codes=(3,), memory="48MB")


def test_42_parquet_as_a_database_costs_only_its_keys(refused, tmp_path):
    bomb = tmp_path / "db.parquet"
    bomb.write_bytes(bomb_of_dictionary(100_000, 1 << 20))
    out = tmp_path / "out.parquet"
    vcf = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t9\t.\tA\tC\t.\t.\t.\n"
    refused("in.vcf", vcf, (0,), [], "annotate", "-q", "--memory", "128MB", "--start-base", "1", "-a", f"db={bomb}",
            "-o", out, "FILE")  # fmt: skip
    assert out.exists()


@pytest.mark.parametrize("codec, body", [(6, b"\x28\xb5\x2f\xfd\xa4\0\0\0\x80"), (4, b"\x5b\xff\xff\xff\x7f"),
                                         (1, b"\xff\xff\xff\xff\x07"), (2, b"\x1f\x8b\x08\0\0\0\0\0\0\0"),
                                         (7, b"\x1f\0\1\0" + b"\xff" * 40)],
                         ids=["zstd", "brotli", "snappy", "gzip", "lz4"])  # fmt: skip
def test_page_that_says_it_holds_two_gigabytes(refused, codec, body):
    """CVE-2020-8927 (Brotli over 2 GiB in one call) and bombs of the other codecs."""
    for size in (2_147_483_647, 1 << 30):
        verify(refused, parquet(one(body=body, size=size), 3, codec=codec), ["in.parquet"], exit_codes=(2, 3))


def test_gzip_page_that_unpacks_to_more_than_it_says(refused):
    squeezed = zlib.compressobj(9, wbits=31)
    body = squeezed.compress(bytes(200_000_000)) + squeezed.flush()
    verify(refused, parquet(one(body=body, size=12), 3, codec=2), ["in.parquet"])


@pytest.mark.parametrize("footer", [
    b"\x19\xfc\xff\xff\xff\xff\x0f",  # a list of 2^32 - 1 structs
    b"\x15\4\x19\xfc\xff\xff\xff\xff\x07",
    b"\x18\xff\xff\xff\xff\x07abc",  # a string of 2 GiB
    b"\x1b\xff\xff\xff\xff\x07\x88",  # a map
    b"\x1c" * 5000,  # structs in structs
    b"\x19" * 5000,
    b"",
], ids=["list", "schema", "string", "map", "nested", "nested_lists", "empty"])  # fmt: skip
def test_thrift_sizes_and_nesting(refused, footer):
    """CVE-2026-43868: a size field of a small message allocates without bound."""
    verify(refused, b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1", ["in.parquet"])


def test_footer_longer_than_the_file(refused):
    for n in (100, 0x7FFFFFFF, 0xFFFFFFFF):
        verify(refused, b"PAR1" + b"\0" * 20 + struct.pack("<I", n) + b"PAR1", ["in.parquet"])


@pytest.mark.parametrize("at", [0, 3, 10**6, -1, -(2**63), 2**63 - 1])
def test_chunk_that_lies_outside_of_the_file(refused, at):
    verify(refused, parquet(one(), 3, offsets=[at]), ["in.parquet"])


def test_chunks_that_overlap_are_read_for_what_they_are_or_refused(refused):
    columns = {"x": (INT32, [data_page(ints(1, 2, 3), 3)]), "y": (INT32, [data_page(ints(1, 2, 3), 3)])}
    verify(refused, parquet(columns, 3, offsets=[4, 4]), ["in.parquet"], exit_codes=(0, 2))
    verify(refused, parquet(columns, 3, offsets=[4, 5]), ["in.parquet"])


@pytest.mark.parametrize("size", [-1, -(2**31), 2**31 - 1])
def test_page_sizes_below_zero_or_beyond_the_chunk(refused, size):
    page = thrift((1, 0), (2, 12), (3, size), (5, S((1, 3), (2, PLAIN), (3, RLE), (4, RLE)))) + ints(1, 2, 3)
    verify(refused, parquet({"x": (INT32, [page])}, 3), ["in.parquet"])


def test_index_beyond_the_dictionary_and_bit_width_beyond_32(refused):
    for run in (b"\1\6\1", b"\x21\6\0\0\0\0\0", b"\xff\6" + b"\0" * 32):
        pages = [dictionary_page(ints(7), 1), data_page(run, 3, DICTIONARY)]
        verify(refused, parquet({"x": (INT32, pages)}, 3), ["in.parquet", "x"])


def test_text_longer_than_its_page(refused):
    for length in (4, 0x7FFFFFFF, 0xFFFFFFFF):
        body = struct.pack("<I", length) + b"abc"
        verify(refused, parquet({"x": (TEXT, [data_page(body, 1)])}, 1), ["in.parquet", "x"])


def test_no_path_out_of_the_metadata_is_followed(refused):
    """A column chunk in another file; and CVE-2023-47248, CVE-2025-30065: types in metadata that run code."""
    verify(refused, parquet(one(), 3, path_of_chunk=b"/etc/passwd"), ["in.parquet"])
    kvs = [S((1, b"parquet.avro.schema"), (2, b'{"type":"record","java-class":"java.lang.Runtime"}')),
           S((1, b"ARROW:schema"), (2, b"ARROW:extension:name arrow.py_extension_type gASV"))]  # fmt: skip
    verify(refused, parquet(one(), 3, more=[(5, kvs)]), [], exit_codes=(0,))


def test_layout_out_of_the_metadata_is_checked(refused, tmp_path):
    """Reference metadata of ours, forged: broken, deep, of another kind."""
    for value in (b"{", b"[" * 100_000, b'{"columns":{}}', b'{"version":99999999999999999999}', b"null"):
        kvs = [S((1, b"varjoin.layout"), (2, value))]
        refused("db.parquet", parquet(one(), 3, more=[(5, kvs)]), (0, 2), ["db.parquet"], "reference", "info", "FILE")


# ---- gzip and BGZF ----

VCF = b"##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t9\t.\tA\tC\t.\t.\t.\n"
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def block(plain, extra=b"", bsize=None):
    squeezed = zlib.compressobj(6, wbits=-15)
    body = squeezed.compress(plain) + squeezed.flush()
    n = 12 + len(extra) + 6 + len(body) + 8
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(extra) + 6) + extra + b"BC\x02\0"
    head += struct.pack("<H", (n - 1 if bsize is None else bsize) & 0xFFFF)
    return head + body + struct.pack("<II", zlib.crc32(plain), len(plain))


def normalize(refused, name, content, words, exit_codes=(2,), memory="64MB"):
    return refused(name, content, exit_codes, words, "normalize", "-q", "--memory", memory, "-o", "/dev/null", "FILE")


def test_a_sound_bgzf_file_of_this_making_is_read(refused):
    normalize(refused, "in.vcf.gz", block(VCF) + END, [], exit_codes=(0,))
    normalize(refused, "in.vcf.gz", block(VCF, extra=b"XX\3\0abc") + END, [], exit_codes=(0,))


@pytest.mark.parametrize("bsize", [0, 1, 17, 18, 25])
def test_bgzf_block_smaller_than_its_header(refused, bsize):
    """CVE-2021-28027: block size minus header goes below zero. As the first block it is plain gzip."""
    normalize(refused, "in.vcf.gz", block(VCF, bsize=bsize) + END, ["in.vcf.gz"], exit_codes=(0, 2))
    more = block(b"1\t10\t.\tA\tC\t.\t.\t.\n", bsize=bsize)
    normalize(refused, "in.vcf.gz", block(VCF) + more + END, ["in.vcf.gz"])


@pytest.mark.parametrize("flags", [4, 8, 16, 2, 0xE0, 0xFF])
def test_gzip_header_fields_that_do_not_end(refused, flags):
    """CVE-2022-37434: the extra field of a gzip header."""
    for behind in (b"", b"\xff\xff", b"\xff\xff" + b"BC\2\0\0\0" * 9, b"x" * 70_000):
        normalize(refused, "in.vcf.gz", b"\x1f\x8b\x08" + bytes([flags]) + b"\0" * 6 + behind, ["in.vcf.gz"])


def test_gzip_bomb_of_one_line(refused):
    """200 MB of one letter in 200 KB, in plain gzip and in BGZF."""
    bomb = gzip.compress(VCF + b"A" * 200_000_000, 9)
    normalize(refused, "in.vcf.gz", bomb, [], exit_codes=(2, 3))
    normalize(refused, "in.vcf.gz", block(VCF) + block(b"A" * 65_000) * 3000 + END, [], exit_codes=(2, 3))


def test_gzip_bomb_in_the_header(refused):
    head, line = VCF.split(b"#CHROM")[0], b"##x=" + b"y" * 996 + b"\n"
    normalize(refused, "in.vcf.gz", gzip.compress(head + line * 200_000, 9), [], exit_codes=(2, 3))


@pytest.mark.parametrize("counts", [(-1, 1, 1), (2**31 - 1, 1, 1), (1, 2 * 10**9, 1), (1, 1, 0x10000001), (1, -1, 1)])
def test_index_whose_counts_overflow(refused, tmp_path, counts):
    """CVE-2026-31970: the item count of an index overflows the allocation."""
    n_contigs, n_bins, n_chunks = counts
    index = b"TBI\1" + struct.pack("<8i", n_contigs, 2, 1, 2, 0, 35, 0, 2) + b"1\0" + struct.pack("<iIi", n_bins, 4681, n_chunks)
    (tmp_path / "in.vcf.gz.tbi").write_bytes(block(index + bytes(24)) + END)
    refused("in.vcf.gz", block(VCF) + END, (2,), ["in.vcf.gz.tbi", "number of"], "normalize", "-q", "-r", "1:1-5", "-o",
            "/dev/null", "FILE")  # fmt: skip


# ---- VCF and BCF ----


def bcf(*records, l_text=None, header=VCF.split(b"1\t9")[0].replace(b"##contig", b'##FILTER=<ID=PASS,Description="d">\n##contig')):
    header += b"\0"
    out = b"BCF\2\2" + struct.pack("<I", len(header) if l_text is None else l_text) + header
    return out + b"".join(records)


def record(shared, samples=b"", n_alleles=2, n_infos=0, n_formats=0, n_samples=0, l_shared=None, l_samples=None, contig=0):
    fixed = struct.pack("<iiiI", contig, 8, 1, 0x7F800001)
    fixed += struct.pack("<II", n_alleles << 16 | n_infos, n_formats << 24 | n_samples)
    return struct.pack("<II", 24 + len(shared) if l_shared is None else l_shared,
                       len(samples) if l_samples is None else l_samples) + fixed + shared + samples  # fmt: skip


A_TO_C = b"\x07\x17A\x17C\0"


def test_a_sound_bcf_of_this_making_is_read(refused):
    normalize(refused, "in.bcf", bcf(record(A_TO_C)), [], exit_codes=(0,))


@pytest.mark.parametrize("broken", [
    record(A_TO_C, l_shared=0xFFFFFFFF), record(A_TO_C, l_shared=0x40000000), record(A_TO_C, l_shared=3),
    record(A_TO_C, l_samples=0xFFFFFFF0), record(A_TO_C, n_alleles=0xFFFF), record(A_TO_C, n_infos=0xFFFF),
    record(A_TO_C, n_formats=255, n_samples=0xFFFFFF), record(A_TO_C, contig=-1), record(A_TO_C, contig=2**30),
    record(b"\xf7\x13\xff\xff\xff\x7f"), record(b"\xf7\x13\xff\xff\xff\xff"), record(b"\xf7\xf7\xf7"), record(b"\x07\x1f"),
], ids=lambda _: "record")  # fmt: skip
def test_bcf_lengths_and_typed_values(refused, broken):
    """CVE-2018-13845, CVE-2017-1000206: negative indices and lengths that are believed."""
    normalize(refused, "in.bcf", bcf(broken), ["in.bcf", "record 1"])


@pytest.mark.parametrize("l_text", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x3FFFFFFF])
def test_bcf_header_length(refused, l_text):
    normalize(refused, "in.bcf", bcf(record(A_TO_C), l_text=l_text), ["in.bcf"])


def test_bcf_dictionary_numbers_that_are_huge(refused):
    """IDX=2000000000 makes an array of that size where it is believed."""
    header = b'##fileformat=VCFv4.2\n##INFO=<ID=A,Number=1,Type=Integer,Description="d",IDX=2000000000>\n'
    header += b"##contig=<ID=1,IDX=1999999999>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    normalize(refused, "in.bcf", bcf(record(A_TO_C), header=header), ["in.bcf"], exit_codes=(0, 2, 3))


def test_format_lengths_whose_product_overflows(refused, varjoin, tmp_path):
    """CVE-2020-36403: 3,000 samples, one value of 800 KB: 2.4 GB of padding in a BCF record."""
    names = b"\t".join(b"S%d" % i for i in range(3000))
    cells = b"\t".join([b"." * 1] * 2999 + [b"x" * 800_000])
    vcf = b'##fileformat=VCFv4.2\n##FORMAT=<ID=X,Number=1,Type=String,Description="d">\n##contig=<ID=1>\n'
    vcf += b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + names + b"\n1\t9\t.\tA\tC\t.\t.\t.\tX\t" + cells + b"\n"
    out = tmp_path / "out.bcf"
    (tmp_path / "db.vcf").write_bytes(VCF)
    varjoin("reference", "build", "-q", "-o", tmp_path / "db", tmp_path / "db.vcf")
    for memory in ("64MB", "4GB"):
        refused("in.vcf", vcf, (2, 3), [], "annotate", "-q", "--memory", memory, "-a", f"db={tmp_path / 'db'}",
                "-o", out, "FILE")  # fmt: skip
        assert not out.exists()


@pytest.mark.parametrize("pos", [b"-1", b"2147483648", b"99999999999999999999", b"0x10", b"1e3"])
def test_positions_out_of_range(refused, pos):
    done = normalize(refused, "in.vcf", VCF.replace(b"\t9\t", b"\t" + pos + b"\t"), ["in.vcf", "line 4"], exit_codes=(0, 2))
    assert done.returncode == 2 or pos == b"2147483648"


# ---- JSON ----


def test_run_records_that_are_deep_or_odd(refused):
    for content in (b"[" * 1_000_000, b"{" * 10, b'{"a":' * 5000, b"\xff\xfe", b"", b"null", b'{"command":' + b"9" * 100_000 + b"}"):
        refused("run.json", content, (0, 1, 2), ["run.json"], "report", "-o", "/dev/null", "FILE")
