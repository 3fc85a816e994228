"""C10K: what becomes of each model as connections grow: rate, tail latency, CPU, memory, and who is served at all."""
import json

from plots import quantities, style
from plots.errors import Skip
from plots.result import DERIVED, Value


def draw(result):
    sweeps = {}
    for group in result.groups_of("service"):
        connections = group.parameter("connections")
        if connections is None or not group.measured or group.parameter("active") != connections:
            continue
        sweeps.setdefault((group.workload, _load(group)), {}).setdefault(connections, group)
    sweeps = [list(groups.values()) for groups in sweeps.values() if len(groups) > 1]
    if not sweeps:
        raise Skip("no service was measured at two or more numbers of connections")
    return [_draw(result, sorted(groups, key=lambda group: group.parameter("connections")),
                  "" if index == 0 else f"{groups[0].workload}-{index + 1}") for index, groups in enumerate(sweeps)]


def _load(group):
    """What is the same throughout a sweep: all parameters but the connections, what they come to, and a rate that was
    found out for each number of them."""
    own = ["connections", "active", *DERIVED]
    if group.parameter("rate_mode") != "fixed":
        own.append("offered_rate_per_second")
    parameters = next(cell.parameters for cell in group.cells if cell.parameters)
    return json.dumps({key: value for key, value in parameters.items() if key not in own}, sort_keys=True)


def _draw(result, groups, suffix):
    first, last = groups[0], groups[-1]
    most = last.parameter("connections")
    common = first.parameter("rate_mode") == "common"
    frame = style.Frame(
        f"{first.workload}: from {first.parameter('connections'):,} to {most:,} connections under each model",
        _how_loaded(first) + " A dot is the median of the runs, its line the 95% interval (dotted: the range of fewer than "
        "6 runs); hollow: not to be ranked, and why stands beside its row in the last panel. Memory is that of one connection, as "
        "measured over 1,000 and more of them, times their number." + _turns(last),
        [result], panel=(3.2, max(2.7, 0.17 * len(last.measured))), grid=(3, 2), label_room=1.75, panel_gap=0.85)
    rate, latency, cpu, memory, served, rows = frame.axes
    models = _models(groups)
    title = "requests answered per second" + (", of those offered" if common else "")
    _lines(frame, rate, groups, models, title,
           lambda cell: cell.rate(), quantities.short_count, lambda value: quantities.count(value) + "/s")
    _lines(frame, latency, groups, models, "p99 of the latency", lambda cell: cell.latency_ns("p99"),
           quantities.short_duration, quantities.duration)
    _lines(frame, cpu, groups, models, "server CPU per request", lambda cell: cell.cpu_ns(), quantities.short_duration,
           quantities.duration)
    _memory(frame, memory, groups, models)
    _served(frame, served, groups, models)
    _rows(rows, last)
    for axes in frame.axes[:5]:
        axes.set_xlabel("connections" if len(axes.get_xticks()) else "")
    return frame.drawing(_alt(groups), suffix)


def _how_loaded(group):
    if group.parameter("rate_mode") == "common":
        return ("Every model is offered the same rate of requests, one that all can bear but those that leave connections "
                "unserved; so what counts is the CPU that each needs for it.")
    if group.parameter("rate_mode") == "search":
        return "Each model at the highest rate that keeps its promise about latency, as far as that was found."
    if group.parameter("loop") == "open":
        rate = quantities.count(group.parameter("offered_rate_per_second"))
        return f"{rate} requests are due each second, whether or not the server keeps up."
    return "Closed loop: each connection sends its next request when its reply has come."


def _turns(group):
    """What an open loop at a low rate does not reach."""
    due = max((cell.figures["connections_due"] for cell in group.measured if not cell.flaw), default=0)
    if not due:
        return ""
    active = group.parameter("active")
    return "" if due >= active else f" At {active:,} connections {due:,} of them have a request to send in the window."


def _models(groups):
    """Labels in table order, each with its cells by connections."""
    models = {}
    for group in groups:
        for cell in group.cells:
            models.setdefault(cell.label, {})[group.parameter("connections")] = cell
    return models


def _lines(frame, axes, groups, models, title, value_of, tick, text):
    style.panel_title(axes, title)
    style.count_ticks(axes.xaxis, [group.parameter("connections") for group in groups])
    lines = {label: [(connections, value_of(cell), cell) for connections, cell in cells.items() if cell.measured]
             for label, cells in models.items()}
    ends = [end for points in lines.values() for _, value, _ in points if value.median > 0
            for end in (value.median, value.low, value.high)]
    if not style.log_scale(axes.yaxis, ends, tick):
        return style.empty(axes, "not measured")
    labels = []
    for (label, points), nudge in zip(lines.items(), style.nudges(len(lines), 0.12)):
        points = [point for point in points if point[1].median > 0]
        if not points:
            continue
        model = points[0][2].model
        style.line(axes, [(x, value, cell.flaw) for x, value, cell in points], model, nudge)
        x, value, cell = points[-1]
        where = "" if x == groups[-1].parameter("connections") else f" (at {quantities.short_count(x)})"
        labels.append((f"{label} {text(value.median)}{where}", model, x, value.median))
    frame.label(axes, labels)


