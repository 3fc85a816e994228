"""The tables of the page: those that the program prints, with the intervals in full, and sortable by the numbers behind
what they show."""
from dataclasses import dataclass
from typing import Callable

from plots import quantities
from plots.marks import name_of, unit_of
from plots.ratios import rounds_text


@dataclass(frozen=True)
class Column:
    """`entry` gives (text, number to sort by) of a measured cell, or None where it has nothing to show. A column that
    no cell of a group fills is left out."""

    head: str
    entry: Callable
    is_text: bool = False


def tables(result):
    """A table for each group, in the order of the file."""
    notes = {note["name"]: note["note"] for note in result.bench.get("notes", [])}
    return [_table(group, notes) | {"id": f"table-{index + 1}", "answer": f"answer-{index + 1}"}
            for index, group in enumerate(result.groups)]


def legends(result):
    """What the columns mean, for each kind of group that there is."""
    return [LEGENDS[kind] for kind in LEGENDS if result.groups_of(kind)]


def _table(group, notes):
    columns = [column for column in _columns(group) if any(column.entry(cell) for cell in group.measured)]
    rows = [_row(group, cell, columns, notes.get(cell.name)) for cell in group.cells]
    return {
        "title": group.title, "about": _about(group), "verdict": group.verdict,
        "columns": columns, "rows": rows, "has_remarks": any(row["remark"] for row in rows),
    }


def _columns(group):
    """Those of its kind, and of a service one for each class of requests, beside the other latencies."""
    names = dict.fromkeys(name for cell in group.measured for name in cell.class_p99_ns())
    classes = tuple(Column(f"p99 of {name}", _class_p99(name)) for name in names)
    columns = COLUMNS[group.kind]
    after = next((index + 1 for index, column in enumerate(columns) if column.head == "p99.9"), 0)
    return columns[:after] + classes + columns[after:]


def _about(group):
    """What the console prints behind a group's title."""
    ideal = next((cell.figures["ideal_ns"] for cell in group.measured if cell.figures.get("ideal_ns")), None)
    what = " of CPU per request" if group.kind == "service" else ""
    return (f"ideal {quantities.duration(ideal)}{what} · " if ideal else "") + rounds_text(group.measured)


def _row(group, cell, columns, note):
    row = {"name": unit_of(cell) if group.kind == "primitive" else name_of(cell), "best": _best(group, cell),
           "flaw": cell.flaw, "cells": None, "message": None, "remark": ""}
    if cell.measured:
        row["cells"] = [column.entry(cell) or ("–", None) for column in columns]
        row["remark"] = "; ".join(filter(None, [cell.flaw_reason, f"here it {note}" if note else ""]))
    elif cell.skipped:
        row["message"] = f"skipped: {cell.skipped}"
    else:
        row["message"] = f"failed: {cell.failure}" if cell.failure else "not run"
    return row


def _best(group, cell):
    """The word beside the best; nothing where all are tied."""
    best, order = (group.ranking or {}).get("best", []), (group.ranking or {}).get("order", [])
    if cell.name not in best or len(best) == len(order):
        return ""
    return "best" if len(best) == 1 else "best, tied"


# What cells show.

def number(value):
    """As the sort library takes it."""
    return "" if value is None else f"{value:.9g}"


def _duration(value):
    return quantities.duration(value), value


def _interval(value, text):
    """The ends of an interval, with the unit once where both have the same; sorted by how wide it is."""
    if value.low is None or value.median <= 0:
        return None
    low, high = text(value.low), text(value.high)
    unit = " " + high.rpartition(" ")[2]
    if " " in high and low.endswith(unit):
        low = low.removesuffix(unit)
    words = f"{low} to {high}" if low != high else high
    return words if value.bounded else f"range {words}", (value.high - value.low) / value.median


def _ratio(key):
    def entry(cell):
        value = cell.ratio(key)
        return value and (quantities.ratio(value.median), value.median)
    return entry


def _latency(percentile):
    def entry(cell):
        value = cell.latency_ns(percentile).median
        return _duration(value) if value > 0 else None
    return entry


def _class_p99(name):
    def entry(cell):
        value = cell.class_p99_ns().get(name)
        return value and _duration(value.median)
    return entry


def _figure(key, text):
    """Of the median row; nothing where it is absent or nothing was there to measure."""
    def entry(cell):
        value = cell.figures.get(key)
        return (text(value), value) if value else None
    return entry


def _bytes(key):
    """Slopes of memory, which may be negative within the noise."""
    def entry(cell):
        value = cell.figures.get(key)
        return None if value is None else (quantities.size(max(value, 0)), max(value, 0))
    return entry


def _switches(per, text):
    def entry(cell):
        waiting = cell.figures.get(f"voluntary_switches_per_{per}")
        if waiting is None:
            return None
        preempted = cell.figures[f"involuntary_switches_per_{per}"]
        return f"{text(waiting)}+{text(preempted)}", waiting + preempted
    return entry


def _few(value):
    """Whole, but one digit for what happens less than once in a batch."""
    return f"{value:.1f}" if 0 < value < 1 else quantities.count(round(value))


def _cpu_per_request(cell):
    return _duration(cell.cpu_ns().median) if _has_cpu(cell) else None


def _rate_interval(cell):
    """Where the rate is what was measured; an offered one is met or not."""
    return _interval(cell.rate(), quantities.count) if cell.parameters["loop"] == "closed" else None


def _cpu_interval(cell):
    return _interval(cell.cpu_ns(), quantities.duration) if _has_cpu(cell) else None


def _has_cpu(cell):
    return "server_cpu_ns_per_request" in cell.figures and cell.cpu_ns().median > 0


