#!/bin/sh
# Runs the commands of the README's section "Keys and certificates" as they stand there, with a sandbox in Adobe's place:
#
#     tests/support/with-sandbox.sh ... -- tests/documents/keys-and-certificates.sh directory-of-the-programs
set -eu

programs=$(cd "$1" && pwd)
readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md
control=$(cd "$(dirname "$0")/../support" && pwd)/control.py
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/bin"
ln -s "$programs/umapi-key-pair" "$place/bin"

# The certificate is uploaded, and the file is told where the sandbox is, of which the README knows nothing.
cat >"$place/bin/umapi-check" <<'END'
#!/bin/sh
set -eu
[ "$1" = --config ]
jwt_pem=$(awk '{ printf "%s\\n", $0 }' certificate.crt)
python3 "$CONTROL" /settings "{\"client_id\":\"0a1b2c3d4e5f\",\"client_secret\":\"p8e-...\",\"jwt_pem\":\"$jwt_pem\"}"
where="\"endpoint\":\"$ENDPOINT\",\"auth_host\":\"$AUTH_HOST\",\"ca_file\":\"$CA_FILE\","
sed "1s|{|{$where|" "$2" >with-sandbox.json
"$PROGRAMS/umapi-check" --config with-sandbox.json | tee check.log
grep -q '^ok      API call' check.log && ! grep -q FAILED check.log
END
chmod +x "$place/bin/umapi-check"

awk '/^## Keys and certificates/ { here = 1 } here && /^```$/ { exit } in_block { print } here && /^```sh$/ { in_block = 1 }' \
    "$readme" >"$place/commands"
[ "$(grep -c umapi- "$place/commands")" -ge 2 ]

cd "$place"
CONTROL=$control PROGRAMS=$programs ENDPOINT=$UMAPI_ENDPOINT AUTH_HOST=$UMAPI_AUTH_HOST CA_FILE=$UMAPI_CA_FILE
export CONTROL PROGRAMS ENDPOINT AUTH_HOST CA_FILE
unset UMAPI_ENDPOINT UMAPI_AUTH_HOST UMAPI_CA_FILE UMAPI_ORG_ID UMAPI_CLIENT_ID UMAPI_CLIENT_SECRET UMAPI_TECH_ACCT_ID
PATH=$place/bin:$PATH sh -eu commands
[ "$(stat -c %a encrypted.key)" = 600 ] && [ ! -e private.key ]
echo "ok      the commands of \"Keys and certificates\""
