#!/bin/sh
# Checks the binary interface: the exported symbols are those of the list and of the header, and the soname fits:
#
#     tests/abi/check.sh libumapi.so include/umapi.h
set -eu
LC_ALL=C
export LC_ALL

library=$1
header=$2
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT

fail() {
    echo "$1" >&2
    exit 1
}

nm -D --defined-only "$library" | awk '{print $3}' | sort >"$directory/exported"
# A declaration begins in the first column, with the return type; comments begin with a star.
sed -n 's/^[a-z].*[ *]\(umapi_[a-z0-9_]*\)(.*/\1/p' "$header" | grep -v '^umapi_.*_fn$' | sort >"$directory/declared"

diff "$(dirname "$0")/symbols.txt" "$directory/exported" ||
    fail "the exported symbols are not those of tests/abi/symbols.txt; add new ones to it, and never remove one"
diff "$directory/declared" "$directory/exported" || fail "the header does not declare exactly what is exported"

abi=$(sed -n 's/^#define UMAPI_ABI_VERSION //p' "$header")
readelf -d "$library" | grep -q "Library soname: \[libumapi.so.$abi\]" || fail "the soname is not libumapi.so.$abi"
echo "ok      $(wc -l <"$directory/exported") exported symbols, as declared and as listed; soname libumapi.so.$abi"
