"""What is made of the runs: the keys of target/bench.json, and what each may be at most."""

import math
from dataclasses import dataclass

from measuring import Failed, Figure


@dataclass(frozen=True)
class Throttle:
    """A limit on requests in each window: as the library is told of it, and as the sandbox keeps it."""

    documented: int
    allowed: int
    window_ms: int

    def limit(self):
        """The shortest time, in seconds: a window's worth at once, and each next one a window later."""
        return (math.ceil(self.requests() / self.allowed) - 1) * self.window_ms / 1000

    def windows(self, seconds):
        return seconds * 1000 / self.window_ms


@dataclass(frozen=True)
class Acting(Throttle):
    actions: int

    def requests(self):
        return math.ceil(self.actions / 10)


@dataclass(frozen=True)
class Reading(Throttle):
    threads: int
    users: int
    page_size: int
    unlisted: int  # technical accounts, which the sandbox counts and leaves out

    def listed(self):
        return self.threads * (self.users - self.unlisted)

    def requests(self):
        return self.threads * math.ceil(self.users / self.page_size)


# The documented limit of a minute, in a second.
ACTING = Acting(documented=10, allowed=10, window_ms=1000, actions=2000)
# Half of what is documented (12 for 25), a minute in twelve seconds: the service's Retry-After comes in whole seconds,
# rounded up, and is to stay as small beside the window as it is beside a minute.
READING = Reading(documented=25, allowed=12, window_ms=12_000, threads=4, users=1500, page_size=100, unlisted=2)


def cpu(run):
    return run.cpu


def wall(run):
    return run.wall


def peak(run):
    return run.peak


def versus(work, rival, get):
    return lambda results: results.ratio(work, "libumapi", rival, get)


def own(work, get):
    return lambda results: results.figure(work, "libumapi", get)


def worst(work, get):
    return lambda results: Figure.of([results.figure(work, "libumapi", get).high])


def growth(results):
    """What ten times as many users add to the peak, in MB."""
    many, few = results.of("read", "libumapi"), results.of("read a tenth", "libumapi")
    return Figure.of([large.peak - small.peak for large, small in zip(many, few)])


@dataclass(frozen=True)
class Key:
    most: float
    decimals: int
    compute: object  # of the results; None for what is known without a run


KEYS = {
    "read_cpu_vs_umapi_client": Key(0.10, 3, versus("read", "umapi-client", cpu)),
    "read_cpu_vs_libcurl_simdjson": Key(0.85, 2, versus("read", "libcurl+simdjson", cpu)),
    "read_peak_rss_mb": Key(20, 1, own("read", peak)),
    "read_rss_growth_mb_20k_to_200k": Key(2, 1, growth),
    "slow_read_wall_vs_sequential": Key(0.20, 3, versus("read, slow service", "libumapi, one by one", wall)),
    "act_cpu_vs_umapi_client": Key(0.06, 3, versus("act", "umapi-client", cpu)),
    "act_cpu_vs_libcurl": Key(2.0, 2, versus("act", "libcurl", cpu)),
    "throttled_act_wall_vs_limit": Key(1.03, 3, own("throttled act", lambda run: run.wall / ACTING.limit())),
    "throttled_act_429s": Key(0, 0, worst("throttled act", lambda run: run.throttled)),
    "throttled_read_wall_vs_limit": Key(1.15, 3, own("throttled read", lambda run: run.wall / READING.limit())),
    "throttled_read_429s_per_window": Key(
        1, 2, worst("throttled read", lambda run: run.throttled / READING.windows(run.wall))
    ),
    "so_stripped_mb": Key(6, 2, None),
    "load_and_first_client_ms": Key(10, 2, own("load", lambda run: run.said["ms"])),
    "c_getter_ns": Key(5, 1, own("getter", lambda run: run.said["ns"])),
}


@dataclass(frozen=True)
class Found:
    """A key's figure; without one, the reason."""

    key: Key
    figure: Figure | None
    why_null: str | None = None

    def value(self):
        return None if self.figure is None else self.figure.median

    def is_met(self):
        return self.figure is not None and self.figure.median <= self.key.most


def keys(results, stripped_mb):
    found = {}
    for name, key in KEYS.items():
        try:
            figure = Figure.of([stripped_mb]) if key.compute is None else key.compute(results)
            found[name] = Found(key, figure)
        except Failed as failure:
            found[name] = Found(key, None, str(failure))
    return found
