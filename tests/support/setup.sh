#!/bin/sh
# Installs the programs that the tests need with apt-get, or lists their packages if it may not.
set -eu

missing=
need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need cc build-essential
need c++ build-essential
need valgrind valgrind
need python3 python3
need openssl openssl
need mitmdump mitmproxy
need tinyproxy tinyproxy-bin
need microsocks microsocks
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing
else
    echo "the tests need these packages:$missing" >&2
    exit 1
fi
