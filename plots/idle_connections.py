"""Few active among many idle connections: what a request costs when ever more connections say nothing. select and poll
look at all of them each time, epoll only at those that are ready."""
from plots import quantities, style
from plots.errors import Skip
from plots.palette import INK, SURFACE

SAME = ("active", "message_bytes", "pipeline", "requests_per_connection", "service_cpu_ns", "service_wait_ns",
        "heavy_percent", "loop", "rate_mode", "arrivals", "dispatch")


def draw(result):
    sweeps = {}
    for group in result.groups_of("service"):
        if group.measured and group.parameter("connections"):
            sweeps.setdefault(_load(group), []).append(group)
    sweeps = [sorted(groups, key=lambda group: group.parameter("connections")) for groups in sweeps.values()]
    sweeps = [groups for groups in sweeps if len({group.parameter("connections") for group in groups}) > 1]
    if not sweeps:
        raise Skip("no service was measured at two or more numbers of connections of which the same number is active")
    return [_draw(result, groups, "" if index == 0 else f"{groups[0].workload}-{index + 1}")
            for index, groups in enumerate(sweeps)]


def _load(group):
    """What groups of one sweep have in common. A fixed rate is part of it; a common rate is found for each group."""
    same = [group.workload, *(group.parameter(name) for name in SAME)]
    return (*same, group.parameter("offered_rate_per_second") if group.parameter("rate_mode") == "fixed" else None)


def _draw(result, groups, suffix):
    active, most = groups[0].parameter("active"), groups[-1].parameter("connections")
    frame = style.Frame(
        f"{groups[0].workload}: {active:,} active connections among up to {most:,}",
        f"Only {active:,} connections send requests, however many there are. " + _how_loaded(groups[0]) +
        " A dot is the median of the runs, its line the 95% interval (dotted: the range of fewer than 6 runs)." +
        _flaws(groups), [result], panel=(3.2, 2.7), grid=(1, 2), label_room=1.75)
    cpu, latency = frame.axes
    ideals = [(group.parameter("connections"), cell.figures["ideal_ns"])
              for group in groups for cell in group.measured[:1] if "ideal_ns" in cell.figures]
    _lines(frame, cpu, groups, "server CPU per request", lambda cell: cell.cpu_ns(), ideals)
    _lines(frame, latency, groups, "p99 of the latency", lambda cell: cell.latency_ns("p99"), [])
    return frame.drawing(_alt(groups), suffix)


def _how_loaded(group):
    mode = group.parameter("rate_mode")
    if mode == "common":
        return "Every model is offered the same rate of requests at each number of connections."
    if mode == "fixed":
        return f"{quantities.count(group.parameter('offered_rate_per_second'))} requests per second are offered."
    if mode == "search":
        return "Each model has the highest rate that keeps its latency within the bound."
    return "Closed loop: each active connection sends its next request when its reply has come."


def _flaws(groups):
    """Which marks are hollow, and why; empty without any."""
    where = {}
    for group in groups:
        for cell in group.measured:
            if cell.flaw:
                where.setdefault((cell.label, cell.flaw_reason), []).append(f"{group.parameter('connections'):,}")
    parts = [f"{label} at {' and '.join(numbers)} connections: {reason}" for (label, reason), numbers in where.items()]
    return f" Hollow marks are not to be ranked: {'; '.join(parts)}." if parts else ""


def _lines(frame, axes, groups, title, value_of, ideals):
    style.panel_title(axes, title)
    axes.set_xlabel(f"connections, of which {groups[0].parameter('active'):,} are active")
    style.count_ticks(axes.xaxis, [group.parameter("connections") for group in groups])
    lines = {}
    for group in groups:
        for cell in group.measured:
            if value_of(cell).median > 0:
                lines.setdefault(cell.label, []).append((group.parameter("connections"), value_of(cell), cell))
    ends = [end for points in lines.values() for _, value, _ in points for end in (value.median, value.low, value.high)]
    if not style.log_scale(axes.yaxis, ends + [ideal for _, ideal in ideals], quantities.short_duration):
        return style.note(axes, "not measured")
    labels = []
    for (label, points), nudge in zip(lines.items(), style.nudges(len(lines), 0.06)):
        x, value, cell = points[-1]
        style.line(axes, [(at, each, its.flaw) for at, each, its in points], cell.model, nudge)
        words = f"{label} {quantities.duration(value.median)}" + (f" ({cell.flaw})" if cell.flaw else "")
        labels.append((words, cell.model, x, value.median))
    frame.label(axes, labels)
    _ideal(axes, ideals)


def _ideal(axes, ideals):
    """The bare system calls of a request, measured at each number of connections."""
    if not ideals:
        return
    axes.plot(*zip(*ideals), color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1.5, gid="ideal")
    axes.annotate(f"ideal {quantities.duration(ideals[-1][1])}", ideals[-1], xytext=(0, 5), textcoords="offset points",
                  fontsize=style.SMALL, color=INK, ha="right", va="bottom", parse_math=False,
                  bbox={"facecolor": SURFACE, "edgecolor": "none", "pad": 0.8})


def _alt(groups):
    parts = []
    for group in (groups[0], groups[-1]):
        rows = [f"{cell.label} {quantities.duration(cell.cpu_ns().median)} and "
                f"{quantities.duration(cell.latency_ns('p99').median)}" +
                (f" ({cell.flaw_reason})" if cell.flaw else "") for cell in group.ranked()]
        parts.append(f"At {group.parameter('connections'):,} connections, {group.parameter('active'):,} of them "
                     f"active, server CPU per request and p99: {', '.join(rows)}.")
    return " ".join(parts + [groups[-1].verdict or ""]).strip()
