#!/bin/sh
# Prints the fault matrix and compares it with the one in README.md; with --update it renews that one.
#
#     tests/fault_matrix/check.sh program [--update]
set -eu

here=$(dirname "$0")
readme=$here/README.md
begin='<!-- The fault matrix: make faults -->'
end='<!-- The end of the fault matrix -->'
matrix=$(mktemp)
trap 'rm -f "$matrix" "$matrix.readme"' EXIT

"$here/../support/with-sandbox.sh" --tls --limits off --page-size 20 -- "$1" >"$matrix" || {
    cat "$matrix"
    exit 1
}
cat "$matrix"

if [ "${2-}" = --update ]; then
    sed -n "1,/^$begin/p" "$readme" >"$matrix.readme"
    cat "$matrix" >>"$matrix.readme"
    echo >>"$matrix.readme"
    sed -n "/^$end/,\$p" "$readme" >>"$matrix.readme"
    cat "$matrix.readme" >"$readme"
else
    sed -n "/^$begin/,/^$end/p" "$readme" | sed '1d; $d' | sed '$d' >"$matrix.readme"
    diff "$matrix.readme" "$matrix" || {
        echo "the matrix differs from tests/fault_matrix/README.md; if that is wrong, make faults renews it" >&2
        exit 1
    }
fi
