#!/bin/bash
# What is installed is all that a user needs: the program runs, and a C program builds with pkg-config and runs.
#   install.sh SOURCE_ROOT BUILD
set -euo pipefail
source=$1 build=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet

pc=$(find "$root" -name vonk.pc)
[ -n "$pc" ] || { echo "no vonk.pc" >&2; exit 1; }
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
libraries=$(dirname "$(find "$root" -name libvonk.so)")
read -ra flags <<<"$(pkg-config --cflags --libs vonk)"
cc "$source/examples/embed.c" "${flags[@]}" -o "$root/embed"
LD_LIBRARY_PATH=$libraries "$root/embed" "SELECT 1 AS one" | grep -qx "column 0: one, Arrow format i"

vonk=$(find "$root" -path '*/bin/vonk')
[ "$("$vonk" sql --output csv -e 'SELECT 6 * 7 AS answer' | tail -n 1)" = 42 ]
find "$root" -path '*/doc/vonk/LICENSE' | grep -q .

# SPARK_HOME: its scripts find the binary by their own place.
home=$(find "$root" -path '*/share/vonk/home' -type d)
env -u VONK -u SPARK_HOME "$home/bin/spark-submit" --help | grep -q -- --py-files
[ "$(env -u VONK "$home/bin/spark-sql" --output csv -e 'SELECT 1 + 1 AS two' | tail -n 1)" = 2 ]
