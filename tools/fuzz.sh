#!/bin/bash
# Runs every fuzz target for some time from its kept corpus.   fuzz.sh BUILD SECONDS
# A target is BUILD/tests/fuzz/fuzz_NAME; its corpus tests/fuzz/corpus/NAME. What crashes is left there as crash-*,
# and becomes a test by being committed with the repair.
set -uo pipefail
build=$1 seconds=$2 passed=0 failed=0
cd "$(dirname "$0")/.."
shopt -s nullglob
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1 # else it says so and goes on
targets=("$build"/tests/fuzz/fuzz_*)
for target in "${targets[@]}"; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=${target##*/fuzz_}
    corpus=tests/fuzz/corpus/$name
    mkdir -p "$build/corpus-$name" "$corpus"
    echo "--- $name, $seconds s"
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$corpus/crash-" "$build/corpus-$name" "$corpus" 2>"$build/fuzz-$name.log"; then
        passed=$((passed + 1))
        grep -E 'number_of_executed_units|peak_rss_mb' "$build/fuzz-$name.log"
    else
        failed=$((failed + 1))
        tail -n 60 "$build/fuzz-$name.log"
    fi
done
[ $((passed + failed)) -gt 0 ] || { echo "no fuzz target was built" >&2; failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
