#!/bin/sh
# The demo tells the truth: when all is well, when it is not, on a terminal, in test mode, and under a checker.
#
#     tests/demo.sh program people.csv [checker and its options]
set -eu

here=$(dirname "$0")
program=$1
people=$2
shift 2
said=$(mktemp)
trap 'rm "$said"' EXIT

# provision [what runs it]: the status is the program's
provision() {
    UMAPI_LIVE=${live-1} UMAPI_WINDOW_MS=1000 "$here/with-sandbox.sh" --tls --two-hour-rule --time-scale 60 --page-size 50 -- \
        "$@" "$program" "$people" >"$said" 2>&1
}

expect() {
    grep -q "$2" "$said" || {
        cat "$said"
        echo "FAILED  the demo $1" >&2
        exit 1
    }
    echo "ok      the demo $1"
}

provision
expect "provisions everybody" '^demo ok: 216 people asked for, 209 provisioned, 7 refused; read back 274 users'
expect "prints plain lines when piped" '^creating: 216 of 216 people$'
expect "tells the service's own words" 'error.group.not_found: no group Ghost Hunters'

live='' provision || true
expect "is a dry run without UMAPI_LIVE" '^demo ok: in test mode .* nothing was changed$'

provision sh -c 'script -qec "$0 $1" /dev/null' || true
expect "renews its line on a terminal" "$(printf '\r\033\\[Kcreating: 20 of 216 people')"

# The service forgets what it has taken: whoever reads it back must notice.
lose='{"endpoint":"users","fault":{"rewrite":{"set":{"/users":[]}}}}'
status=0
provision sh -c 'python3 "$0" "$1" && shift && exec "$@"' "$here/control.py" "$lose" || status=$?
expect "fails if anybody is not as asked" '^demo failed: 212 of 216 people are not as asked$'
[ "$status" = 1 ] || {
    echo "FAILED  the demo's status is $status" >&2
    exit 1
}

[ $# = 0 ] || {
    provision "$@" || echo "a status of $?, which is not 0" >"$said"
    expect "is clean under $1" '^demo ok'
}
