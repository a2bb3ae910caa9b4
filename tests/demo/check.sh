#!/bin/sh
# Tests the demo: when it succeeds, when it fails, on a terminal, in test mode, with damaged rows, and under a checker.
#
#     tests/demo/check.sh program people.csv [checker and its options]
set -eu

support=$(dirname "$0")/../support
program=$1
people=$2
original=$2
shift 2
output=$(mktemp)
odd=$(mktemp)
trap 'rm "$output" "$odd"' EXIT

# provision [command that runs it]: returns the program's status
provision() {
    UMAPI_LIVE=${live-1} UMAPI_WINDOW_MS=1000 "$support/with-sandbox.sh" --tls --two-hour-rule --time-scale 60 \
        --page-size 50 -- "$@" "$program" "$people" >"$output" 2>&1
}

expect() {
    grep -q "$2" "$output" || {
        cat "$output"
        echo "FAILED  the demo $1" >&2
        exit 1
    }
    echo "ok      the demo $1"
}

provision
expect "provisions all people" '^demo ok: 216 people asked for, 209 provisioned, 7 refused; read back 274 users'
expect "prints plain lines when piped" '^creating: 216 of 216 people$'
expect "prints the service's own message" 'error.group.not_found: no group Ghost Hunters'

live='' provision || true
expect "is a dry run without UMAPI_LIVE" '^demo ok: in test mode .* nothing was changed$'

provision sh -c 'script -qec "$0 $1" /dev/null' || true
expect "renews its line on a terminal" "$(printf '\r\033\\[Kcreating: 20 of 216 people')"

# The service loses the users that it accepted; the demo must notice this when it reads them back.
lose='{"endpoint":"users","fault":{"rewrite":{"set":{"/users":[]}}}}'
status=0
provision sh -c 'python3 "$0" "$1" && shift && exec "$@"' "$support/control.py" "$lose" || status=$?
expect "fails if a person is not as asked" '^demo failed: 212 of 216 people are not as asked$'
[ "$status" = 1 ] || {
    echo "FAILED  the demo's status is $status" >&2
    exit 1
}

# A file as the Admin Console exports it and as people edit it: 14 columns in another order, a byte order mark, CRLF, a line
# end inside a field, a blank line, and invalid rows: each of these is reported with its line, and the others are processed.
columns='Email,Identity Type,Username,Domain,First Name,Last Name,Country Code,ID,Product Configurations,Admin Roles'
columns="$columns,Product Configurations Administered,User Groups,User Groups Administered,Developer Access"
{
    printf '\357\273\277%s\r\n' "$columns"
    printf 'odd.one@example.com,Federated ID,odd.one@example.com,example.com,Ann,One,US,1,,,,Engineering,,\r\n'
    printf 'odd.two@example.com,federated id,,example.com,"Bob ""B""",Two,US,,,"a role\r\nof two lines",,"Sales, Engineering",,\r\n'
    printf 'odd.three@example.com,Federated ID,,,Ren\351,Three,FR,,,,,,,\r\n'
    printf ',,,,,,,,,,,,,\r\n'
    printf ',Federated ID,,,No,Email,US,,,,,,,\r\n'
    printf 'odd.four@example.com,Robot,,,Ro,Bot,US,,,,,,,\r\n'
    printf 'odd.five@example.com,Federated ID,,,Five,Long,United States,,,,,,,\r\n'
    printf 'odd.six@example.com,Federated ID,,,"Six,Six,US,,,,,,,\r\n'
    printf 'odd.seven@example.com,Enterprise ID,odd7,corp.example.com,Dan,Seven,GB,,Acrobat Pro DC,,,,,,\r\n\r\n'
} >"$odd"
people=$odd
status=0
provision "$@" || status=$?
expect "finds columns by their names" '^demo ok: 4 people asked for, 3 provisioned, 1 refused; .* all as asked$'
expect "reports a row in another encoding with its line" '^not taken: .*, line 5: is not UTF-8'
expect "reports a row without an email with its line" '^not taken: .*, line 7: has no email$'
expect "reports a row of another type with its line" '^not taken: .*, line 8: has an identity type'
expect "goes on after a person that the library refuses" '^refused: odd.five@example.com: line 9: country'
expect "goes on after a quote that is not closed" '^not taken: .*, line 10: has a quote that is not closed$'
expect "reports how many rows were not taken" '^demo incomplete: 4 rows of the file were not taken$'
[ "$status" = 1 ] || {
    echo "FAILED  the demo's status with bad rows is $status" >&2
    exit 1
}
for header in 'Name,Mail' 'Email,Email,Identity Type' ''; do
    echo "$header" >"$odd"
    provision || true
    expect "refuses the columns '$header'" '^line 1: the '
done
people=$original

[ $# = 0 ] || {
    provision "$@" || echo "a status of $?, which is not 0" >"$output"
    expect "is clean under $1" '^demo ok'
}
