"""The benchmark: runs every client at every workload in alternating rounds, and reports the results.

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
from runs import Failed, Job, Results, perform
from services import RenderedPages, Sandbox

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


def adobe_client(script, *arguments):
    return (PYTHON, HERE / "baselines" / script, *arguments)


def busy_jobs(stack):
    """The workloads that keep a processor busy, which run one at a time."""
    large = stack.enter_context(closing(RenderedPages(SERVER, users=200_000)))
    small = stack.enter_context(closing(RenderedPages(SERVER, users=20_000)))
    all_users, a_tenth, all_actions = {"users": 200_000}, {"users": 20_000}, {"succeeded": 20_000}
    return [
        Job("read", "libumapi", large, native("read"), all_users),
        Job("read", "libcurl+simdjson", large, native("simdjson_read"), all_users),
        Job("read", "umapi-client", large, adobe_client("umapi_client_read.py"), all_users),
        Job("read a tenth", "libumapi", small, native("read"), a_tenth),
        Job("read a tenth", "libcurl+simdjson", small, native("simdjson_read"), a_tenth),
        Job("act", "libumapi", large, native("act", "-n", 20_000), all_actions),
        Job("act", "libcurl", large, native("libcurl_act", 20_000), all_actions),
        Job("act", "umapi-client", large, adobe_client("umapi_client_act.py", 20_000), all_actions),
        Job("getter", "libumapi", small, native("getter")),
        *[Job("load", "libumapi", small, native("load", LIBRARY))] * LOADS_IN_ROUND,
    ]


def waiting_jobs(stack):
    """The workloads that mostly wait; the lists run concurrently."""
    slow = stack.enter_context(closing(RenderedPages(SERVER, users=80_000, latency_ms=200)))
    organisation = ("--users", str(READING.users), "--page-size", str(READING.page_size))
    forty_pages, all_actions = {"users": 80_000}, {"succeeded": ACTING.actions}
    act, adobe_acts = native("act", "-n", ACTING.actions, *rate_limit(ACTING)), adobe_client("umapi_client_act.py", ACTING.actions)
    read, readings = native("read", "-t", READING.threads, *rate_limit(READING)), sandbox("users", READING, *organisation)
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


def rate_limit(throttle):
    """The arguments that tell libumapi the limit."""
    return ("-l", throttle.documented, "-w", throttle.window_ms)


def run(results, jobs):
    for job in jobs:
        if (job.work, job.client) in results.failures:
            continue
        try:
            results.add(job, perform(PROGRAMS / "measure", job))
        except Failed as failure:
            results.fail(job.work, job.client, str(failure))


def rounds(what, count, end):
    """Yields `count` times, or as often as rounds fit before `end`, and at least once."""
    longest = 0
    for number in range(1, count + 1):
        begun = time.monotonic()
        if number > 1 and begun + longest > end:
            log(f"no time is left for {what} round {number} of {count}")
            return
        log(f"{what} round {number} of {count}")
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


def exclude_other_work(results):
    """Excludes a client that read other data than libumapi, or that sent other bodies with libcurl."""
    for work, client in list(results.runs):
        ours = results.runs.get((work, "libumapi"), [None])[0]
        for theirs in results.runs[work, client]:
            if ours is not None and (difference := differing(ours, theirs, client)):
                results.fail(work, client, difference)


def differing(ours, theirs, client):
    for field in ("users", "texts", "bytes", "flags"):
        if field in theirs.reported and theirs.reported[field] != ours.reported[field]:
            return f"{theirs.reported[field]} {field}, not {ours.reported[field]}"
    if client == "libcurl" and theirs.action_bytes != ours.action_bytes:
        return f"{theirs.action_bytes} bytes of actions, not {ours.action_bytes}"
    return None


def stripped_mb(library):
    copy = PROGRAMS / "libumapi-stripped.so"
    subprocess.run(["strip", "--strip-all", "-o", copy, library], check=True)
    return copy.stat().st_size / 1e6


def log(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="of the work that keeps a processor busy")
    parser.add_argument("--waiting-rounds", type=int, default=3, help="of the work that is nearly all waiting")
    options = parser.parse_args()
    begun = time.monotonic()
    results = measure(options.rounds, options.waiting_rounds)
    exclude_other_work(results)
    found = keys(results, stripped_mb(LIBRARY))
    report.write(TARGET / "bench.json", found, cores=os.cpu_count())
    report.show(results, found)
    log(f"{time.monotonic() - begun:.0f} s in all; the figures are in target/bench.json")


main()
