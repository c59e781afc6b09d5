#!/bin/bash
# The build that people install: optimized across files and by a profile of small calls; queries gain, too.
#   release.sh BUILD PYTHON JOBS
# Compiles Vonk twice: to be watched while PYTHON's client makes small calls, then by what was seen. Code that no small
# call runs is compiled as without a profile. The profile is made anew when a source has changed.
set -euo pipefail
build=$1 python=$2 jobs=$3
cd "$(dirname "$0")/.."

is_trained() { [ -f "$build/trained" ] && [ -z "$(find src meson.build -newer "$build/trained" -print -quit)" ]; }
if ! is_trained; then
    rm -rf "$build"
    meson setup "$build" --buildtype=debugoptimized -Dtests=disabled -Dwerror=false -Db_pgo=generate
    ninja -j "$jobs" -C "$build" vonk
    "$python" bench/latency/run.py --vonk "$build/vonk" --build "$build" --engines vonk --calls 3000
    profile=$(find "$build" -name '*.gcda' -print -quit)
    [ -n "$profile" ] || { echo "release.sh: the small calls left no profile" >&2; exit 1; }
    meson configure "$build" -Db_pgo=use -Db_lto=true -Db_lto_threads="$jobs"
    touch "$build/trained"
fi
ninja -j "$jobs" -C "$build"
