"""Head-of-line blocking: the tail latencies of the classes of requests beside each other. Where one thread serves all, as
under epoll and coroutines, a light request waits for the heavy one before it; a thread of its own does not."""
from matplotlib.lines import Line2D

from plots import quantities, style
from plots.errors import Skip
from plots.palette import INK, MUTED, look

SMALLEST, LARGEST = 5.0, 10.0  # of the marks, from the first class to the last
LIGHT_AND_HEAVY = ["light", "heavy"]


def draw(result):
    groups = [group for group in result.groups_of("service") if _cells(group)]
    if not groups:
        raise Skip("no service had requests of more than one class, such as light and heavy ones")
    return [_draw(result, group, "" if index == 0 else f"{group.workload}-{index + 1}")
            for index, group in enumerate(groups)]


def _classes(group):
    """Their names, in the order of the file; a class that no model was asked for is not among them."""
    return list(dict.fromkeys(name for cell in group.measured for name in cell.class_p99_ns()))


def _cells(group):
    """Those with all classes, of which there are several, the shortest tail of the first one first."""
    names = _classes(group)
    cells = [cell for cell in group.measured if len(names) > 1 and len(cell.class_p99_ns()) == len(names)]
    return sorted(cells, key=lambda cell: cell.class_p99_ns()[names[0]].median)


def _draw(result, group, suffix):
    cells, names = _cells(group), _classes(group)
    heavy = names == LIGHT_AND_HEAVY
    flaws = [f"{cell.label}: {cell.flaw_reason}" for cell in cells if cell.flaw]
    frame = style.Frame(
        f"{group.workload}: do light requests wait for heavy ones?" if heavy else
        f"{group.workload}: which requests wait for others?",
        (f"{group.parameter('heavy_percent'):g}% of the connections send heavy requests. " if heavy else "") +
        f"Marks are the p99 of {_list(names)} requests, from the smallest mark to the largest: medians of the runs, with "
        "their range as a dotted line." +
        (" Light ones that come near the dashed line have waited for a heavy request." if heavy else "") +
        (f" Hollow marks are not to be ranked: {'; '.join(flaws)}." if flaws else ""),
        [result], panel=(5.4, max(1.2, 0.36 * len(cells))), left=1.5, label_room=0.75)
    axes = frame.axes[0]
    heights = style.model_rows(axes, cells)
    alone = group.parameter("service_cpu_ns") + group.parameter("service_wait_ns") if heavy else 0
    values = {cell.name: cell.class_p99_ns() for cell in cells}
    ends = [end for each in values.values() for value in each.values() for end in (value.median, value.low, value.high)]
    style.log_scale(axes.xaxis, ends + [alone] * heavy, quantities.short_duration)
    _make_room(axes)
    axes.set_title(style.shorten_title(group.title, 72), loc="left", fontsize=style.TEXT, pad=16, parse_math=False)
    axes.set_xlabel("p99 of the latency")
    if heavy:
        style.ideal_line(axes, alone, f"a heavy request alone: {quantities.duration(alone)}")
    for cell in cells:
        _row(axes, heights[cell.name], cell, values[cell.name])
    return frame.drawing(_alt(group, cells, names, alone), suffix)


def _list(names):
    """"light and heavy", "list, get and put"."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _make_room(axes):
    """For the words at both ends of a row."""
    low, high = axes.get_xlim()
    ratio = high / low
    axes.set_xlim(low / ratio**0.25, high * ratio**0.25)


def _row(axes, height, cell, values):
    """A dumbbell: the classes on one line, the shortest and the longest tail in words on their outer sides."""
    axes.plot([value.median for value in values.values()], [height] * len(values), color=MUTED, linewidth=0.8, zorder=1.2)
    for place, (kind, value) in enumerate(values.items()):
        size = SMALLEST + (LARGEST - SMALLEST) * place / (len(values) - 1)
        if value.low is not None and value.high > value.low:
            axes.add_line(Line2D([value.low, value.high], [height] * 2, color=look(cell.model).colour, linewidth=1.8,
                                 linestyle=(0, (1.2, 1.2)), zorder=2, gid=f"range:{cell.label}:{kind}"))
        axes.plot([value.median], [height], linestyle="none", markersize=size, zorder=3,
                  gid=f"{kind}:{cell.label}", **style.mark_style(cell.model, cell.flaw))
    least, *_, most = sorted(values, key=lambda kind: values[kind].median)
    for kind, side in ((least, -1), (most, 1)):
        value = values[kind]
        ends = [end for end in (value.low, value.median, value.high) if end is not None]
        words = f"{kind} {quantities.duration(value.median)}"
        if kind == most and cell.flaw:
            words += f" ({cell.flaw})"
        axes.annotate(words, (max(ends) if side > 0 else min(ends), height), xytext=(8 * side, 0),
                      textcoords="offset points", ha="left" if side > 0 else "right", va="center", fontsize=style.SMALL,
                      color=INK, annotation_clip=False, parse_math=False)


def _alt(group, cells, names, alone):
    parts = [f"{cell.label}: " +
             ", ".join(f"{name} {quantities.duration(value.median)}" for name, value in cell.class_p99_ns().items()) +
             (f" ({cell.flaw_reason})" if cell.flaw else "") for cell in cells]
    return (f"{group.title}: p99 of the latency of {_list(names)} requests, the shortest of {names[0]} ones first: "
            f"{'; '.join(parts)}." +
            (f" A heavy request alone takes {quantities.duration(alone)}." if alone else ""))
