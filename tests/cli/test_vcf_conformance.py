"""VCF and BCF as they are met: headers of callers, wrappings, sizes, remarks; bcftools reads the same."""

import gzip
import shutil
import struct
import subprocess
import zlib

import pytest

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def define(section, key, number, kind):
    return f'##{section}=<ID={key},Number={number},Type={kind},Description="{key} of a test, in words">\n'


def info(*keys):
    return "".join(define("INFO", *key.split()) for key in keys)


def fmt(*keys):
    return "".join(define("FORMAT", *key.split()) for key in keys)


def vcf(lines, samples, *records, version="4.2"):
    columns = COLUMNS + ("\tFORMAT\t" + "\t".join(samples) if samples else "")
    return f"##fileformat=VCFv{version}\n{lines}{columns}\n" + "".join(r.replace(" ", "\t") + "\n" for r in records)


# Headers and records in the manner of each caller: tags, Numbers and habits, not their words.
CALLERS = {
    "gatk": vcf(
        '##ALT=<ID=NON_REF,Description="any other allele">\n##FILTER=<ID=LowQual,Description="low">\n'
        + fmt("AD R Integer", "DP 1 Integer", "GQ 1 Integer", "GT 1 String", "MIN_DP 1 Integer", "PGT 1 String",
              "PID 1 String", "PL G Integer", "PS 1 Integer", "RGQ 1 Integer", "SB 4 Integer")
        + '##GATKCommandLine=<ID=HaplotypeCaller,CommandLine="HaplotypeCaller --x "y" -O z",Version="4.2">\n'
        "##GVCFBlock0-1=minGQ=0(inclusive),maxGQ=1(exclusive)\n"
        + info("AC A Integer", "AF A Float", "AN 1 Integer", "BaseQRankSum 1 Float", "DB 0 Flag", "DP 1 Integer",
               "END 1 Integer", "ExcessHet 1 Float", "InbreedingCoeff 1 Float", "MLEAC A Integer", "MLEAF A Float",
               "MQ 1 Float", "QD 1 Float", "RAW_MQandDP 2 Integer", "SOR 1 Float")
        + "##contig=<ID=chr1,length=248956422,assembly=hg38>\n##source=HaplotypeCaller\n",
        ["NA1"],
        "chr1 1000 . A <NON_REF> . . END=1009 GT:DP:GQ:MIN_DP:PL 0/0:30:60:28:0,60,900",
        "chr1 1010 . C T,<NON_REF> 50.64 . BaseQRankSum=-0.319;DP=5;ExcessHet=3.01;MLEAC=1,0;MLEAF=0.5,0.0;"
        "RAW_MQandDP=18000,5 GT:AD:DP:GQ:PGT:PID:PL:PS:SB 0|1:3,2,0:5:58:0|1:1010_C_T:58,0,101,67,107,174:1010:1,2,1,1",
        "chr1 1020 rs9 CTT C,CT,* 99 PASS AC=1,1,0;AF=0.5,0.5,0;AN=2;DB;DP=9;MQ=60.00;QD=20 GT:AD:DP:GQ:PL "
        "1/2:0,4,5,0:9:90:1,2,3,4,5,6,7,8,9,10",
    ),
    "deepvariant": vcf(
        '##FILTER=<ID=RefCall,Description="no">\n##FILTER=<ID=NoCall,Description="no">\n##DeepVariant_version=1.6.0\n'
        + info("END 1 Integer") + fmt("GT 1 String", "GQ 1 Integer", "DP 1 Integer", "MIN_DP 1 Integer", "AD R Integer",
                                      "VAF A Float", "PL G Integer", "MED_DP 1 Integer")
        + "##contig=<ID=chr1,length=248956422>\n",
        ["default"],
        "chr1 10 . A G 23.4 PASS . GT:GQ:DP:AD:VAF:PL 0/1:23:20:10,10:0.5:23,0,45",
        "chr1 20 . A <*> 0 . END=40 GT:GQ:MIN_DP:PL 0/0:50:20:0,60,599",
        "chr1 50 . A C 0 RefCall . GT:GQ:DP:AD:VAF:PL ./.:7:20:18,2:0.1:0,8,30",
    ),
    "strelka": vcf(
        '##cmdline=strelka.py --bam "a b.bam"\n##startTime=Mon Jan 1 00:00:00 2024\n##content=strelka germline\n'
        '##priorSnv=0.001\n##FILTER=<ID=LowGQX,Description="low">\n'
        + info("BLOCKAVG_min30p3a 0 Flag", "SNVHPOL 1 Integer", "CIGAR A String", "RU A String", "REFREP A Integer",
               "IDREP A Integer", "MQ 1 Integer", "END 1 Integer")
        + fmt("GT 1 String", "GQ 1 Integer", "GQX 1 Integer", "DP 1 Integer", "DPF 1 Integer", "MIN_DP 1 Integer",
              "AD . Integer", "ADF . Integer", "ADR . Integer", "FT 1 String", "PL G Integer", "SB 1 Float", "DPI 1 Integer"),
        ["S"],
        "1 100 . A . . PASS END=150;BLOCKAVG_min30p3a GT:GQX:DP:DPF:MIN_DP 0/0:90:31:2:30",
        "1 200 . CAA C,CA 120 LowGQX CIGAR=1M2D,1M1D1M;RU=A,A;REFREP=9,9;IDREP=7,8;MQ=60 "
        "GT:GQ:GQX:DPI:AD:ADF:ADR:FT:PL 1/2:30:3:20:2,9,9:1,4,5:1,5,4:LowGQX:1,2,3,4,5,6",
    ),
    "glnexus": vcf(
        '##FILTER=<ID=MONOALLELIC,Description="one ALT among several">\n##GLnexusVersion=v1.4.1\n##GLnexusConfig={a: [b, c]}\n'
        + info("AF A Float", "AQ A Integer")
        + fmt("GT 1 String", "RNC 2 Character", "DP 1 Integer", "AD R Integer", "GQ 1 Integer", "PL G Integer"),
        ["A", "B"],
        "chr1 10 chr1_10_A_G A G 42 . AF=0.25;AQ=42 GT:DP:AD:GQ:PL:RNC 0/1:20:10,10:40:40,0,50:.. ./.:.:.:.:0,0,0:MM",
        "chr1 12 . A G,T 42 MONOALLELIC AF=0.25,0;AQ=42,0 GT:DP:AD:GQ:PL:RNC 0/1:9:4,5,0:4:1,2,3,4,5,6:.. 0/0:9:9,0,0:4:1,2,3,4,5,6:..",
    ),
    "dragen": vcf(
        '##DRAGENCommandLine=<ID=dragen,Version="SW: 4.2", CommandLineOptions="--a b --c \'d\'">\n'
        '##FILTER=<ID=DRAGENSnpHardQUAL,Description="QUAL < 10.41">\n##reference=file:///r/hg38.fa\n'
        + info("AC A Integer", "AF A Float", "AN 1 Integer", "DP 1 Integer", "FractionInformativeReads 1 Float",
               "MQ 1 Float", "R2_5P_bias 1 Float", "QD 1 Float")
        + fmt("GT 1 String", "AD R Integer", "AF A Float", "DP 1 Integer", "F1R2 R Integer", "F2R1 R Integer",
              "GQ 1 Integer", "PL G Integer", "GP G Float", "PRI G Float", "SB 4 Integer", "MB 4 Integer", "PS 1 Integer"),
        ["S"],
        "chr1 10 . A G 49.8 PASS AC=1;AF=0.5;AN=2;DP=20;FractionInformativeReads=1;MQ=60;QD=2.5;R2_5P_bias=-3.1 "
        "GT:AD:AF:DP:F1R2:F2R1:GQ:PL:GP:PRI:SB:MB 0/1:9,11:0.55:20:4,5:5,6:48:85,0,50:49.8,0,53:0,34.77,37.77:4,5,6,5:4,5,6,5",
    ),
    "illumina": vcf(
        "##source=starling\n##gvcf=gvcf\n##FILTER=<ID=SiteConflict,Description=\"s\">\n"
        + info("SNVSB 1 Float", "SNVHPOL 1 Integer", "END 1 Integer", "BLOCKAVG_min30p3a 0 Flag")
        + fmt("GT 1 String", "GQX 1 Integer", "GQ 1 Float", "DP 1 Integer", "DPF 1 Integer", "AD . Integer", "VF 1 Float"),
        ["S"],
        "chr1 10 . A G 49 SiteConflict SNVSB=-1.5e-1;SNVHPOL=3 GT:GQ:GQX:DP:DPF:AD:VF 0/1:49.5:40:20:0:9,11:0.55",
    ),
    "freebayes": vcf(
        '##commandline="freebayes -f r.fa a.bam"\n##phasing=none\n'
        + info("NS 1 Integer", "DP 1 Integer", "AC A Integer", "AN 1 Integer", "AF A Float", "RO 1 Integer", "AO A Integer",
               "QA A Integer", "TYPE A String", "CIGAR A String", "LEN A Integer", "ODDS 1 Float", "MEANALT A Float", "technology.ILLUMINA A Float")
        + fmt("GT 1 String", "GQ 1 Float", "GL G Float", "DP 1 Integer", "AD R Integer", "RO 1 Integer", "QR 1 Integer",
              "AO A Integer", "QA A Integer", "MIN_DP 1 Integer"),
        ["unknown"],
        "q 10 . ATT ATTT,AT 1.38e-05 . AC=1,1;AF=0.5,0.5;AN=2;AO=3,4;CIGAR=1M1I2M,1M1D1M;DP=9;LEN=1,1;MEANALT=2,2;NS=1;"
        "ODDS=7.1;QA=90,80;RO=2;TYPE=ins,del;technology.ILLUMINA=1,1 GT:DP:AD:RO:QR:AO:QA:GL 1/2:9:2,3,4:2:60:3,4:90,80:-9,-8,-7,-6,-5,-4",
    ),
    "sniffles": vcf(
        '##source=Sniffles2_2.2\n##command="sniffles -i a.bam"\n##ALT=<ID=INS,Description="Insertion">\n'
        '##ALT=<ID=DEL,Description="Deletion">\n##FILTER=<ID=GT,Description="g">\n'
        + info("PRECISE 0 Flag", "IMPRECISE 0 Flag", "SVLEN 1 Integer", "SVTYPE 1 String", "CHR2 1 String", "SUPPORT 1 Integer",
               "END 1 Integer", "RNAMES . String", "COVERAGE . Float", "STRAND 1 String", "STDEV_LEN 1 Float", "VAF 1 Float")
        + fmt("GT 1 String", "GQ 1 Integer", "DR 1 Integer", "DV 1 Integer"),
        ["SAMPLE"],
        "1 100 Sniffles2.DEL.0 N <DEL> 60 PASS PRECISE;SVTYPE=DEL;SVLEN=-900;END=1000;SUPPORT=9;RNAMES=a,b;COVERAGE=9,9,9,9,9;"
        "STRAND=+-;VAF=0.5;STDEV_LEN=0.000 GT:GQ:DR:DV 0/1:60:9:9",
        "1 200 Sniffles2.BND.1 N N]2:300] 50 GT IMPRECISE;SVTYPE=BND;CHR2=2 GT:GQ:DR:DV 0/0:1:9:1",
    ),
    "manta": vcf(
        '##source=GenerateSVCandidates 1.6.0\n##ALT=<ID=DUP:TANDEM,Description="d">\n##FILTER=<ID=MaxDepth,Description="m">\n'
        + info("IMPRECISE 0 Flag", "SVTYPE 1 String", "SVLEN . Integer", "END 1 Integer", "CIPOS 2 Integer", "CIEND 2 Integer",
               "CIGAR A String", "MATEID . String", "EVENT 1 String", "HOMLEN . Integer", "HOMSEQ . String", "BND_DEPTH 1 Integer")
        + fmt("GT 1 String", "FT 1 String", "GQ 1 Integer", "PL G Integer", "PR . Integer", "SR . Integer"),
        ["S"],
        "1 100 MantaDUP:TANDEM:1:0:1:0:0:0 T <DUP:TANDEM> 99 PASS END=700;SVTYPE=DUP;SVLEN=600;CIPOS=0,3;HOMLEN=3;HOMSEQ=ACG "
        "GT:FT:GQ:PL:PR:SR 0/1:PASS:99:149,0,555:9,5:20,8",
        "1 900 MantaBND:2:0:1:0:0:0:1 A A[7:55[ 60 MaxDepth SVTYPE=BND;MATEID=MantaBND:2:0:1:0:0:0:0;BND_DEPTH=40 GT:PR 0/1:9,5",
    ),
}
CALLERS["manta"] = CALLERS["manta"].replace(
    "GenerateSVCandidates\t1.6.0", "GenerateSVCandidates 1.6.0")  # only records have their blanks made tabs


