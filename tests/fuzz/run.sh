#!/bin/sh
# Fuzzes each target, or the named ones, for the given number of seconds each:
#
#     tests/fuzz/run.sh seconds [target ...]
#
# An input that breaks a target is in target/fuzz/artifacts. Once the bug is fixed, it becomes a seed in tests/fuzz/seeds,
# which the Rust tests run through the same code.
set -eu

cd "$(dirname "$0")"
built=$(cd ../.. && pwd)/target
seconds=$1
shift
[ $# -gt 0 ] || set -- abi users groups one_user action action_answer error_bodies token_answer retry_after key configuration

[ -x "$built/tools/bin/cargo-fuzz" ] || cargo install --quiet --root "$built/tools" cargo-fuzz
PATH=$built/tools/bin:$PATH
RUSTC_BOOTSTRAP=1
export PATH RUSTC_BOOTSTRAP

for target in "$@"; do
    mkdir -p "$built/fuzz/corpus/$target" "$built/fuzz/artifacts/$target"
    # The keys are generated here, since none is kept in the repository.
    if [ "$target" = key ]; then
        [ -d "$built/keys" ] || ../support/keys.sh "$built/keys"
        cp "$built"/keys/*.pem "$built/fuzz/corpus/key"
    fi
    seeds=seeds/$target
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086
    cargo fuzz run --fuzz-dir . --target-dir "$built/fuzz" "$target" "$built/fuzz/corpus/$target" $seeds -- \
        -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$built/fuzz/artifacts/$target/" 2>"$built/fuzz/$target.log" || {
        tail -n 40 "$built/fuzz/$target.log"
        exit 1
    }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$built/fuzz/$target.log")
    echo "$target: $runs executions in $seconds s, nothing found"
done
