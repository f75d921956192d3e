# What people type. The build itself is CMake's (CMakeLists.txt, CMakePresets.json).
#
#   make            build/release/varjoin          make demo    simulate, annotate, show
#   make bench-kernels  instructions of the kernels against the record
#   make test-long  every fault at every call, ThreadSanitizer, clang-tidy: an hour
#   make fuzz       every fuzz target for FUZZ_SECONDS; make fuzz-afl the same under AFL++
#   make coverage   which lines of the readers the tests run
#   make lint       clang-tidy
#   make test       sanitizers and all tests       make bench   compare with the peers
#   make deps       install what is missing        make install prefix=/usr/local
#   make dagster-demo   the assets in Dagster's web UI      make wheel   dist/varjoin-*.whl

prefix ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
GENERATOR := $(shell command -v ninja >/dev/null 2>&1 && echo -G Ninja)
BENCH_PYTHON := build/bench-venv/bin/python
# A tree that was configured keeps its generator.
configure = @test -f build/$(1)/CMakeCache.txt || cmake --preset $(1) $(GENERATOR) >/dev/null

all: release

release:
	@if ! command -v cmake >/dev/null || ! pkg-config --exists htslib libzstd libdeflate zlib snappy liblz4 libbrotlienc libxxhash jansson; then \
	  echo "something is missing: run 'make deps' (Debian, Ubuntu), or see what it prints"; exit 1; fi
	$(call configure,release)
	@cmake --build build/release --parallel $(JOBS)

deps:
	@tools/install_deps.sh build

demo: deps
	@$(MAKE) --no-print-directory release
	@tools/demo.sh

# A pinned Dagster with its web server on loopback; Ctrl-C stops it.
dagster-demo: deps
	@$(MAKE) --no-print-directory release
	@exec tools/dagster_demo.sh

# A wheel with the program and the library inside: dist/. auditwheel puts the libraries into it that
# a Linux need not have, and names the oldest glibc that will do (manylinux_2_34 on Debian 12).
wheel: release
	@mkdir -p python/varjoin/bin python/varjoin/lib
	@cp build/release/varjoin python/varjoin/bin/ && cp -L build/release/libvarjoin.so python/varjoin/lib/
	@python3 -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist ./python; code=$$?; \
	  rm -rf python/varjoin/bin python/varjoin/lib; exit $$code
	@tools/repair_wheel.sh dist

# The interpreter of the tests: pinned packages, nothing outside build/.
build/venv/ready: tests/requirements.txt
	@python3 -m venv build/venv
	@build/venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# Writers of Parquet for `make test-long`, in a venv of their own.
build/writers/ready: tests/requirements-writers.txt
	@python3 -m venv build/writers
	@build/writers/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-writers.txt
	@touch $@

test-deps:
	@tools/install_deps.sh test
	@$(MAKE) --no-print-directory build/venv/ready
	@$(MAKE) --no-print-directory duckdb || echo "the tests of the DuckDB engine will be skipped"

# The pinned DuckDB library, for --engine duckdb and its tests.
duckdb:
	@tools/fetch_duckdb.sh build/duckdb

dev:
	$(call configure,dev)
	@cmake --build build/dev --parallel $(JOBS)

test: test-deps
	@$(MAKE) --no-print-directory dev
	@ctest --test-dir build/dev --parallel $(JOBS) --output-on-failure --timeout 300 -LE long
	@$(MAKE) --no-print-directory test-memory

# The program, and the tests in which threads meet, under ThreadSanitizer.
tsan:
	$(call configure,tsan)
	@cmake --build build/tsan --parallel $(JOBS) --target varjoin prop_pipeline prop_vcf_ahead \
	  test_row_stream test_pq_share test_arrow_stream