def bgzf(data, block=1000, end=True):
    out = b""
    for at in range(0, len(data), block):
        piece = data[at : at + block]
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = squeeze.compress(piece) + squeeze.flush()
        out += struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
        out += body + struct.pack("<2I", zlib.crc32(piece), len(piece))
    return out + (EOF_BLOCK if end else b"")


@pytest.fixture
def table(varjoin, tmp_path):
    """table(text or bytes, *options) -> (header, rows, remarks)."""

    def read(content, *options, name="in.vcf"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = varjoin("normalize", "--no-version", "--progress", "never", "-O", "t", "-o", "-", *options, path)
        lines = [line.split("\t") for line in done.stdout.splitlines() if not line.startswith("##")]
        remarks = [line for line in done.stderr.splitlines() if line.startswith("varjoin: ")]
        return lines[0], lines[1:], remarks

    return read


def records_of(header, rows):
    """Rows of one sample put together again: CHROM without chr, POS, ID, REF, ALTs, FILTER."""
    out = []
    for row in rows:
        cell = dict(zip(header, row))
        key = [cell["chrom"], cell["start"], cell["rsid"] or ".", cell["ref"], cell["filter"] or "."]
        if out and int(cell["alt_index"]) > 1 and out[-1][0] == key:
            out[-1][1].append(cell["alt"])
        else:
            out.append((key, [cell["alt"] or "."]))
    return out


def by_bcftools(path):
    if shutil.which("bcftools") is None:
        pytest.skip("no bcftools here")
    text = subprocess.run(
        ["bcftools", "query", "-f", "%CHROM\t%POS\t%ID\t%REF\t%FILTER\t%ALT\n", path], capture_output=True, text=True, check=True
    ).stdout
    out = []
    for line in text.splitlines():
        *key, alts = line.split("\t")
        key[0] = key[0].removeprefix("chr")
        real = [a for a in alts.split(",") if a not in ("<*>", "<NON_REF>")]
        out.append((key, real or [alts.split(",")[0]]))
    return out


@pytest.mark.parametrize("caller", CALLERS)
def test_headers_of_callers(table, tmp_path, caller):
    header, rows, remarks = table(CALLERS[caller])
    assert [r for r in remarks if "odd cells" in r or "no column" in r or "dropped" in r or "break a rule" in r] == []
    assert records_of(header, rows) == by_bcftools(tmp_path / "in.vcf")


def test_an_allele_keeps_its_own_values(table):
    header, rows, _ = table(CALLERS["gatk"])
    cells = [dict(zip(header, row)) for row in rows]
    assert [c["end"] for c in cells] == ["1009", "1010", "1022", "1022", "1022"]
    assert [c["AC"] for c in cells[2:]] == ["1", "1", "0"]
    assert [c["AD"] for c in cells[1:]] == ["3,2", "0,4", "0,5", "0,0"]
    header, rows, _ = table(CALLERS["glnexus"], "--all-samples")
    assert [dict(zip(header, row))["RNC"] for row in rows[:2]] == ["\\N,\\N", "M,M"]


def test_every_wrapping_gives_the_same_rows(table, varjoin, tmp_path):
    text = CALLERS["gatk"].encode()
    want = table(text)[:2]
    half = text.index(b"#CHROM")
    wrapped = {
        "crlf.vcf": text.replace(b"\n", b"\r\n"),
        "plain.vcf.gz": gzip.compress(text),
        "members.vcf.gz": gzip.compress(text[:half]) + gzip.compress(b"") + gzip.compress(text[half:]),
        "block.vcf.gz": bgzf(text),
        "tiny.vcf.gz": bgzf(text, 7),
        "concat.vcf.gz": bgzf(text[:half]) + bgzf(text[half:]),
        "mixed.vcf.gz": gzip.compress(text[:half]) + bgzf(text[half:]),
        "no suffix": bgzf(text),
    }
    for name, data in wrapped.items():
        assert table(data, name=name)[:2] == want, name
    assert table(bgzf(text, end=False), "--allow-truncated", name="cut.vcf.gz")[:2] == want
    for kind in "bu":
        varjoin("normalize", "-q", "-O", kind, "-o", tmp_path / "x.bcf", tmp_path / "block.vcf.gz")
        data = (tmp_path / "x.bcf").read_bytes()
        assert table(data, name="y.bcf")[:2] == want, kind
        if kind == "u":  # plain BCF, and the same as gzip
            assert data[:5] == b"BCF\2\2" and table(gzip.compress(data), name="y.bcf")[:2] == want


def test_damage_is_refused_with_its_place(varjoin, tmp_path):
    text = CALLERS["gatk"].encode()
    path = tmp_path / "in.vcf"
    path.write_bytes(text)
    varjoin("normalize", "-q", "-O", "b", "-o", tmp_path / "whole.bcf", path)
    whole = (tmp_path / "whole.bcf").read_bytes()
    plain = gzip.decompress(whole)
    cases = [
        (b"", "the file is empty"),
        (gzip.compress(b""), "the file is empty"),
        (bgzf(b""), "the file is empty"),
        (bgzf(text, end=False), "empty block that ends a BGZF file"),
        (bgzf(text)[:-40], "truncated"),
        (bgzf(text) + b"junk", "offset"),
        (gzip.compress(text)[:-6], "truncated"),
        (text + b"\0" * 64, "NUL bytes"),
        (text.decode().encode("utf-16"), "line 1"),
        (text + text, f"line {text.count(10) + 1}"),  # the second file's header is no record
        (whole[:-28], "empty block that ends a BGZF file"),
        (plain[:-3], "record 3: expected a whole record"),
        (plain + b"\xff" * 40, "record 4: expected a whole record"),
        (b"BCF\2\2\xff\xff\xff\x7f", "BCF2 header"),
        (b"BCF\4" + bytes(60), "expected BCF 2.1 or 2.2"),
    ]
    for content, words in cases:
        path.write_bytes(content)
        done = varjoin("normalize", "-O", "t", "-o", tmp_path / "out.tsv", path, exit_code=2)
        lines = [line for line in done.stderr.splitlines() if line.startswith("varjoin: error: ")]
        assert len(lines) == 1 and "in.vcf" in lines[0] and words in lines[0], (words, done.stderr)
        assert not (tmp_path / "out.tsv").exists()


def test_remarks_reach_the_user_and_the_run_record(varjoin, table, tmp_path):
    text = vcf(
        info("DP 1 Integer", "DP 1 Float", "AF 1 Float") + '##INFO=<ID=X,Number=1,Type=Float,Description="open>\n',
        [], "1 10 rs1; A R,G 5 PASS DP=x;X=1", "1 20 . A G 5 PASS DP=3",
    )
    report = tmp_path / "run.json"
    _, rows, remarks = table(text[:-1], "--report", report)
    assert [row[-2] for row in rows] == ["", "", "3"]
    said = "\n".join(remarks)
    for words in [
        "a second line for INFO/DP dropped", "INFO/AF: Number=1 where the specification has A",
        "header line 5 dropped: a quote that is not closed", "the last line has no line end",
        "1 odd cells became null; first: line 7: INFO/DP", "1 INFO or FORMAT keys have no header line",
        "2 cells break a rule of VCF and were kept as they stand; first: line 7: ID",
    ]:
        assert words in said, said
    assert "a second line for INFO/DP dropped" in report.read_text()
    done = varjoin("reference", "build", "-o", tmp_path / "db", tmp_path / "in.vcf")
    for words in ["a second line for INFO/DP dropped", "odd cells became null", "no header line", "kept as they stand"]:
        assert words in done.stderr, done.stderr


def test_wide_and_long_input(table, varjoin, tmp_path):
    keys = [f"K{i} {(1, '.', 'A')[i % 3]} {('Integer', 'Float', 'String')[i % 3]}" for i in range(600)]
    lines = info(*keys).replace("in words", "in words " * 18)
    assert len(lines) > 100_000
    header, rows, remarks = table(vcf(lines, [], "1 10 . A G . . " + ";".join(f"K{i}={i}" for i in range(600))))
    assert remarks == [] and rows[0][-600:] == [str(i) for i in range(600)] and len(header) == 609
    samples = [f"S{i}" for i in range(3000)]
    text = vcf(fmt("GT 1 String", "DP 1 Integer"), samples, "1 10 . A G . . . GT:DP " + " ".join(f"0/1:{i}" for i in range(3000)))
    header, rows, _ = table(text, "--all-samples")
    assert [row[-1] for row in rows] == [str(i) for i in range(3000)]
    # a line that the memory cannot hold: refused, and soon
    (tmp_path / "in.vcf").write_text(vcf(info("S 1 String"), [], "1 10 . A G . . S=" + "x" * 60_000_000))
    done = varjoin("normalize", "--memory", "64MB", "-O", "t", "-o", tmp_path / "o.tsv", tmp_path / "in.vcf", exit_code=3)
    assert "budget" in done.stderr and not (tmp_path / "o.tsv").exists()
    # many ALTs: what the text costs, not its square
    n = 30_000
    alts = ",".join(f"<DEL:{i}>" for i in range(n))
    header, rows, _ = table(vcf(info("AF A Float", "SVLEN A Integer"), [], f"1 10 . A {alts} . . AF={','.join(['0.5'] * n)};SVLEN={','.join(['-9'] * n)}"))
    assert len(rows) == n and rows[-1][-2:] == ["0.5", "-9"]


def test_positions_beyond_the_old_bounds(table, varjoin, tmp_path):
    """2^29 is where tbi ends, 2^31 where signed positions do."""
    places = [0, 100, 536870912, 536870913, 2147483647, 2147483648, 3999999999]
    text = vcf("##contig=<ID=1,length=4000000000>\n", [], *(f"1 {p} . A G . . ." for p in places))
    _, rows, remarks = table(text)
    assert [int(row[1]) for row in rows] == places and remarks == []
    for name, kind in (("x.vcf.gz", "z"), ("x.bcf", "b")):
        varjoin("normalize", "-q", "-O", kind, "-o", tmp_path / name, tmp_path / "in.vcf")
        assert (tmp_path / f"{name}.csi").exists()
        for region, want in [("1:536870913-2147483647", places[3:5]), ("1:2147483648", places[5:6]), ("1:3000000000-", places[6:])]:
            done = varjoin("normalize", "-q", "-O", "t", "-o", "-", "-r", region, tmp_path / name)
            got = [line.split("\t")[1] for line in done.stdout.splitlines() if line.startswith("1\t")]
            assert [int(p) for p in got] == want, (name, region)
    (tmp_path / "in.vcf").write_text(vcf("", [], "1 4294967296 . A G . . ."))
    varjoin("normalize", "-O", "t", "-o", "-", tmp_path / "in.vcf", exit_code=2)


def test_targets_know_the_length_of_a_deletion(table):
    text = vcf(info("SVLEN A Integer", "END 1 Integer"), [], "1 10 . A <DEL> . . SVLEN=-500", "1 20 . A <INS> . . SVLEN=500", "1 30 . A <DEL> . . END=400")
    _, rows, _ = table(text, "-t", "1:350-360")
    assert [row[1] for row in rows] == ["10", "30"]


def test_floats_of_bcf_keep_their_digits(table, tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("no bcftools here")
    values = ["0.123456791", "16777216", "1.17549435e-38", "9999999", "0.1"]
    text = vcf("##contig=<ID=1>\n" + info("F 1 Float"), [], *(f"1 {i + 1} . A G {v} . F={v}" for i, v in enumerate(values)))
    want = table(text)[1]
    subprocess.run(["bcftools", "view", "-Ob", "-o", tmp_path / "x.bcf", tmp_path / "in.vcf"], check=True, capture_output=True)
    got = table((tmp_path / "x.bcf").read_bytes(), name="y.bcf")[1]
    assert [row[-1] for row in got] == [row[-1] for row in want]
