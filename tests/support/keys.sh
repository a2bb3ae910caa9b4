#!/bin/sh
# Generates the keys of the tests with OpenSSL, in every form in which keys are stored:
#
#     tests/support/keys.sh directory
#
# public.pem is the public key of all of them, except the keys named other-* and the keys that are refused. The passphrase
# is in the file `passphrase`, that of the keys named utf8-* in `utf8-passphrase`.
set -eu

mkdir -p "$1"
cd "$1"
printf 'correct horse' >passphrase
printf 'Gr\303\274\303\237e \346\235\261\344\272\254' >utf8-passphrase
old="-provider legacy -provider default"

quietly() {
    "$@" 2>openssl.log || {
        cat openssl.log >&2
        exit 1
    }
}

pair() {
    quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:"$2" -out "$1pkcs8.pem"
    quietly openssl rsa -in "$1pkcs8.pem" -traditional -out "$1pkcs1.pem"
    quietly openssl rsa -in "$1pkcs8.pem" -pubout -out "$1public.pem"
}
pair "" 2048
pair other- 3072
pair short- 1024

# ---- Encrypted PKCS#8 ----

pkcs8() {
    name=$1
    shift
    # shellcheck disable=SC2086
    quietly openssl pkcs8 -topk8 -in pkcs8.pem -passout file:passphrase -out "$name.pem" "$@"
}
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des3; do
    pkcs8 pbes2-$cipher -v2 $cipher
done
for hash in SHA1 SHA224 SHA384 SHA512; do
    pkcs8 pbes2-$hash -v2 aes-256-cbc -v2prf hmacWith$hash
done
pkcs8 pbes2-iterations -v2 aes-256-cbc -iter 20000
pkcs8 pbes2-scrypt -scrypt
for scheme in PBE-MD5-DES PBE-SHA1-DES PBE-MD5-RC2-64 PBE-SHA1-RC2-64 \
    PBE-SHA1-3DES PBE-SHA1-2DES PBE-SHA1-RC2-128 PBE-SHA1-RC2-40 PBE-SHA1-RC4-128; do
    # shellcheck disable=SC2086
    pkcs8 pbes1-$scheme -v1 $scheme $old
done
for scheme in "-v2 aes-256-cbc" "-v1 PBE-SHA1-3DES" "-v1 PBE-SHA1-DES"; do
    # shellcheck disable=SC2086
    quietly openssl pkcs8 -topk8 -in pkcs8.pem -passout file:utf8-passphrase $old $scheme \
        -out "utf8-${scheme##* }.pem"
done
quietly openssl pkcs8 -topk8 -in short-pkcs8.pem -passout file:passphrase -out short-encrypted.pem

# ---- Headers, under both labels ----

for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des-ede3-cbc; do
    quietly openssl rsa -in pkcs8.pem -traditional -$cipher -passout file:passphrase -out legacy-$cipher.pem
done
# The form that Adobe's User Sync Tool writes. OpenSSL derives the key from the first eight bytes of the vector.
quietly openssl pkcs8 -topk8 -nocrypt -in pkcs8.pem -outform DER -out pkcs8.der
under_the_other_label() {
    name=$1
    cipher=$2
    iv=$(openssl rand -hex "$3" | tr a-f A-F)
    salt=$(printf %.16s "$iv")
    {
        echo "-----BEGIN PRIVATE KEY-----"
        echo "Proc-Type: 4,ENCRYPTED"
        echo "DEK-Info: $(echo "$cipher" | tr a-z A-Z),$iv"
        echo
        quietly openssl enc -"$cipher" -md md5 -pass file:passphrase -S "$salt" -iv "$iv" -in pkcs8.der -base64
        echo "-----END PRIVATE KEY-----"
    } >"$name.pem"
    # OpenSSL verifies the composed file.
    quietly openssl pkey -in "$name.pem" -passin file:passphrase -noout
}
under_the_other_label private-key-des-ede3-cbc des-ede3-cbc 8
under_the_other_label private-key-aes-256-cbc aes-256-cbc 16

# ---- As changed by editors and shells ----

sed 's/$/\r/' pkcs8.pem >crlf.pem
sed 's/$/\r/' legacy-aes-256-cbc.pem >crlf-legacy.pem
{
    printf '\357\273\277'
    cat pkcs8.pem
} >bom.pem
{
    printf '\377\376'
    iconv -f ASCII -t UTF-16LE pkcs8.pem
} >utf16.pem
{
    echo "Bag Attributes"
    echo "    friendlyName: umapi"
    cat pkcs1.pem
} >leading-text.pem
printf %s "$(cat pkcs8.pem)" >no-final-newline.pem
base64 -w 0 pkcs8.pem >base64-of-pem.txt
quietly openssl req -x509 -new -key pkcs8.pem -subj /CN=umapi -days 30 -out certificate.pem
cat certificate.pem pkcs8.pem >certificate-and-key.pem

# ---- Files that are refused ----

quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
quietly openssl ecparam -name prime256v1 -genkey -out ec-sec1.pem
quietly openssl pkcs8 -topk8 -in ec.pem -passout file:passphrase -out ec-encrypted.pem
quietly openssl genpkey -algorithm ED25519 -out ed25519.pem
quietly openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out rsa-pss.pem
quietly openssl req -new -key pkcs8.pem -subj /CN=umapi -out request.pem
quietly openssl pkcs12 -export -in certificate.pem -inkey pkcs8.pem -passout file:passphrase -out bundle.p12
head -n 10 pkcs8.pem >cut-short.pem
sed '/-----/d' pkcs8.pem | tr -d '\n' >no-marks.txt
sed 's/ /%20/g; s/$/%0A/; s/+/%2B/g' pkcs8.pem | tr -d '\n' >percent-encoded.txt
sed '5s/^..../!!!!/' pkcs8.pem >not-base64.pem
sed '5s/^......../AAAAAAAA/' pkcs8.pem >damaged.pem
rm -f openssl.log
