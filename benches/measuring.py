"""Runs contenders and keeps what each run cost."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """A contender at a piece of work."""

    work: str
    contender: str
    service: object
    command: tuple
    expected: dict = field(default_factory=dict)  # of what the contender says of its work


@dataclass(frozen=True)
class Run:
    """What one run of a job cost, and what it said of its work."""

    cpu: float  # seconds, user and system, of the client alone
    wall: float  # seconds
    peak: float  # MB
    requests: int
    throttled: int  # answers with 429
    action_bytes: int | None
    said: dict


class Failed(Exception):
    """A run that did not do its work; the reason is the text."""


def perform(measure, job):
    with job.service.ready() as service:
        # Neither proxies nor settings of the one who measures reach the contenders.
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= service.environment()
        command = [str(part) for part in (measure, *job.command)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(last_line(done.stderr) or f"it ended with {done.returncode}")
    said, cost = (json.loads(line) for line in done.stdout.splitlines())
    for what, count in job.expected.items():
        if said[what] != count:
            raise Failed(f"{said[what]} {what}, not {count}")
    return Run(
        cost["cpu"],
        cost["wall"],
        cost["peak_bytes"] / 1e6,
        service.requests,
        service.throttled,
        service.action_bytes,
        said,
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
    """All runs by work and contender, in the order of the rounds."""

    def __init__(self):
        self.runs = {}
        self.failures = {}

    def add(self, job, run):
        self.runs.setdefault((job.work, job.contender), []).append(run)

    def fail(self, work, contender, reason):
        self.failures[work, contender] = reason

    def works(self):
        return list(dict.fromkeys(work for work, _ in [*self.runs, *self.failures]))

    def contenders(self, work):
        names = [contender for w, contender in [*self.runs, *self.failures] if w == work]
        return sorted(dict.fromkeys(names), key=lambda name: name != "libumapi")

    def of(self, work, contender):
        """The runs of a job; a job that failed once has none to show."""
        reason = self.failures.get((work, contender))
        if reason is None and (work, contender) not in self.runs:
            reason = "it was not run"
        if reason is not None:
            raise Failed(f"{contender}, {work}: {reason}")
        return self.runs[work, contender]

    def figure(self, work, contender, get):
        return Figure.of([get(run) for run in self.of(work, contender)])

    def ratio(self, work, contender, rival, get):
        """How the one compares with the other, round by round: what slows the machine slows both."""
        ours, theirs = self.of(work, contender), self.of(work, rival)
        return Figure.of([get(mine) / get(other) for mine, other in zip(ours, theirs)])
