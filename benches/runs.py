"""Runs the clients and records the cost of each run."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """A client and its workload."""

    work: str
    client: str
    service: object
    command: tuple
    expected: dict = field(default_factory=dict)  # the counts that the client must report


@dataclass(frozen=True)
class Run:
    """The cost of one run of a job, and the counts that the client reported."""

    cpu: float  # seconds, user and system, of the client alone
    wall: float  # seconds
    peak: float  # MB
    requests: int
    throttled: int  # answers with 429
    action_bytes: int | None
    reported: dict


class Failed(Exception):
    """A run that did not complete its work; the text is the reason."""


def perform(measure, job):
    with job.service.ready() as service:
        # The clients inherit no proxies and no settings from the environment.
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= service.environment()
        command = [str(part) for part in (measure, *job.command)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(last_line(done.stderr) or f"the exit status is {done.returncode}")
    reported, cost = (json.loads(line) for line in done.stdout.splitlines())
    for what, count in job.expected.items():
        if reported[what] != count:
            raise Failed(f"{reported[what]} {what}, not {count}")
    return Run(
        cost["cpu"],
        cost["wall"],
        cost["peak_bytes"] / 1e6,
        service.requests,
        service.throttled,
        service.action_bytes,
        reported,
    )


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


@dataclass(frozen=True)
class Figure:
    """A median and its spread."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))


class Results:
    """All runs by work and client, in the order of the rounds."""

    def __init__(self):
        self.runs = {}
        self.failures = {}

    def add(self, job, run):
        self.runs.setdefault((job.work, job.client), []).append(run)

    def fail(self, work, client, reason):
        self.failures[work, client] = reason

    def works(self):
        return list(dict.fromkeys(work for work, _ in [*self.runs, *self.failures]))

    def clients(self, work):
        names = [client for w, client in [*self.runs, *self.failures] if w == work]
        return sorted(dict.fromkeys(names), key=lambda name: name != "libumapi")

    def of(self, work, client):
        """The runs of a job. Raises `Failed` if one of its runs failed."""
        reason = self.failures.get((work, client))
        if reason is None and (work, client) not in self.runs:
            reason = "it was not run"
        if reason is not None:
            raise Failed(f"{client}, {work}: {reason}")
        return self.runs[work, client]

    def figure(self, work, client, get):
        return Figure.of([get(run) for run in self.of(work, client)])

    def ratio(self, work, client, baseline, get):
        """The ratio in each round, since load on the machine slows both runs of a round."""
        ours, theirs = self.of(work, client), self.of(work, baseline)
        return Figure.of([get(mine) / get(other) for mine, other in zip(ours, theirs)])
