#!/bin/sh
# The binary interface is what it was and what the header says:
#
#     tests/abi/check.sh libumapi.so include/umapi.h
set -eu
LC_ALL=C
export LC_ALL

library=$1
header=$2
place=$(mktemp -d)
trap 'rm -r "$place"' EXIT

fail() {
    echo "$1" >&2
    exit 1
}

nm -D --defined-only "$library" | awk '{print $3}' | sort >"$place/exported"
# Functions begin in the first column, or after their return type on the line of it; comments begin with a star.
sed -n 's/^[a-z].*[ *]\(umapi_[a-z0-9_]*\)(.*/\1/p' "$header" | grep -v '^umapi_.*_fn$' | sort >"$place/declared"

diff "$(dirname "$0")/symbols.txt" "$place/exported" ||
    fail "the exported symbols are not those of tests/abi/symbols.txt; add new ones to it, never take one away"
diff "$place/declared" "$place/exported" || fail "the header does not declare exactly what is exported"

abi=$(sed -n 's/^#define UMAPI_ABI_VERSION //p' "$header")
readelf -d "$library" | grep -q "Library soname: \[libumapi.so.$abi\]" || fail "the soname is not libumapi.so.$abi"
echo "ok      $(wc -l <"$place/exported") exported symbols, as declared and as listed; soname libumapi.so.$abi"
