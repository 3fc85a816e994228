"""Latency against the offered rate, which bends upwards like a hockey stick where a model has had enough; and the
highest rate at which each keeps a promise about latency, where that was searched for."""
import json

from plots import quantities, style
from plots.errors import Skip
from plots.result import DERIVED

FEWEST = 3  # rates that show a bend
OWN = ("offered_rate_per_second", *DERIVED)  # may differ within a sweep


def draw(result):
    sweeps = _sweeps(result)
    searches = [group for group in result.groups_of("service")
                if any("knee" in cell.figures for cell in group.measured)]
    if not sweeps and not searches:
        raise Skip(f"no service was measured at {FEWEST} or more offered rates, nor was its highest rate searched for")
    drawings = [_draw_sweep(result, groups, _suffix("", index)) for index, groups in enumerate(sweeps)]
    return drawings + [_draw_knees(result, group, _suffix("knee", index)) for index, group in enumerate(searches)]


def _suffix(name, index):
    return "-".join([name] * bool(name) + [str(index + 1)] * bool(index))


def _sweeps(result):
    """Lists of groups under the same load but for the offered rate, ascending in that."""
    sweeps = {}
    for group in result.groups_of("service"):
        if group.parameter("rate_mode") != "fixed" or not group.measured:
            continue
        load = {key: value for key, value in group.measured[0].parameters.items() if key not in OWN}
        sweeps.setdefault((group.workload, json.dumps(load, sort_keys=True)), []).append(group)
    return [sorted(groups, key=_offered) for groups in sweeps.values()
            if len({_offered(group) for group in groups}) >= FEWEST]


def _offered(group):
    return group.parameter("offered_rate_per_second")


# The hockey stick.

def _draw_sweep(result, groups, suffix):
    load = " · ".join(part for part in groups[0].title.split(" · ") if "offered" not in part)
    unsound = _unsound(groups)
    lines = {}
    for group in groups:
        for cell in group.measured:
            lines.setdefault(cell.label, []).append((_offered(group), cell))
    frame = style.Frame(
        f"Latency against offered rate: {load}",
        "Low is better. Latency counts from when a request was due. A dot is the median of the runs, its line the 95% "
        "interval (dotted: the range of fewer than 6 runs)."
        + (f" Hollow: the rate was not met, or not by valid runs: {unsound}." if unsound else ""),
        [result], panel=(3.6, max(2.7, 0.16 * len(lines))), grid=(1, 2),
        label_room=style.label_room(f"{label} 00.0 µs" for label in lines))
    for axes, percentile in zip(frame.axes, ("p50", "p99")):
        _draw_lines(frame, axes, groups, lines, percentile)
    return frame.drawing(_alt_of_sweep(lines, unsound), suffix)


def _draw_lines(frame, axes, groups, lines, percentile):
    style.panel_title(axes, f"{percentile} of the latency")
    style.count_ticks(axes.xaxis, [_offered(group) for group in groups])
    axes.set_xlabel("requests offered per second")
    values = {}
    for label, points in lines.items():
        for rate, cell in points:
            value = cell.latency_ns(percentile)
            if value.median > 0:
                values.setdefault(label, []).append((rate, value, cell))
    ends = [end for points in values.values() for _, value, _ in points
            for end in (value.median, value.low, value.high)]
    style.log_scale(axes.yaxis, ends, quantities.short_duration)
    labels = []
    for (label, points), nudge in zip(values.items(), style.nudges(len(values), 0.03)):
        model = points[0][2].model
        style.line(axes, [(rate, value, cell.flaw) for rate, value, cell in points], model, nudge)
        rate, value, _ = points[-1]
        labels.append((f"{label} {quantities.duration(value.median)}", model, rate, value.median))
    frame.label(axes, labels)


def _unsound(groups):
    """All points with a flaw, by what it is: "serial at 80k, 120k (starved); threads, epoll at 120k (invalid: …)"."""
    rates = {}  # by flaw and label
    for group in groups:
        for cell in group.cells:
            flaw = (cell.failure and "failed") or cell.flaw_reason
            if flaw:
                rates.setdefault((flaw, cell.label), []).append(quantities.short_count(_offered(group)))
    labels = {}  # by flaw and rates
    for (flaw, label), at in rates.items():
        labels.setdefault((flaw, ", ".join(at)), []).append(label)
    return "; ".join(f"{', '.join(who)} at {at} ({flaw})" for (flaw, at), who in labels.items())


