#!/usr/bin/env bash
# Install what is missing to build (and, with "test", to test) varjoin on Debian and Ubuntu.
# usage: tools/install_deps.sh [build|test]
# Elsewhere: prints what to install and exits 1 when something is missing.
set -u

build_packages=(gcc make cmake pkg-config libhts-dev zlib1g-dev libzstd-dev libdeflate-dev libsnappy-dev
  liblz4-dev libbrotli-dev libxxhash-dev libjansson-dev)
test_packages=(libcmocka-dev python3 python3-venv)
pkg_names=(htslib libzstd libdeflate zlib snappy liblz4 libbrotlidec libbrotlienc libxxhash jansson)

what=${1:-build}
[ "$what" = test ] && pkg_names+=(cmocka)

missing_tools() {
  for tool in cmake pkg-config; do
    command -v "$tool" >/dev/null || echo "$tool"
  done
  command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || echo "a C compiler"
  if [ "$what" = test ]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo "python3 with venv"
  fi
  for name in "${pkg_names[@]}"; do
    pkg-config --exists "$name" 2>/dev/null || echo "$name"
  done
}

# The tests of the Dagster pages want a browser; without one they say that they are skipped.
get_browser() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  local get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium)
  "${get[@]}" || { "${as_root[@]}" apt-get update -qq && "${get[@]}"; }
}
if [ "$what" = test ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
  if command -v apt-get >/dev/null && get_browser >/dev/null 2>&1 && command -v chromium >/dev/null; then
    echo "installed chromium for the tests of the Dagster pages" >&2
  else
    echo "no chromium could be installed: the tests of the Dagster pages are skipped" >&2
  fi
fi

missing=$(missing_tools)
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null; then
  packages=("${build_packages[@]}")
  [ "$what" = test ] && packages+=("${test_packages[@]}")
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "missing: ${missing//$'\n'/, }" >&2
      echo "run as root: apt-get install ${packages[*]}" >&2
      exit 1
    }
    as_root=(sudo)
  fi
  echo "missing: ${missing//$'\n'/, }; installing with apt-get" >&2
  export DEBIAN_FRONTEND=noninteractive
  install() { "${as_root[@]}" apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null; }
  install 2>/dev/null || { "${as_root[@]}" apt-get update -qq && install; } || exit 1
  missing=$(missing_tools)
  [ -z "$missing" ] && exit 0
fi

cat >&2 <<LIST
missing: ${missing//$'\n'/, }
Install:
  Fedora          sudo dnf install gcc make cmake pkgconf-pkg-config htslib-devel zlib-devel libzstd-devel \\
                    libdeflate-devel snappy-devel lz4-devel brotli-devel xxhash-devel jansson-devel \\
                    libcmocka-devel python3
  macOS/Homebrew  brew install cmake pkgconf htslib zstd libdeflate zlib snappy lz4 brotli xxhash \\
                    jansson cmocka python
  conda           conda install -c conda-forge -c bioconda c-compiler make cmake pkg-config htslib \\
                    zstd libdeflate zlib snappy lz4-c brotli xxhash jansson cmocka python
LIST
exit 1
