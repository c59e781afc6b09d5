#!/bin/bash
# Installs the Debian packages that a job needs, when they are missing.   debian.sh GROUP...
#   build    compile and install Vonk
#   test     build, plus what the client tests need
#   lint     clang 19: second compiler, format, static checks, fuzzing
#   java     real Spark (make oracle, the Spark row of make bench)
# Does nothing, and needs no rights, when everything is there.
set -euo pipefail

build=(gcc libc6-dev make meson ninja-build pkgconf ccache python3-dev ca-certificates tzdata
    libnghttp2-dev libzstd-dev liblz4-dev zlib1g-dev libssl-dev libpcre2-dev libsnappy-dev libbrotli-dev libbz2-dev
    libmimalloc-dev libxxhash-dev libmicrohttpd-dev libexpat1-dev libcmocka-dev)
test=(python3-venv git libedit2)
lint=(clang-19 clang-format-19 clang-tidy-19 clang-tools-19 libclang-rt-19-dev)
java=(openjdk-17-jre-headless)

want=()
for group in "$@"; do
    case $group in
    build) want+=("${build[@]}") ;;
    test) want+=("${build[@]}" "${test[@]}") ;;
    lint) want+=("${build[@]}" "${lint[@]}") ;;
    java) want+=("${java[@]}") ;;
    *) echo "debian.sh: no group '$group'" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: install the counterparts of these packages yourself: ${want[*]}" >&2
    exit 0
fi
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=()
for package in "${want[@]}"; do
    grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "need root (or sudo) to install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "${missing[@]}" >/dev/null
