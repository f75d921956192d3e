#!/usr/bin/env bash
# make demo: simulate a chromosome-sized database and a person, annotate, show what came out and
# what the run cost. Everything stays in build/demo.
# usage: tools/demo.sh [ROWS]
set -eu
cd "$(dirname "$0")/.."
varjoin=build/release/varjoin
dir=build/demo
rows=${1:-3000000}
mkdir -p $dir
step() { printf '\n$ %s\n' "$*"; "$@"; }

echo "varjoin demo: a database of $rows rows of chromosome 22, and one person."
if [ ! -f "$dir/ensembl/rows.$rows" ]; then
  rm -rf $dir/ensembl
  step $varjoin simulate -o $dir/ensembl --rows "$rows" --sample $dir/person.vcf.gz
  touch "$dir/ensembl/rows.$rows"
fi
ls -lh $dir/ensembl/*.parquet $dir/person.vcf.gz | awk '{print "  " $NF "  " $5}'
step $varjoin annotate $dir/person.vcf.gz -a ensembl=$dir/ensembl -o $dir/annotated.parquet
step $varjoin inspect --head 5 $dir/annotated.parquet
step $varjoin verify $dir/annotated.parquet
