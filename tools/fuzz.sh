#!/bin/sh
# Runs each libFuzzer target for a while, starting from its corpus: fuzz.sh BUILD SECONDS. New inputs go to
# BUILD/corpus; one that is worth keeping is copied to tests/fuzz/corpus/NAME by hand.
set -eu
build=$1 seconds=$2 found=0
for target in "$build"/tests/fuzz_*; do
    [ -x "$target" ] || continue
    name=${target##*/fuzz_}
    found=1
    mkdir -p "$build/corpus/$name"
    echo "fuzz: $name, $seconds s"
    "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$build/corpus/$name-" \
        -print_final_stats=0 -verbosity=0 "$build/corpus/$name" "tests/fuzz/corpus/$name"
done
[ "$found" = 1 ] || { echo "fuzz: no target in $build/tests" >&2; exit 1; }
