"""What is made of the runs: the keys of target/bench.json, and what each may be at most."""

import math
from dataclasses import dataclass

from measuring import Failed, Figure


@dataclass(frozen=True)
class Window:
    """A limit on requests: as the library is told of it, and as the sandbox has it."""

    documented: int
    allowed: int
    milliseconds: int

    def shortest(self, requests):
        """The arithmetic limit, in seconds: a full window's worth at once, and each next one a window later."""
        return (math.ceil(requests / self.allowed) - 1) * self.milliseconds / 1000


@dataclass(frozen=True)
class Acting(Window):
    actions: int = 2000

    def requests(self):
        return math.ceil(self.actions / 10)


@dataclass(frozen=True)
class Reading(Window):
    threads: int = 4
    users: int = 1500
    page_size: int = 100

    def requests(self):
        return self.threads * math.ceil(self.users / self.page_size)


# The documented limit, a minute in a second.
ACT_WINDOW = Acting(documented=10, allowed=10, milliseconds=1000)
# Half of what is documented, a minute in twelve seconds: Retry-After comes in whole seconds, rounded up, and must stay
# small beside the window.
READ_WINDOW = Reading(documented=25, allowed=12, milliseconds=12_000)


def cpu(run):
    return run.cpu


def wall(run):
    return run.wall


def peak(run):
    return run.peak


def growth(results):
    """What ten times as many users add to the peak, in MB."""
    large, small = results.of("read", "libumapi"), results.of("read a tenth", "libumapi")
    return Figure.of([many.peak - few.peak for many, few in zip(large, small)])


def wall_against_limit(results, work, window):
    return results.figure(work, "libumapi", lambda run: run.wall / window.shortest(window.requests()))


def throttled_per_window(results):
    return results.figure(
        "throttled read", "libumapi", lambda run: run.throttled / (run.wall * 1000 / READ_WINDOW.milliseconds)
    )


# Each key: at most how much, in how many decimals, and how it comes out of the results.
KEYS = {
    "read_cpu_vs_umapi_client": (0.10, 3, lambda r: r.ratio("read", "libumapi", "umapi-client", cpu)),
    "read_cpu_vs_libcurl_simdjson": (1.10, 2, lambda r: r.ratio("read", "libumapi", "libcurl+simdjson", cpu)),
    "read_peak_rss_mb": (24, 1, lambda r: r.figure("read", "libumapi", peak)),
    "read_rss_growth_mb_20k_to_200k": (2, 1, growth),
    "slow_read_wall_vs_sequential": (
        0.20,
        3,
        lambda r: r.ratio("read, slow service", "libumapi", "libumapi, one by one", wall),
    ),
    "act_cpu_vs_umapi_client": (0.06, 3, lambda r: r.ratio("act", "libumapi", "umapi-client", cpu)),
    "act_cpu_vs_libcurl": (1.5, 2, lambda r: r.ratio("act", "libumapi", "libcurl", cpu)),
    "throttled_act_wall_vs_limit": (1.03, 3, lambda r: wall_against_limit(r, "throttled act", ACT_WINDOW)),
    "throttled_act_429s": (0, 0, lambda r: r.figure("throttled act", "libumapi", lambda run: run.throttled)),
    "throttled_read_wall_vs_limit": (1.15, 3, lambda r: wall_against_limit(r, "throttled read", READ_WINDOW)),
    "throttled_read_429s_per_window": (1, 2, throttled_per_window),
    "so_stripped_mb": (6, 2, None),
    "load_and_first_client_ms": (10, 2, lambda r: r.figure("load", "libumapi", lambda run: run.said["ms"])),
    "c_getter_ns": (5, 1, lambda r: r.figure("getter", "libumapi", lambda run: run.said["ns"])),
}


@dataclass(frozen=True)
class Found:
    """A key's figure; without one, the reason."""

    figure: Figure | None
    most: float
    decimals: int
    why: str | None = None

    def is_met(self):
        return self.figure is not None and self.figure.median <= self.most


def keys(results, stripped_bytes):
    found = {}
    for key, (most, decimals, compute) in KEYS.items():
        try:
            figure = Figure.of([stripped_bytes / 1e6]) if compute is None else compute(results)
            found[key] = Found(figure, most, decimals)
        except Failed as failure:
            found[key] = Found(None, most, decimals, str(failure))
    return found