def _memory_per_connection(cell):
    if not cell.units():
        return None
    user, kernel = (max(size, 0) for size in cell.units())
    return f"{quantities.size(user)} + {quantities.size(kernel)}", cell.unit_bytes()


def _checkpoint(cell):
    if "checkpoint_ns" not in cell.figures:
        return None
    interval, value = cell.figures["checkpoint_interval_ns"], cell.figures["checkpoint_ns"]
    return f"{value:.2f} ns ({interval['low']:.2f} to {interval['high']:.2f})", value


def _knee(cell):
    if "knee_rate_per_second" not in cell.figures:
        return None
    rate = cell.figures["knee_rate_per_second"]
    none = "not known" if "why_not_found" in cell.figures["knee"] else "none that was tried"
    return quantities.count(rate) if rate > 0 else none, rate


def _served(cell):
    served, due = cell.figures["connections_served"], cell.figures["connections_due"]
    return f"{served:,} of {due:,}", served / max(due, 1)


def _parameter(key):
    def entry(cell):
        value = cell.parameters.get(key)
        return None if value is None else (f"{value:,}" if isinstance(value, int) else value, value)
    return entry


def _units(cell):
    units = max(cell.parameters.get("units", 0), cell.parameters.get("tasks", 0))
    return (f"{units:,}", units) if units else None


def _percent(value):
    return f"{value:.0f}%"


COLUMNS = {
    "job": (
        Column("time", lambda cell: _duration(cell.time_ns().median)),
        Column("95% interval", lambda cell: _interval(cell.time_ns(), quantities.duration)),
        Column("over ideal", _ratio("over_ideal")),
        Column("speed-up", _ratio("speedup_over_serial")),
        Column("CPU", lambda cell: _duration(cell.cpu_ns().median)),
        Column("switches", _switches("batch", _few)),
        Column("p50", _latency("p50")),
        Column("p99", _latency("p99")),
        Column("checkpoint", _checkpoint),
        Column("memory", _figure("peak_memory_bytes", quantities.size)),
        Column("units", _figure("units_peak", lambda value: quantities.count(round(value)))),
    ),
    "service": (
        Column("keeps promise up to /s", _knee),
        Column("rate/s", lambda cell: (quantities.count(cell.rate().median), cell.rate().median)),
        Column("95% interval", _rate_interval),
        Column("p50", _latency("p50")),
        Column("p99", _latency("p99")),
        Column("p99.9", _latency("p99_9")),
        Column("CPU/request", _cpu_per_request),
        Column("95% interval", _cpu_interval),
        Column("over ideal", _ratio("over_ideal")),
        Column("switches", _switches("request", lambda value: f"{value:.2f}")),
        Column("server", _figure("server_cpu_percent", _percent)),
        Column("load", _figure("generator_cpu_percent", _percent)),
        Column("memory", _memory_per_connection),
        Column("served", _served),
        Column("unanswered", _figure("requests_unfinished", quantities.count)),
        Column("limit", lambda cell: (cell.limit, None), is_text=True),
    ),
    "primitive": (
        Column("via", _parameter("via"), is_text=True),
        Column("units", _units),
        Column("CPUs", _parameter("cpus")),
        Column("time", lambda cell: _duration(cell.time_ns().median)),
        Column("95% interval", lambda cell: _interval(cell.time_ns(), quantities.duration)),
        Column("CPU", lambda cell: _duration(cell.cpu_ns().median)),
        Column("switches", _switches("operation", lambda value: f"{value:.2f}")),
        Column("user memory/unit", _bytes("user_bytes_per_unit")),
        Column("kernel memory/unit", _bytes("kernel_bytes_per_unit")),
    ),
}

LEGENDS = {
    "job": ("Jobs", (
        ("time", "of one batch, the median of the rounds, with its 95% interval"),
        ("over ideal", "multiple of about the shortest time possible, within the same run"),
        ("speed-up", "over serial, within rounds"),
        ("CPU", "user and system time of all units"),
        ("switches", "how often the kernel switched units: because they waited + because they were preempted"),
        ("p50, p99", "from the batch's start to a task's end"),
        ("checkpoint", "CPU time that a place to switch adds to a step of the plain loop"),
        ("memory", "peak of all processes, shared pages divided among those who share them"),
        ("units", "processes, threads or coroutines alive at once"))),
    "service": ("Services", (
        ("rate/s", "requests answered per second, the median of the rounds, with its 95% interval"),
        ("p50 to p99.9", "latency; where requests are due at a rate, from when each was due"),
        ("CPU/request", "of the server, user and system"),
        ("over ideal", "that as a multiple of the request's bare system calls, within the same run"),
        ("switches", "of the server per request: because it waited + because it was preempted"),
        ("server, load", "how busy the CPUs of the server and of the load generator were"),
        ("memory", "what one more connection takes: in user space + in the kernel"),
        ("served", "connections that got a reply, of those that had a request to send"),
        ("limit", "why the rate was no higher: all that was offered was answered (rate), the server was busy (server), "
                  "the load generator was (generator), neither was (latency), connections never got a reply (starved) "
                  "or failed (errors); invalid figures are never ranked"))),
    "primitive": ("Primitives", (
        ("time", "of one operation, the median of the rounds, with its 95% interval"),
        ("via", "what the operation goes through"),
        ("CPUs", "over which the units are spread"),
        ("CPU", "user and system time of all units per operation"),
        ("switches", "likewise: because units waited + because they were preempted"),
        ("memory/unit", "of a unit that waits, in user space and in the kernel"))),
}
