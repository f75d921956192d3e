#!/usr/bin/env bash
# make dagster-demo: a pinned Dagster with its web server on loopback, demo data of two users, every
# installed engine materialised. Everything stays in build/; Ctrl-C stops it.
# usage: tools/dagster_demo.sh        PORT=3333 ROWS=500000 KEEP=1 (do not start afresh)
set -eu
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/build/dagster-venv
dir=$root/build/dagster-demo
port=${PORT:-3333}
rows=${ROWS:-500000}
python=$venv/bin/python
requirements=$root/python/varjoin/dagster/requirements.txt

if [ ! -f "$venv/ready" ] || [ "$requirements" -nt "$venv/ready" ]; then
  echo "installing Dagster and Polars into build/dagster-venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" polars==2.1.0
  touch "$venv/ready"
fi
tools/fetch_duckdb.sh >/dev/null 2>&1 || echo "no DuckDB library (tools/fetch_duckdb.sh says why): without that engine"

[ "${KEEP:-}" = 1 ] || rm -rf "$dir"
mkdir -p "$dir/home/.nux" "$dir/input/anna" "$dir/input/ben"
echo 'seen: 1' > "$dir/home/.nux/nux.yaml" # no welcome dialog over the page
cat > "$dir/home/dagster.yaml" <<'YAML'
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1   # one engine at a time
    granularity: op
YAML
export DAGSTER_HOME=$dir/home DAGSTER_DISABLE_TELEMETRY=1 PYTHONPATH=$root/python PYTHONWARNINGS=ignore
export VARJOIN_BIN=$root/build/release/varjoin VARJOIN_PYTHON=$python
export VARJOIN_INPUT_DIR=$dir/input VARJOIN_OUTPUT_DIR=$dir/output VARJOIN_ENSEMBL=$dir/ensembl

if [ ! -d "$dir/ensembl" ]; then
  echo "simulating a database of $rows rows and two people"
  "$VARJOIN_BIN" simulate -q -o "$dir/ensembl.new" --rows "$rows" --contigs 20,21,22 --sample "$dir/input/anna/genome.vcf.gz"
  "$VARJOIN_BIN" simulate -q --rows "$rows" --contigs 20,21,22 --sample-seed 7 --sample "$dir/input/ben/exome.vcf.gz"
  mv "$dir/ensembl.new" "$dir/ensembl"
fi

pids=()
stop() {
  trap '' INT TERM
  echo; echo "stopping"
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  exit "${1:-0}"
}
trap stop INT TERM

echo "materialising"
"$python" tools/dagster_demo.py 2>"$dir/materialise.log" || { tail -5 "$dir/materialise.log"; exit 1; }

# Sessions of their own: Ctrl-C reaches this script, which stops them in order.
setsid "$venv/bin/dagster-webserver" -h 127.0.0.1 -p "$port" -m varjoin.dagster.definitions >"$dir/webserver.log" 2>&1 &
pids+=($!)
setsid "$venv/bin/dagster-daemon" run -m varjoin.dagster.definitions >"$dir/daemon.log" 2>&1 &
pids+=($!)
for _ in $(seq 120); do
  "$python" - "$port" 2>/dev/null <<'PY' && break
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/server_info", timeout=1)
PY
  kill -0 "${pids[0]}" 2>/dev/null || { tail -5 "$dir/webserver.log"; stop 1; }
  sleep 0.5
done
cat <<TEXT

  http://127.0.0.1:$port/asset-groups
  http://127.0.0.1:$port/assets/user_annotated_vcf_native?view=overview     Metadata, Plots
  http://127.0.0.1:$port/assets/user_annotated_vcf_native?view=partitions   one sample at a time

Put USER/SAMPLE.vcf.gz into $dir/input and the sensor adds its partition.
Ctrl-C stops it.
TEXT
wait "${pids[0]}" || true
stop
