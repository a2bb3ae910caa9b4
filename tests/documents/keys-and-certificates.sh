#!/bin/sh
# Runs the commands of the README's section "Keys and certificates" unchanged, with a sandbox instead of Adobe's service:
#
#     tests/support/with-sandbox.sh ... -- tests/documents/keys-and-certificates.sh directory-of-the-programs
set -eu

programs=$(cd "$1" && pwd)
readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md
control=$(cd "$(dirname "$0")/../support" && pwd)/control.py
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/bin"
ln -s "$programs/umapi-key-pair" "$directory/bin"

# This wrapper uploads the certificate and adds the sandbox's address to the file, which the README does not show.
cat >"$directory/bin/umapi-check" <<'END'
#!/bin/sh
set -eu
[ "$1" = --config ]
jwt_pem=$(awk '{ printf "%s\\n", $0 }' certificate.crt)
python3 "$CONTROL" /settings "{\"client_id\":\"0a1b2c3d4e5f\",\"client_secret\":\"p8e-...\",\"jwt_pem\":\"$jwt_pem\"}"
address="\"endpoint\":\"$ENDPOINT\",\"auth_host\":\"$AUTH_HOST\",\"ca_file\":\"$CA_FILE\","
sed "1s|{|{$address|" "$2" >with-sandbox.json
"$PROGRAMS/umapi-check" --config with-sandbox.json | tee check.log
grep -q '^ok      API call' check.log && ! grep -q FAILED check.log
END
chmod +x "$directory/bin/umapi-check"

awk '/^## Keys and certificates/ { here = 1 } here && /^```$/ { exit } in_block { print } here && /^```sh$/ { in_block = 1 }' \
    "$readme" >"$directory/commands"
[ "$(grep -c umapi- "$directory/commands")" -ge 2 ]

cd "$directory"
CONTROL=$control PROGRAMS=$programs ENDPOINT=$UMAPI_ENDPOINT AUTH_HOST=$UMAPI_AUTH_HOST CA_FILE=$UMAPI_CA_FILE
export CONTROL PROGRAMS ENDPOINT AUTH_HOST CA_FILE
unset UMAPI_ENDPOINT UMAPI_AUTH_HOST UMAPI_CA_FILE UMAPI_ORG_ID UMAPI_CLIENT_ID UMAPI_CLIENT_SECRET UMAPI_TECH_ACCT_ID
PATH=$directory/bin:$PATH sh -eu commands
[ "$(stat -c %a encrypted.key)" = 600 ] && [ ! -e private.key ]
echo "ok      the commands of \"Keys and certificates\""
