#!/bin/sh
# Runs a command with a sandbox beside it, whose address and credentials are in the command's environment:
#
#     tests/support/with-sandbox.sh [sandbox options] -- command [arguments]
#
# UMAPI_SANDBOX names the program, if it is not where `cargo build -p umapi-sandbox` puts it.
set -eu

sandbox=${UMAPI_SANDBOX:-$(dirname "$0")/../../target/debug/umapi-sandbox}
place=$(mktemp -d)
options=
while [ "$1" != -- ]; do
    options="$options $1"
    shift
done
shift

# The sandbox ends when this script does, however that comes about, for nobody else holds its standard input open.
mkfifo "$place/stdin" "$place/stdout"
# shellcheck disable=SC2086
"$sandbox" --exit-with-stdin $options <"$place/stdin" >"$place/stdout" &
exec 3>"$place/stdin"
read -r line <"$place/stdout"
rm -r "$place"

field() {
    printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}
UMAPI_ENDPOINT=$(field endpoint)
UMAPI_AUTH_HOST=$(field auth_url)
UMAPI_ORG_ID=$(field org_id)
UMAPI_CLIENT_ID=$(field client_id)
UMAPI_CLIENT_SECRET=$(field client_secret)
UMAPI_TECH_ACCT_ID=$(field tech_acct_id)
UMAPI_CA_FILE=$(field ca_file)
UMAPI_SANDBOX_CONTROL=$(field control)
export UMAPI_ENDPOINT UMAPI_AUTH_HOST UMAPI_ORG_ID UMAPI_CLIENT_ID UMAPI_CLIENT_SECRET UMAPI_TECH_ACCT_ID
export UMAPI_CA_FILE UMAPI_SANDBOX_CONTROL

status=0
"$@" 3>&- || status=$?
exec 3>&-
wait
exit $status
