#!/bin/sh
# Starts a sandbox and runs a command with the sandbox's address and credentials in its environment:
#
#     tests/support/with-sandbox.sh [sandbox options] -- command [arguments]
#
# UMAPI_SANDBOX is the path of the sandbox, if it is not where `cargo build -p umapi-sandbox` puts it.
set -eu

sandbox=${UMAPI_SANDBOX:-$(dirname "$0")/../../target/debug/umapi-sandbox}
directory=$(mktemp -d)
options=
while [ "$1" != -- ]; do
    options="$options $1"
    shift
done
shift

# The sandbox ends when this script ends for any reason, since only this script holds the sandbox's standard input open.
mkfifo "$directory/stdin" "$directory/stdout"
# shellcheck disable=SC2086
"$sandbox" --exit-with-stdin $options <"$directory/stdin" >"$directory/stdout" &
exec 3>"$directory/stdin"
read -r line <"$directory/stdout"
rm -r "$directory"

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
