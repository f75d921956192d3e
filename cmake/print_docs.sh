#!/bin/sh
# Print the manual pages and completions of a built program into a folder.
# usage: print_docs.sh PROGRAM DIR
set -eu
program=$1
cd "$2"
rm -rf man1
mkdir man1
"$program" --man >man1/varjoin.1
"$program" --man list | while read -r verb; do
  # shellcheck disable=SC2086  # "reference build" is two words
  "$program" --man $verb >"man1/varjoin-$(echo "$verb" | tr ' ' '-').1"
done
"$program" --completion bash >varjoin.bash
"$program" --completion zsh >_varjoin
"$program" --completion fish >varjoin.fish
