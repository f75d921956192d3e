"""What `make install` puts where is complete: programs of others build and run against it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ["annotate_to_stream", "read_columns", "plan_job"]


def run(*command, **kwargs):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=200, **kwargs)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


@pytest.fixture(scope="module")
def prefix(varjoin_bin, tmp_path_factory):
    build = Path(varjoin_bin).parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the program does not stand in a build tree")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", build, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def library_dir(prefix):
    return next(prefix.rglob("libvarjoin.so")).parent


@pytest.fixture(scope="module")
def runtime(varjoin_bin):
    """Environment for a plain program that loads a library with sanitizers."""
    if "libasan" not in run("ldd", varjoin_bin):
        return {**os.environ}
    return {**os.environ, "LD_PRELOAD": run("gcc", "-print-file-name=libasan.so").strip(), "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture(scope="module")
def data(varjoin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    varjoin("simulate", "-o", folder / "db", "--rows", 5000, "--seed", 2, "--sample", folder / "s.vcf.gz", "--sample-variants", 300)
    return folder


def check_examples(folder, data, env):
    said = run(folder / "annotate_to_stream", data / "s.vcf.gz", data / "db", "TSA", env=env).split()
    assert said[1] == "rows," and 250 < int(said[2]) <= int(said[0])
    pl = pytest.importorskip("polars")
    file = data / "db" / "homo_sapiens-chr22.parquet"
    wanted = pl.scan_parquet(file).select(pl.col("start").cast(pl.Int64).sum()).collect().item()
    assert run(folder / "read_columns", file, "start", env=env) == f"5000 values, sum {wanted}\n"
    assert "native" in run(folder / "plan_job", data / "s.vcf.gz", data / "db", env=env)
    done = subprocess.run([folder / "read_columns", data / "nothing.parquet", "start"], env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "nothing.parquet" in done.stderr


def test_manual_pages_and_completions(prefix, varjoin):
    pages = sorted(p.name for p in prefix.rglob("*.1"))
    verbs = varjoin("--man", "list").stdout.splitlines()
    assert pages == sorted(["varjoin.1", *(f"varjoin-{v.replace(' ', '-')}.1" for v in verbs)])
    for page in prefix.rglob("*.1"):
        text = page.read_text()
        assert text.startswith(".TH VARJOIN") and ".SH EXIT STATUS" in text
        if shutil.which("man"):
            done = subprocess.run(["man", "-l", "--warnings", page], capture_output=True, text=True,
                                  env={**os.environ, "MANROFFOPT": "-ww", "LC_ALL": "C.UTF-8"})
            assert done.returncode == 0 and done.stderr == "", page
    for path in ("bash-completion/completions/varjoin", "zsh/site-functions/_varjoin", "fish/vendor_completions.d/varjoin.fish"):
        assert (prefix / "share" / path).read_text().count("annotate") > 0


def test_examples_build_with_pkg_config(prefix, library_dir, data, runtime, tmp_path):
    env = {**os.environ, "PKG_CONFIG_PATH": str(library_dir / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "varjoin", env=env).split()
    for name in EXAMPLES:
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-o", tmp_path / name, ROOT / "examples" / f"{name}.c",
            *flags, "-Wl,--allow-shlib-undefined", f"-Wl,-rpath,{library_dir}")
    check_examples(tmp_path, data, runtime)


def test_examples_build_with_cmake(prefix, data, runtime, tmp_path):
    run("cmake", "-S", ROOT / "examples", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined")
    run("cmake", "--build", tmp_path)
    check_examples(tmp_path, data, runtime)


def test_headers_serve_cplusplus(prefix, tmp_path):
    source = tmp_path / "all.cc"
    headers = sorted(p.name for p in (prefix / "include" / "varjoin").glob("*.h"))
    assert "job.h" in headers and "stream.h" in headers
    source.write_text("".join(f"#include <varjoin/{h}>\n" for h in headers) +
                      "int main() { vj_job_options o = VJ_JOB_OPTIONS_INIT; return o.struct_size == sizeof o ? 0 : 1; }\n")
    run("c++", "-std=c++17", "-Wall", "-Werror", "-I", prefix / "include", "-c", "-o", tmp_path / "all.o", source)
