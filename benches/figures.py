"""The keys of target/bench.json: how each is computed from the runs, and its upper bound."""

import math
from dataclasses import dataclass

from runs import Failed, Figure


@dataclass(frozen=True)
class Throttle:
    """A limit on requests in each window: `documented` for the library, `allowed` by the sandbox."""

    documented: int
    allowed: int
    window_ms: int

    def limit(self):
        """The shortest possible time, in seconds: the requests of one window at once, those of the next a window later."""
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
    unlisted: int  # technical accounts and disabled users, which the sandbox counts and does not list

    def listed(self):
        return self.threads * (self.users - self.unlisted)

    def requests(self):
        return self.threads * math.ceil(self.users / self.page_size)


# The documented limit, with a window of a second instead of a minute.
ACTING = Acting(documented=10, allowed=10, window_ms=1000, actions=2000)
# Half of the documented limit (12 for 25), with a window of twelve seconds instead of a minute: the sandbox's Retry-After
# is in whole seconds, rounded up, and must be as small in relation to the window as the service's is to a minute.
READING = Reading(documented=25, allowed=12, window_ms=12_000, threads=4, users=1500, page_size=100, unlisted=67)


def cpu(run):
    return run.cpu


def wall(run):
    return run.wall


def peak(run):
    return run.peak


def versus(work, baseline, get):
    return lambda results: results.ratio(work, "libumapi", baseline, get)


def own(work, get):
    return lambda results: results.figure(work, "libumapi", get)


def worst(work, get):
    return lambda results: Figure.of([results.figure(work, "libumapi", get).high])


def growth(results):
    """The growth of the peak with ten times as many users, in MB."""
    many, few = results.of("read", "libumapi"), results.of("read a tenth", "libumapi")
    return Figure.of([large.peak - small.peak for large, small in zip(many, few)])


@dataclass(frozen=True)
class Key:
    most: float
    decimals: int
    compute: object  # a function of the results; None if the figure needs no run


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
    "load_and_first_client_ms": Key(10, 2, own("load", lambda run: run.reported["ms"])),
    "c_getter_ns": Key(5, 1, own("getter", lambda run: run.reported["ns"])),
}


@dataclass(frozen=True)
class Found:
    """A key's figure, or the reason why there is none."""

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
