"""The tables.

    report.py    the table of the README again, out of target/bench.json
"""

import json
import sys
from pathlib import Path

from figures import ACT_WINDOW, KEYS, READ_WINDOW, cpu, peak, wall
from measuring import Failed

METRICS = (("CPU s", cpu, 3), ("wall s", wall, 2), ("peak MB", peak, 1))
LIMITS = {"throttled act": ACT_WINDOW, "throttled read": READ_WINDOW}
WIDTHS = (24, 26, 26, 26, 9, 5)


def show(results, found):
    works = list(dict.fromkeys(work for work, _ in [*results.runs, *results.failures]))
    print(row("median (least to most)", *(name for name, _, _ in METRICS), "requests", "429s"))
    for work in works:
        print(f"\n{work}")
        for line in lines_of(work, results):
            print(line)
    print()
    print(markdown({key: values(found[key]) for key in found}))
    for key, figure in found.items():
        if figure.figure is None:
            print(f"{key} could not be measured. {figure.why}")
        elif not figure.is_met():
            print(f"{key} is not reached.")


def lines_of(work, results):
    contenders = list(dict.fromkeys(c for w, c in [*results.runs, *results.failures] if w == work))
    for contender in contenders:
        try:
            runs = results.of(work, contender)
        except Failed as failure:
            yield f"  {failure}"
            continue
        cells = [spread(results.figure(work, contender, get), decimals) for _, get, decimals in METRICS]
        yield row("  " + contender, *cells, str(runs[-1].requests), str(max(run.throttled for run in runs)))
        if contender != contenders[0] and not results.failures.get((work, contenders[0])):
            ratios = [spread(results.ratio(work, contenders[0], contender, get), 3) for _, get, _ in METRICS]
            yield row("    libumapi is at", *ratios)
    if work in LIMITS:
        window = LIMITS[work]
        yield row("  arithmetic limit", "", f"{window.shortest(window.requests()):.2f}", "", str(window.requests()), "0")


def row(*cells):
    return "".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)).rstrip()


def spread(figure, decimals):
    return f"{figure.median:.{decimals}f} ({figure.low:.{decimals}f} to {figure.high:.{decimals}f})"


def values(found):
    return None if found.figure is None else found.figure.median


def markdown(medians):
    lines = ["| Key | Measured | At most |", "|---|---|---|"]
    for key, (most, decimals, _) in KEYS.items():
        median = medians.get(key)
        measured = "not measured" if median is None else f"{median:.{decimals}f}"
        lines.append(f"| `{key}` | {measured} | {most:.{decimals if decimals < 3 else 2}f} |")
    return "\n".join(lines) + "\n"


def write(path, found, cores):
    flat = {"cores": cores}
    for key, figure in found.items():
        flat[key] = values(figure)
        if figure.figure is None:
            flat[key + "_why_null"] = figure.why
        else:
            flat[key + "_least"], flat[key + "_most"] = figure.figure.low, figure.figure.high
    path.write_text(json.dumps(flat, indent=2) + "\n")


if __name__ == "__main__":
    last = Path(__file__).resolve().parent.parent / "target" / "bench.json"
    if not last.exists():
        sys.exit("make bench has not run yet")
    print(markdown(json.loads(last.read_text())), end="")
