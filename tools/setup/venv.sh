#!/bin/bash
# Makes a Python environment with exactly the packages of some requirement files.   venv.sh FOLDER FILE...
# Does nothing when FOLDER was already made from the same files.
set -euo pipefail
venv=$1
shift
stamp=$venv/made-from
want=$(cat "$@" | sha256sum | cut -d' ' -f1)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0

requirements=()
for file in "$@"; do requirements+=(-r "$file"); done
echo "making $venv from $*"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${requirements[@]}"
echo "$want" >"$stamp"
