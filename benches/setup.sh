#!/bin/sh
# Installs what the benchmark needs: compilers and libraries with apt-get, or lists their packages if it may not, and
# Adobe's client in a virtual environment.
#
#     setup.sh directory-of-the-virtual-environment
set -eu

python=${PYTHON:-python3}
missing=
need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need_header() {
    echo "#include <$1>" | c++ -std=c++17 -E -x c++ - >/dev/null 2>&1 || missing="$missing $2"
}
need cc build-essential
need c++ build-essential
need strip binutils
need_header curl/curl.h libcurl4-openssl-dev
need_header simdjson.h libsimdjson-dev
need "$python" python3
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing
    else
        echo "the benchmark needs these packages:$missing" >&2
        exit 1
    fi
fi

requirements=$(dirname "$0")/requirements.txt
if [ ! -e "$1/ready" ] || [ "$requirements" -nt "$1/ready" ]; then
    "$python" -m venv "$1"
    "$1/bin/python" -m pip install -q -r "$requirements"
    touch "$1/ready"
fi
