"""Real samples against real databases: the engines give the same rows, in the same order.

The numbers of matched alleles were counted by other programs (README of the lent files).
"""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

pq = pytest.importorskip("pyarrow.parquet")
pl = pytest.importorskip("polars")

import cases  # noqa: E402
import engines  # noqa: E402

HAPMAP20, HAPMAP1 = "hapmap_r22.chr20.CEU.GRCh38.bcf", "hapmap_r22.chr1.CEU.GRCh37.bcf"
TRIO = "ashkenazi-trio.chr1.GRCh37.vcf.gz"
CLINVAR37, CLINVAR38 = "clinvar.chr1-head.GRCh37.vcf", "clinvar.chr1-head.GRCh38.vcf"

PAIRS = {
    "HG002 and HapMap": ("HG002.chr20.GRCh38.vcf.gz", {"hapmap": HAPMAP20}, [30140], []),
    "gVCF and HapMap": ("HG00268.chr20-21.GRCh38.g.vcf.gz", {"hapmap": HAPMAP20}, [1868], []),
    "trio, HapMap and ClinVar in one pass": (TRIO, {"hapmap": HAPMAP1, "clinvar": CLINVAR37}, [3763, 21], []),
    "trio, all samples": (TRIO, {"clinvar": CLINVAR37}, [21], ["--all-samples"]),
    "ClinVar of the wrong build": (TRIO, {"clinvar": CLINVAR38}, [0], []),
    # 1,008 texts are equal, but 4 of them are symbolic and match nothing (S-26)
    "HG00096 and 1000 Genomes": (
        "HG00096.chr22.GRCh37.vcf.bgz", {"kg": "1000G.phase3.chr22-16.0-16.5Mb.GRCh37.vcf.gz"}, [1004], []),
    "NA12878 indels and HapMap": ("NA12878.nist2.19-complex.GRCh37.vcf.gz", {"hapmap": HAPMAP1}, [1652], []),
    "gnomAD with itself": (
        "gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz",
        {"gnomad": "gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz"}, [891], []),
}


@pytest.fixture(scope="module")
def built(varjoin, shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("databases")

    def build(name):
        out = folder / name.replace(".", "_")
        if not out.exists():
            varjoin("reference", "build", "-q", shared_data / name, "-o", out)
        return out

    return build


def annotated(varjoin, engine, sample, databases, options, out):
    """Output and run record of one engine."""
    named = [word for name, path in databases.items() for word in ("-a", f"{name}={path}")]
    record = out.with_suffix(".json")
    varjoin("annotate", "-q", *engines.engine_args(engine), *named, *options, sample, "-o", out, "--report", record)
    return out, json.loads(record.read_text())


@pytest.mark.parametrize("pair", PAIRS)
def test_engines_agree_on_real_files(varjoin, shared_data, built, tmp_path, pair):
    sample, databases, matched, options = PAIRS[pair]
    paths = {name: built(file) for name, file in databases.items()}
    runs = {
        engine: annotated(varjoin, engine, shared_data / sample, paths, options, tmp_path / f"{engine}.parquet")
        for engine in engines.present()
    }
    first, record = runs["native"]
    types = [(f.name, cases.type_name(f.type)) for f in pq.ParquetFile(first).schema_arrow]
    rows = pl.read_parquet(first)
    assert [d["matched_alleles"] for d in record["databases"]] == matched
    assert rows.height >= record["rows"]["rows_in"]
    for engine, (path, told) in runs.items():
        assert cases.content_hash_of(path) == cases.content_hash_of(first), engine
        assert [(f.name, cases.type_name(f.type)) for f in pq.ParquetFile(path).schema_arrow] == types, engine
        assert pl.read_parquet(path).equals(rows), engine
        reasons = [(d["matched_alleles"], d["unmatched"]) for d in told["databases"]]
        assert reasons == [(d["matched_alleles"], d["unmatched"]) for d in record["databases"]], engine
        varjoin("verify", "-q", path)
