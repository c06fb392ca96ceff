#!/bin/sh
# Trains every process with every prediction on the Gaussian mixture and writes docs/proof.md: some ten minutes on two cores.
# tools/proof.sh BUILD [ROWS]; ROWS is a file of rows that were printed before by BUILD/tests/quality_proof.
set -eu
build=$1
page=docs/proof.md
rows=${2:-$(mktemp)}
trap '[ $# -gt 1 ] || rm -f "$rows"' EXIT
[ $# -gt 1 ] || "$build/tests/quality_proof" > "$rows"
[ -s "$rows" ] || { echo "tools/proof.sh: no rows were printed" >&2; exit 1; }
sed -n '1,/^<!-- rows -->$/p' $page > $page.new
{
    echo
    echo "Run on $(date -u +%Y-%m-%d) at version $("$build/ito" version | head -1 | sed 's/^ito //; s/ .*//')."
    "$build/tests/quality_proof" --floor
    echo
    echo '| process | prediction | score | worst level | energy | NLL | over exact | ODE |'
    echo '|---|---|---|---|---|---|---|---|'
    cat "$rows"
    echo
    sed -n '/^<!-- notes -->$/,$p' $page
} >> $page.new
mv $page.new $page
