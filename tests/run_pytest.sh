#!/usr/bin/env bash
# Run pytest with the first interpreter that has it: $VJ_PYTHON, the venv of `make test`, python3.
# usage: run_pytest.sh ARGS...   exit 77: none has it (ctest counts that as skipped)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
for python in "${VJ_PYTHON:-}" "$root/build/venv/bin/python" python3; do
  if [ -n "$python" ] && "$python" -c 'import pytest' 2>/dev/null; then
    # a folder of its own: runs beside each other do not clean up after one another
    folder=$(mktemp -d "${TMPDIR:-/tmp}/varjoin-test-XXXXXX") || exit 1
    "$python" -m pytest -q -p no:cacheprovider -rs --basetemp="$folder/pytest" "$@"
    code=$?
    rm -rf "$folder"
    [ $code -eq 5 ] && exit 77 # nothing collected: what the file needs is not installed
    exit $code
  fi
done
echo "skipped: no Python with pytest; 'make test' makes one in build/venv" >&2
exit 77