def _alt_of_sweep(lines, unsound):
    parts = []
    for label, points in lines.items():
        ends = [f"{quantities.duration(cell.latency_ns('p99').median)} at {quantities.count(rate)} requests/s"
                for rate, cell in (points[0], points[-1])]
        parts.append(f"{label} from {' to '.join(ends)}")
    return f"p99 of the latency: {'; '.join(parts)}." + (f" Not to be ranked: {unsound}." if unsound else "")


# The knee.

def _draw_knees(result, group, suffix):
    slo = result.bench["services"]["slo"]
    promise = f"p{slo['quantile_percent']:g} below {quantities.short_duration(slo['limit_ns'])}"
    cells = [cell for cell in group.ranked() if "knee" in cell.figures]
    frame = style.Frame(
        f"Highest rate that keeps the promise: {promise}",
        "Right is better. A dot is the median of the searches, its line the 95% interval (dotted: the range of "
        "fewer than 6). At the right stands what broke the promise; where that was not the server, "
        "it may bear more (≥). Models joined by a bracket cannot be told apart.",
        [result], panel=(4.2, max(1.0, 0.27 * len(cells))), left=1.75,
        label_room=0.3 + 0.85 * style.label_room(_broke(cell) for cell in cells))
    axes = frame.axes[0]
    style.group_title(axes, group.title)
    heights = style.model_rows(axes, cells)
    knees = {cell.name: cell.knee_rate() for cell in cells}
    style.row_scale(axes.xaxis, [end for knee in knees.values() for end in (knee.median, knee.low, knee.high)],
                    quantities.short_count)
    if not any(knee.median > 0 for knee in knees.values()):
        axes.set_xticks([])
    axes.set_xlabel("requests per second")
    axes.annotate("the next higher rate that was tried", (1, 1), xycoords="axes fraction", xytext=(24, 4),
                  textcoords="offset points", fontsize=style.SMALL, color=style.MUTED)
    for cell in cells:
        knee, height = knees[cell.name], heights[cell.name]
        if knee.median > 0:
            style.dot(axes, knee.median, height, cell.model, cell.flaw, x_value=knee)
            style.row_text(axes, knee, height, cell, lambda rate, cell=cell: _rate(cell, rate))
        else:
            none = "not known" if "why_not_found" in cell.figures["knee"] else "at no rate that was tried"
            axes.annotate(none, (0, height), xycoords=axes.get_yaxis_transform(), xytext=(6, 0),
                          textcoords="offset points", va="center", fontsize=style.SMALL, color=style.MUTED)
        axes.annotate(_broke(cell), (1, height), xycoords=axes.get_yaxis_transform(), xytext=(24, 0),
                      textcoords="offset points", va="center", fontsize=style.SMALL, color=style.INK,
                      annotation_clip=False, parse_math=False)
    style.tie_brackets(axes, heights, group.ties())
    return frame.drawing(_alt_of_knees(cells, promise, group), suffix)


def _rate(cell, rate):
    knee = cell.figures["knee"]
    # In older files the load generator breaks promises too.
    unbounded = "why_not_found" in knee or "load generator" in knee.get("above_why", "")
    return f"{'≥ ' if unbounded else ''}{quantities.count(rate)}/s"


def _broke(cell):
    """What was wrong at the next higher rate."""
    knee = cell.figures["knee"]
    if "why_not_found" in knee:
        return knee["why_not_found"]
    if "above_rate_per_second" not in knee:
        return "kept up to the highest rate there is"
    return f"at {quantities.count(knee['above_rate_per_second'])}/s: {knee['above_why']}"


def _alt_of_knees(cells, promise, group):
    parts = [f"{cell.label} {_rate(cell, cell.knee_rate().median)} ({_broke(cell)})" for cell in cells]
    return f"Highest rate with {promise}: {'; '.join(parts)}. {group.verdict or ''}".strip()