def _memory(frame, axes, groups, models):
    """What each connection takes, as measured over 1,000 and more of them, times their number; the label says of one."""
    style.panel_title(axes, "memory of all connections (label: of one)")
    style.count_ticks(axes.xaxis, [group.parameter("connections") for group in groups])
    lines = {}
    for label, cells in models.items():
        points = [(connections, cell.unit_bytes(), cell) for connections, cell in cells.items() if cell.unit_bytes()]
        if points:
            lines[label] = points
    if not style.log_scale(axes.yaxis, [x * each for points in lines.values() for x, each, _ in points],
                           quantities.short_size, base=2):
        return style.empty(axes, "not measured: --memory does it")
    labels = []
    for label, points in lines.items():
        model = points[0][2].model
        style.line(axes, [(x, Value(x * each), None) for x, each, _ in points], model)
        x, each, _ = points[-1]
        labels.append((f"{label} {quantities.size(each)} each", model, x, x * each))
    frame.label(axes, labels)
    without = [label for label in models if label not in lines]
    if without:
        style.note(axes, f"not measured: {', '.join(without)}", 0.5, 0.03)


def _served(frame, axes, groups, models):
    style.panel_title(axes, "share of connections served")
    style.count_ticks(axes.xaxis, [group.parameter("connections") for group in groups])
    style.linear_scale(axes.yaxis, lambda value: f"{value:.0f}%", -4, 106)
    ends = {}  # the last point of each line, by the text of its label: models that end alike share one
    for label, cells in models.items():
        points = [(connections, _share(cell), cell) for connections, cell in cells.items() if cell.measured]
        if not points:
            continue
        style.line(axes, [(x, Value(max(share, 1e-9)), cell.flaw) for x, share, cell in points], points[0][2].model)
        x, share, cell = points[-1]
        ends.setdefault((round(share, 1), share < 100 and label), []).append((label, cell.model, x, share))
    labels = []
    for (_, single), alike in ends.items():
        label, model, x, share = alike[0]
        who = label if single or len(alike) == 1 else f"{len(alike)} models"
        labels.append((f"{who} {quantities.percent(share)}", model, x, share))
    frame.label(axes, labels)


def _share(cell):
    """In percent of the connections that had a request to send."""
    return 100 * cell.figures["connections_served"] / max(cell.figures["connections_due"], 1)


def _ranked_by(group):
    """(what a group is ranked by, a cell's value of it, how that is written, on an axis and in words)."""
    return {
        "rate": ("requests answered per second", lambda cell: cell.rate(), quantities.short_count,
                 lambda value: quantities.count(value) + "/s"),
        "knee_rate": ("highest rate within the bound", lambda cell: cell.knee_rate(), quantities.short_count,
                      lambda value: quantities.count(value) + "/s"),
    }.get(group.ranking["by"], ("server CPU per request", lambda cell: cell.cpu_ns(), quantities.short_duration,
                                quantities.duration))


def _rows(axes, group):
    """The answer at the most connections, a row for each model, the best first."""
    cells = group.ranked()
    what, value_of, tick, text = _ranked_by(group)
    style.panel_title(axes, f"at {group.parameter('connections'):,} connections: {what}")
    heights = style.model_rows(axes, cells)
    values = {cell.name: value_of(cell) for cell in cells}
    style.row_scale(axes.xaxis, [end for value in values.values() for end in (value.median, value.low, value.high)], tick)
    for cell in cells:
        value = values[cell.name]
        if value.median <= 0:
            axes.annotate(cell.flaw_reason or "no figure", (0, heights[cell.name]), xycoords=axes.get_yaxis_transform(),
                          xytext=(6, 0), textcoords="offset points", va="center", fontsize=style.SMALL, color=style.MUTED,
                          parse_math=False)
            continue
        style.dot(axes, value.median, heights[cell.name], cell.model, cell.flaw, x_value=value)
        style.row_text(axes, value, heights[cell.name], cell, text, reason=True)
    style.tie_brackets(axes, heights, group.ties())


def _alt(groups):
    last = groups[-1]
    what, value_of, _, text = _ranked_by(last)
    parts = []
    for cell in last.ranked():
        words = f"{cell.label}: {text(value_of(cell).median)}, p99 {quantities.duration(cell.latency_ns('p99').median)}"
        if cell.unit_bytes():
            words += f", {quantities.size(cell.unit_bytes())} of memory per connection"
        parts.append(words + (f" ({cell.flaw_reason})" if cell.flaw else ""))
    return (f"At {last.parameter('connections'):,} connections, {what}, best first: {'; '.join(parts)}. "
            f"{last.verdict or ''}").strip()
