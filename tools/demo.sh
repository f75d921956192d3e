#!/usr/bin/env bash
# make demo: simulate a chromosome-sized database and a person, annotate, show what came out and
# what the run cost. Everything stays in build/demo.
# usage: tools/demo.sh [ROWS]
set -eu
cd "$(dirname "$0")/.."
varjoin=build/release/varjoin
dir=build/demo
rows=${1:-5000000}
mkdir -p $dir
step() { printf '\n$ %s\n' "$*"; "$@"; }

echo "varjoin demo: a database of $rows rows of chromosome 22, and one person."
if [ ! -f "$dir/ensembl/rows.$rows" ]; then
  rm -rf $dir/ensembl
  step $varjoin simulate -o $dir/ensembl --rows "$rows" --sample $dir/person.vcf.gz
  touch "$dir/ensembl/rows.$rows"
fi
du -h $dir/ensembl/*.parquet $dir/person.vcf.gz

step $varjoin annotate $dir/person.vcf.gz -a ensembl=$dir/ensembl -o $dir/annotated.parquet

printf '\n$ %s | cut ...\n' "$varjoin inspect --head 8 $dir/annotated.parquet"
$varjoin inspect --head 8 $dir/annotated.parquet | cut -f 1,2,5,6,10,18,23,28,33,34 | expand -t 14
step $varjoin verify $dir/annotated.parquet
printf '\nIt is an ordinary Parquet file: %s\n' "$dir/annotated.parquet"