# What takes minutes: every call of every operation failing, and what else is labelled so.
test-long: test-deps
	@$(MAKE) --no-print-directory build/writers/ready || echo "Parquet of fastparquet, datafusion and Spark will not be tried"
	@$(MAKE) --no-print-directory dev
	@$(MAKE) --no-print-directory tsan
	@ctest --test-dir build/dev --output-on-failure --timeout 1800 -L long

check-rules: dev
	@ctest --test-dir build/dev -L rules --output-on-failure

# Each fuzz target for FUZZ_SECONDS, from its corpus, and a table of what came of it; new finds stay
# in build/fuzz/found. FUZZ_TARGETS="fuzz_vcf fuzz_bcf" takes some of them.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
fuzz:
	$(call configure,fuzz)
	@cmake --build build/fuzz --parallel $(JOBS) --target fuzz_all
	@tools/run_fuzz build/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# The same targets under AFL++ (Debian, Ubuntu: afl++).
fuzz-afl:
	@command -v afl-clang-fast >/dev/null || { echo "make fuzz-afl: afl++ is missing"; exit 1; }
	@test -f build/afl/CMakeCache.txt || CC=afl-clang-fast cmake --preset afl $(GENERATOR) >/dev/null
	@cmake --build build/afl --parallel $(JOBS) --target fuzz_all
	@tools/run_fuzz build/afl $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Which lines the tests run: unit, property, fault, fuzz replay, and the program from outside.
coverage: test-deps
	$(call configure,cover)
	@cmake --build build/cover --parallel $(JOBS)
	@find build/cover -name '*.gcda' -delete
	@ctest --test-dir build/cover --parallel $(JOBS) --timeout 600 -L 'quick|cli|interop|engines' || true
	@tools/coverage build/cover

# clang-tidy over src/ and cli/; minutes, so it is a part of `make test-long`.
lint: dev
	@command -v clang-tidy >/dev/null || { echo "make lint: clang-tidy is missing"; exit 1; }
	@tools/check_tidy clang-tidy build/dev

build/bench-venv/ready: bench/requirements.txt
	@python3 -m venv build/bench-venv
	@build/bench-venv/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

bench: release
	@tools/install_deps.sh test
	@$(MAKE) --no-print-directory build/bench-venv/ready
	@$(BENCH_PYTHON) bench/bench.py $(BENCH_ARGS)

# Instructions of the read side's kernels, held against bench/kernels.json (over 3 % more: exit 1).
bench-kernels: release
	@command -v valgrind >/dev/null || { echo "make bench-kernels: valgrind is missing"; exit 1; }
	@$(CC) -std=gnu11 -O2 -g -DNDEBUG -D_GNU_SOURCE -Isrc -Iinclude bench/kernel_bench.c \
	  build/release/libvarjoin_core.a $$(pkg-config --libs libzstd libdeflate) -lpthread -lm \
	  -o build/kernel_bench
	@python3 bench/kernels.py build/kernel_bench $(BENCH_ARGS)

# A whole genome, not part of CI: 20 GB of disk and half an hour the first time.
bench-genome: release
	@$(MAKE) --no-print-directory build/bench-venv/ready
	@$(BENCH_PYTHON) bench/genome.py $(BENCH_ARGS)

# The memory rules, proven under the kernel's own limits; the small form is part of `make test`.
bench-memory: release duckdb
	@tools/install_deps.sh test
	@$(MAKE) --no-print-directory build/bench-venv/ready
	@$(BENCH_PYTHON) bench/memory.py $(BENCH_ARGS)

test-memory: release
	@build/venv/bin/python bench/memory.py --small --no-plot --dir build/test-memory

install: release
	@cmake --install build/release --prefix $(DESTDIR)$(prefix)

clean:
	rm -rf build/dev build/release build/tsan build/fuzz build/afl build/cover

.PHONY: fuzz-afl coverage lint bench-genome bench-kernels bench-memory test-memory test-long all release deps demo dagster-demo wheel test-deps duckdb dev tsan test check-rules fuzz bench install clean
