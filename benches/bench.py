"""The benchmark: every contender at every piece of work, in turn and again, and what came of it.

    bench.py            about five minutes; prints the tables and writes target/bench.json
    bench.py --rounds 1 a quick look
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import report
from figures import ACT_WINDOW, READ_WINDOW, keys
from measuring import Failed, Job, Results, perform
from services import ReadyMadePages, Sandbox

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"
PROGRAMS = TARGET / "bench"
LIBRARY = TARGET / "release" / "libumapi.so"
SERVER = TARGET / "release" / "umapi-bench-server"
SANDBOX = TARGET / "debug" / "umapi-sandbox"
PYTHON = PROGRAMS / "venv" / "bin" / "python"

LOADS_IN_ROUND = 10


def umapi(program, *arguments):
    return (PROGRAMS / program, *arguments)


def adobe(script, *arguments):
    return (PYTHON, HERE / "rivals" / script, *arguments)


def unthrottled(stack):
    """Work against pages rendered beforehand: what counts is what the client costs."""

    def pages(*figures):
        return stack.enter_context(closing(ReadyMadePages(SERVER, *figures)))

    large, small, slow = pages(200_000), pages(20_000), pages(80_000, 2000, 200)
    all_users, a_tenth, forty_pages = {"users": 200_000}, {"users": 20_000}, {"users": 80_000}
    all_actions = {"succeeded": 20_000}
    return [
        Job("read", "libumapi", large, umapi("read"), all_users),
        Job("read", "libcurl+simdjson", large, umapi("simdjson_read"), all_users),
        Job("read", "umapi-client", large, adobe("umapi_client_read.py"), all_users),
        Job("read a tenth", "libumapi", small, umapi("read"), a_tenth),
        Job("read a tenth", "libcurl+simdjson", small, umapi("simdjson_read"), a_tenth),
        Job("act", "libumapi", large, umapi("act", "-n", 20_000), all_actions),
        Job("act", "libcurl", large, umapi("libcurl_act", 20_000), all_actions),
        Job("act", "umapi-client", large, adobe("umapi_client_act.py", 20_000), all_actions),
        Job("read, slow service", "libumapi", slow, umapi("read"), forty_pages),
        Job("read, slow service", "libumapi, one by one", slow, umapi("read", "-a", 1), forty_pages),
        Job("getter", "libumapi", large, umapi("getter")),
        *[Job("load", "libumapi", large, umapi("load", LIBRARY))] * LOADS_IN_ROUND,
    ]


def throttled():
    """Work that is mostly waiting, and so is done side by side."""
    acting = Sandbox(SANDBOX, endpoint="action", limit=ACT_WINDOW.allowed, window_ms=ACT_WINDOW.milliseconds)
    adobes = Sandbox(SANDBOX, endpoint="action", limit=ACT_WINDOW.allowed, window_ms=ACT_WINDOW.milliseconds)
    size = ["--users", str(READ_WINDOW.users), "--page-size", str(READ_WINDOW.page_size)]
    reading = Sandbox(
        SANDBOX, *size, endpoint="users", limit=READ_WINDOW.allowed, window_ms=READ_WINDOW.milliseconds
    )
    act = umapi("act", "-n", ACT_WINDOW.actions, *pace(ACT_WINDOW))
    read = umapi("read", "-t", READ_WINDOW.threads, *pace(READ_WINDOW))
    all_actions = {"succeeded": ACT_WINDOW.actions}
    return [
        Job("throttled act", "libumapi", acting, act, all_actions),
        Job("throttled act", "umapi-client", adobes, adobe("umapi_client_act.py", ACT_WINDOW.actions), all_actions),
        Job("throttled read", "libumapi", reading, read),
    ]


def pace(window):
    return ("-l", window.documented, "-w", window.milliseconds)


def run(results, job):
    if (job.work, job.contender) in results.failures:
        return
    try:
        results.add(job, perform(PROGRAMS / "measure", job))
    except Failed as failure:
        results.fail(job.work, job.contender, str(failure))


def measure(rounds, throttled_rounds):
    results = Results()
    with ExitStack() as stack:
        jobs = unthrottled(stack)
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}")
            for job in jobs:
                run(results, job)
    for number in range(throttled_rounds):
        tell(f"throttled round {number + 1} of {throttled_rounds}")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda job: run(results, job), throttled()))
    return results


def hold_to_the_same_work(results):
    """Whoever saw something else than libumapi, or sent other bodies with libcurl, is not compared."""
    for work, contender in list(results.runs):
        if (work, "libumapi") not in results.runs:
            continue
        ours, theirs = results.runs[work, "libumapi"][0], results.runs[work, contender][0]
        for field in ("users", "texts", "bytes", "flags"):
            if field in theirs.said and theirs.said[field] != ours.said[field]:
                results.fail(work, contender, f"{theirs.said[field]} {field}, not {ours.said[field]}")
        if contender == "libcurl" and theirs.action_bytes != ours.action_bytes:
            results.fail(work, contender, f"{theirs.action_bytes} bytes of actions, not {ours.action_bytes}")


def stripped_size(library):
    copy = PROGRAMS / "libumapi-stripped.so"
    subprocess.run(["strip", "--strip-all", "-o", copy, library], check=True)
    return copy.stat().st_size


def tell(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--throttled-rounds", type=int, default=3)
    options = parser.parse_args()
    begun = time.monotonic()
    results = measure(options.rounds, options.throttled_rounds)
    hold_to_the_same_work(results)
    found = keys(results, stripped_size(LIBRARY))
    report.write(TARGET / "bench.json", found, cores=os.cpu_count())
    report.show(results, found)
    tell(f"{time.monotonic() - begun:.0f} s in all; the figures are in target/bench.json")


main()
