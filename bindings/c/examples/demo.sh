#!/bin/sh
# Runs the provisioning example against its own sandbox or, with UMAPI_ORG_ID, UMAPI_CLIENT_ID and
# UMAPI_CLIENT_SECRET in the environment, against the real service, in its test mode unless UMAPI_LIVE=1.
#
#     demo.sh program people.csv
set -eu

if [ -n "${UMAPI_ORG_ID:-}" ] && [ -n "${UMAPI_CLIENT_ID:-}" ] && [ -n "${UMAPI_CLIENT_SECRET:-}" ]; then
    exec "$@"
fi
# A minute of the sandbox takes a second, so that the demo shows the throttle without a long wait.
UMAPI_LIVE=1 UMAPI_WINDOW_MS=1000
export UMAPI_LIVE UMAPI_WINDOW_MS
exec "$(dirname "$0")/../../../tests/support/with-sandbox.sh" --tls --time-scale 60 --page-size 50 -- "$@"
