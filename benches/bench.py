"""The benchmark: every contender at every piece of work, in turn and again, and what came of it.

Prints the tables and writes target/bench.json, in about five minutes and never more than ten.
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
from figures import ACTING, READING, keys
from measuring import Failed, Job, Results, perform
from services import ReadyMadePages, Sandbox

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"
PROGRAMS = TARGET / "bench"
LIBRARY = TARGET / "release" / "libumapi.so"
SERVER = TARGET / "release" / "umapi-bench-server"
SANDBOX = TARGET / "debug" / "umapi-sandbox"
PYTHON = PROGRAMS / "venv" / "bin" / "python"

LOADS_IN_ROUND = 5
MOST_SECONDS = 570


def native(program, *arguments):
    return (PROGRAMS / program, *arguments)


def adobes(script, *arguments):
    return (PYTHON, HERE / "rivals" / script, *arguments)


def busy_jobs(stack):
    """Work that keeps a processor busy, one at a time."""
    large = stack.enter_context(closing(ReadyMadePages(SERVER, users=200_000)))
    small = stack.enter_context(closing(ReadyMadePages(SERVER, users=20_000)))
    all_users, a_tenth, all_actions = {"users": 200_000}, {"users": 20_000}, {"succeeded": 20_000}
    return [
        Job("read", "libumapi", large, native("read"), all_users),
        Job("read", "libcurl+simdjson", large, native("simdjson_read"), all_users),
        Job("read", "umapi-client", large, adobes("umapi_client_read.py"), all_users),
        Job("read a tenth", "libumapi", small, native("read"), a_tenth),
        Job("read a tenth", "libcurl+simdjson", small, native("simdjson_read"), a_tenth),
        Job("act", "libumapi", large, native("act", "-n", 20_000), all_actions),
        Job("act", "libcurl", large, native("libcurl_act", 20_000), all_actions),
        Job("act", "umapi-client", large, adobes("umapi_client_act.py", 20_000), all_actions),
        Job("getter", "libumapi", small, native("getter")),
        *[Job("load", "libumapi", small, native("load", LIBRARY))] * LOADS_IN_ROUND,
    ]


def waiting_jobs(stack):
    """Work that is nearly all waiting: these lists are done side by side."""
    slow = stack.enter_context(closing(ReadyMadePages(SERVER, users=80_000, latency_ms=200)))
    organisation = ("--users", str(READING.users), "--page-size", str(READING.page_size))
    forty_pages, all_actions = {"users": 80_000}, {"succeeded": ACTING.actions}
    act, adobe_acts = native("act", "-n", ACTING.actions, *pace(ACTING)), adobes("umapi_client_act.py", ACTING.actions)
    read, readings = native("read", "-t", READING.threads, *pace(READING)), sandbox("users", READING, *organisation)
    all_readings = {"users": READING.listed()}
    return [
        [
            Job("read, slow service", "libumapi", slow, native("read"), forty_pages),
            Job("read, slow service", "libumapi, one by one", slow, native("read", "-a", 1), forty_pages),
        ],
        [Job("throttled act", "libumapi", sandbox("action", ACTING), act, all_actions)],
        [Job("throttled act", "umapi-client", sandbox("action", ACTING), adobe_acts, all_actions)],
        [Job("throttled read", "libumapi", readings, read, all_readings)],
    ]


def sandbox(endpoint, throttle, *options):
    return Sandbox(SANDBOX, *options, endpoint=endpoint, limit=throttle.allowed, window_ms=throttle.window_ms)


def pace(throttle):
    """What libumapi is told of a throttle."""
    return ("-l", throttle.documented, "-w", throttle.window_ms)


def run(results, jobs):
    for job in jobs:
        if (job.work, job.contender) in results.failures:
            continue
        try:
            results.add(job, perform(PROGRAMS / "measure", job))
        except Failed as failure:
            results.fail(job.work, job.contender, str(failure))


def rounds(what, count, end):
    """So many rounds, or as many as fit in before `end`; one at least."""
    longest = 0
    for number in range(1, count + 1):
        begun = time.monotonic()
        if number > 1 and begun + longest > end:
            tell(f"no time is left for {what} round {number} of {count}")
            return
        tell(f"{what} round {number} of {count}")
        yield
        longest = max(longest, time.monotonic() - begun)


def measure(busy, waiting):
    results = Results()
    end = time.monotonic() + MOST_SECONDS
    with ExitStack() as stack:
        lists = waiting_jobs(stack)
        for _ in rounds("waiting", waiting, end):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                for done in [pool.submit(run, results, jobs) for jobs in lists]:
                    done.result()
        jobs = busy_jobs(stack)
        for _ in rounds("busy", busy, end):
            run(results, jobs)
    return results


def hold_to_the_same_work(results):
    """Whoever saw something else than libumapi, or sent other bodies with libcurl, is not compared."""
    for work, contender in list(results.runs):
        ours = results.runs.get((work, "libumapi"), [None])[0]
        for theirs in results.runs[work, contender]:
            if ours is not None and (difference := differing(ours, theirs, contender)):
                results.fail(work, contender, difference)


def differing(ours, theirs, contender):
    for field in ("users", "texts", "bytes", "flags"):
        if field in theirs.said and theirs.said[field] != ours.said[field]:
            return f"{theirs.said[field]} {field}, not {ours.said[field]}"
    if contender == "libcurl" and theirs.action_bytes != ours.action_bytes:
        return f"{theirs.action_bytes} bytes of actions, not {ours.action_bytes}"
    return None


def stripped_mb(library):
    copy = PROGRAMS / "libumapi-stripped.so"
    subprocess.run(["strip", "--strip-all", "-o", copy, library], check=True)
    return copy.stat().st_size / 1e6


def tell(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="of the work that keeps a processor busy")
    parser.add_argument("--waiting-rounds", type=int, default=3, help="of the work that is nearly all waiting")
    options = parser.parse_args()
    begun = time.monotonic()
    results = measure(options.rounds, options.waiting_rounds)
    hold_to_the_same_work(results)
    found = keys(results, stripped_mb(LIBRARY))
    report.write(TARGET / "bench.json", found, cores=os.cpu_count())
    report.show(results, found)
    tell(f"{time.monotonic() - begun:.0f} s in all; the figures are in target/bench.json")


main()
