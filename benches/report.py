"""The tables of the benchmark.

    report.py              prints the README's table from target/bench.json
    report.py README.md    replaces the table in README.md
"""

import json
import sys
from pathlib import Path

from figures import ACTING, KEYS, READING, cpu, peak, wall
from runs import Failed

METRICS = (("CPU s", cpu, 3), ("wall s", wall, 2), ("peak MB", peak, 1))
THROTTLES = {"throttled act": ACTING, "throttled read": READING}
CALLS = {"getter": "ns", "load": "ms"}
WIDTHS = (24, 26, 26, 26, 10, 5)


def show(results, found):
    print(row("median (least to most)", *(name for name, _, _ in METRICS), "requests", "429s"))
    for work in results.works():
        print(f"\n{work}")
        for line in lines_of_work(work, results):
            print(line)
    print("\n" + markdown({name: key.value() for name, key in found.items()}))
    for name, key in found.items():
        if key.figure is None:
            print(f"{name} could not be measured. {key.why_null}")
        elif not key.is_met():
            print(f"{name} exceeds its bound.")


def lines_of_work(work, results):
    clients = results.clients(work)
    for client in clients:
        try:
            yield from lines_of_client(work, client, results)
            if client != clients[0]:
                ratios = [results.ratio(work, clients[0], client, get) for _, get, _ in METRICS]
                yield row(f"    {clients[0]} is at", *(spread(ratio, 3) for ratio in ratios))
        except Failed as failure:
            yield f"  {failure}"
    if work in THROTTLES:
        throttle = THROTTLES[work]
        yield row("  arithmetic limit", "", f"{throttle.limit():.2f}", "", str(throttle.requests()), "0")


def lines_of_client(work, client, results):
    runs = results.of(work, client)
    if work in CALLS:
        unit = CALLS[work]
        figure = results.figure(work, client, lambda run: run.reported[unit])
        yield row("  " + client, f"{spread(figure, 2)} {unit}")
        return
    cells = [spread(results.figure(work, client, get), decimals) for _, get, decimals in METRICS]
    counts = [results.figure(work, client, get) for get in (lambda run: run.requests, lambda run: run.throttled)]
    yield row("  " + client, *cells, *(f"{count.median:.0f}" for count in counts))


def row(*cells):
    return "".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)).rstrip()


def spread(figure, decimals):
    return f"{figure.median:.{decimals}f} ({figure.low:.{decimals}f} to {figure.high:.{decimals}f})"


def markdown(values):
    lines = ["| Key | Measured | At most |", "|---|---|---|"]
    for name, key in KEYS.items():
        value = values.get(name)
        measured = "not measured" if value is None else f"{value:.{key.decimals}f}"
        lines.append(f"| `{name}` | {measured} | {key.most:g} |")
    return "\n".join(lines) + "\n"


def write(path, found, cores):
    flat = {"cores": cores}
    for name, key in found.items():
        flat[name] = key.value()
        if key.figure is None:
            flat[name + "_why_null"] = key.why_null
        else:
            flat[name + "_least"], flat[name + "_most"] = key.figure.low, key.figure.high
    path.write_text(json.dumps(flat, indent=2) + "\n")


def replace_table(path, table):
    text = path.read_text()
    begin = text.index(table.splitlines()[0])
    end = text.index("\n\n", begin) + 1
    path.write_text(text[:begin] + table + text[end:])


def main():
    last = Path(__file__).resolve().parent.parent / "target" / "bench.json"
    if not last.exists():
        sys.exit("make bench has not run yet")
    table = markdown(json.loads(last.read_text()))
    if len(sys.argv) > 1:
        replace_table(Path(sys.argv[1]), table)
    else:
        print(table, end="")


if __name__ == "__main__":
    main()
