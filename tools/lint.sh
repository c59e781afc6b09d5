#!/bin/bash
# Everything about the code that can be said without running it.   lint.sh BUILD CLANG_BUILD
# BUILD was made by gcc (its objects are looked at for banned calls), CLANG_BUILD is configured for clang 19, -Werror.
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 clang_build=$2 passed=0 failed=0

step() { # NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok    $name, $((SECONDS - start)) s"
    else
        failed=$((failed + 1))
        echo "FAIL  $name, $((SECONDS - start)) s"
    fi
}
format_check() {
    git ls-files -z 'src/*.c' 'include/*.c' 'tests/*.c' 'examples/*.c' 'bench/*.c' |
        xargs -0 -r clang-format-19 --dry-run --Werror 2>&1 | tail -n 40
    [ "${PIPESTATUS[1]}" -eq 0 ]
}
shell_syntax() {
    git ls-files -z '*.sh' '.ci/run' | xargs -0 -n 1 bash -n
}
python_syntax() {
    git ls-files -z '*.py' |
        xargs -0 -r python3 -c 'import ast, sys; [ast.parse(open(f, encoding="utf-8").read(), f) for f in sys.argv[1:]]'
}

step layers python3 tools/layers.py
step tidy python3 tools/tidy.py
step "banned calls" python3 tools/banned.py "$build"
step "shell syntax" shell_syntax
step "python syntax" python_syntax
step "clang-format" format_check
step "clang -Werror" ninja -C "$clang_build" --quiet
step "clang-tidy" python3 tools/clang_tidy.py "$clang_build"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
