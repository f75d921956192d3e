#!/usr/bin/env bash
# Get the pinned DuckDB library (1.5.6) and put it where varjoin looks for it.
#
# usage: tools/fetch_duckdb.sh [FOLDER]        (default: build/duckdb of this checkout)
#
# Makes FOLDER/libduckdb.so, and FOLDER/duckdb.h where the package has it. Needs `go` and a C
# compiler (the Go binding ships static archives), or `npm` (x86-64 only; its package ships the
# shared library). What comes is held against the checksums below before anything is unpacked.
# Nothing is done when the library is already there.
#
# exit: 0 the library is there; 1 it could not be had (the last line says what to install)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/build/duckdb}
case $target in /*) ;; *) target=$PWD/$target ;; esac # we change folders below
go_version=v0.10506.0
npm_version=1.5.6-r.1
case $(uname -m) in
x86_64 | amd64)
    arch=amd64
    zip_sha256=8d3a7324cdffa921b836b28d51198c3e4bc5f430d2f87adae206d94c23b2d23a
    ;;
aarch64 | arm64)
    arch=arm64
    zip_sha256=d5a05f4d4a940b0d79423f4211aaee6b5d01bf677e467726affee2609da413bd
    ;;
*)
    echo "fetch_duckdb: no pinned DuckDB library for $(uname -m)" >&2
    exit 1
    ;;
esac
npm_sha256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff

if [ -s "$target/libduckdb.so" ]; then
    echo "fetch_duckdb: $target/libduckdb.so is there"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "fetch_duckdb: $*" >&2; }

# check FILE SHA256
check() {
    local found
    found=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$found" = "$2" ] || { say "$1: sha256 is $found, expected $2"; return 1; }
}

# Static archives of the Go binding, linked into one shared library. The first archive is taken
# whole; the others only as far as they are needed (zstd is in two of them).
from_go() {
    local module=github.com/duckdb/duckdb-go-bindings/lib/linux-$arch@$go_version
    local zip others
    command -v go >/dev/null || { say "no go"; return 1; }
    command -v "${CC:-cc}" >/dev/null || { say "no C compiler"; return 1; }
    # The checksum above is the proof of origin: the public checksum database is not asked.
    (cd "$work" && GOFLAGS=-modcacherw GONOSUMDB='github.com/duckdb/*' GOTOOLCHAIN=local \
        timeout 600 go mod download -json "$module") >"$work/go.json" || {
        say "go mod download failed"
        return 1
    }
    zip=$(sed -n 's/.*"Zip": "\(.*\)".*/\1/p' "$work/go.json")
    [ -n "$zip" ] && check "$zip" "$zip_sha256" || return 1
    mkdir "$work/lib"
    if command -v cmake >/dev/null; then
        (cd "$work/lib" && cmake -E tar xf "$zip")
    else
        unzip -q "$zip" -d "$work/lib"
    fi || return 1
    cd "$(dirname "$(find "$work/lib" -name libduckdb_static.a)")" || return 1
    others=$(ls ./*.a | grep -v libduckdb_static.a)
    # shellcheck disable=SC2086 # a list of file names without blanks
    "${CC:-cc}" -shared -o "$work/libduckdb.so" -Wl,-s -Wl,-soname,libduckdb.so \
        -Wl,--whole-archive libduckdb_static.a -Wl,--no-whole-archive \
        -Wl,--start-group $others -Wl,--end-group -lstdc++ -lm -ldl -lpthread || return 1
    cp duckdb.h "$work/duckdb.h"
}

from_npm() {
    command -v npm >/dev/null || { say "no npm"; return 1; }
    [ "$arch" = amd64 ] || { say "the npm package of this version has no $arch library"; return 1; }
    (cd "$work" && timeout 600 npm pack --silent "@duckdb/node-bindings-linux-x64@$npm_version") \
        >"$work/npm.txt" || { say "npm pack failed"; return 1; }
    check "$work/$(tail -1 "$work/npm.txt")" "$npm_sha256" || return 1
    tar -xzf "$work/$(tail -1 "$work/npm.txt")" -C "$work" || return 1
    cp "$(find "$work/package" -name libduckdb.so)" "$work/libduckdb.so"
}

cd "$work"
if (from_go) || (cd "$work" && from_npm); then
    mkdir -p "$target"
    [ ! -s "$work/duckdb.h" ] || install -m 644 "$work/duckdb.h" "$target/duckdb.h"
    # Under a name of its own first: a run beside this one never sees half a library.
    install -m 755 "$work/libduckdb.so" "$target/.libduckdb.so.$$"
    mv "$target/.libduckdb.so.$$" "$target/libduckdb.so"
    echo "fetch_duckdb: made $target/libduckdb.so"
else
    say "the DuckDB library could not be had: install go (Debian: golang-go) and a C compiler, or npm"
    exit 1
fi
