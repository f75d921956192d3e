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

printf '\n$ %s      (some of the columns)\n' "$varjoin inspect --head 8 $dir/annotated.parquet"
$varjoin inspect --head 8 $dir/annotated.parquet | awk -F '\t' '
  NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  { printf "%-6s %-9s %-8s %-8s %-14s %-13s %-20s %-10s %s\n", $at["chrom"], $at["start"], $at["ref"], $at["alt"],
           $at["genotype"], $at["rsid_ensembl"], $at["TSA"], $at["MAF"], $at["E_gnomAD"] }'
step $varjoin verify $dir/annotated.parquet
printf '\nIt is an ordinary Parquet file: %s\n' "$dir/annotated.parquet"
