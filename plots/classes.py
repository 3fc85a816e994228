"""Head-of-line blocking: the tail latency of light requests beside that of heavy ones. Where one thread serves all, as
under epoll and coroutines, a light request waits for the heavy one before it; a thread of its own does not."""
from matplotlib.lines import Line2D

from plots import quantities, style
from plots.errors import Skip
from plots.palette import INK, MUTED, look
from plots.result import Value

SIZES = {"light": 5.0, "heavy": 10.0}  # of the marks


def draw(result):
    groups = [group for group in result.groups_of("service") if _cells(group)]
    if not groups:
        raise Skip("no service had light and heavy requests at once")
    return [_draw(result, group, "" if index == 0 else f"{group.workload}-{index + 1}")
            for index, group in enumerate(groups)]


def _cells(group):
    """Those with both classes, the shortest tail of light requests first."""
    cells = [cell for cell in group.measured if all(_p99(cell, kind) is not None for kind in SIZES)]
    return sorted(cells, key=lambda cell: _p99(cell, "light").median)


def _p99(cell, kind):
    """The median row's p99 of a class in ns, with the range of the runs, since the file has no interval of it."""
    key = f"{kind}_latency_p99_ns"
    if not cell.figures.get(key):
        return None
    runs = [sample["bench"][key] for sample in cell.samples if key in sample["bench"]]
    return Value(cell.figures[key], min(runs), max(runs)) if runs else Value(cell.figures[key])


def _draw(result, group, suffix):
    cells = _cells(group)
    flaws = [f"{cell.label}: {cell.flaw_reason}" for cell in cells if cell.flaw]
    frame = style.Frame(
        f"{group.workload}: do light requests wait for heavy ones?",
        f"{group.parameter('heavy_percent'):g}% of the connections send heavy requests. A small mark is the p99 of the "
        "light ones, a large mark that of the heavy ones: medians of the runs, with their range as a dotted line. "
        "Light ones that come near the dashed line have waited for a heavy request." +
        (f" Hollow marks are not to be ranked: {'; '.join(flaws)}." if flaws else ""),
        [result], panel=(5.4, max(1.2, 0.36 * len(cells))), left=1.5, label_room=0.75)
    axes = frame.axes[0]
    heights = style.model_rows(axes, cells)
    alone = group.parameter("service_cpu_ns") + group.parameter("service_wait_ns")
    values = {cell.name: {kind: _p99(cell, kind) for kind in SIZES} for cell in cells}
    ends = [end for each in values.values() for value in each.values() for end in (value.median, value.low, value.high)]
    style.log_scale(axes.xaxis, ends + [alone], quantities.short_duration)
    _make_room(axes)
    axes.set_title(style.shorten_title(group.title, 72), loc="left", fontsize=style.TEXT, pad=16, parse_math=False)
    axes.set_xlabel("p99 of the latency")
    style.ideal_line(axes, alone, f"a heavy request alone: {quantities.duration(alone)}")
    for cell in cells:
        _row(axes, heights[cell.name], cell, values[cell.name])
    return frame.drawing(_alt(group, cells, alone), suffix)


def _make_room(axes):
    """For the words at both ends of a row."""
    low, high = axes.get_xlim()
    ratio = high / low
    axes.set_xlim(low / ratio**0.25, high * ratio**0.25)


def _row(axes, height, cell, values):
    """A dumbbell: both classes on one line, each in words on its outer side."""
    axes.plot([value.median for value in values.values()], [height] * 2, color=MUTED, linewidth=0.8, zorder=1.2)
    for kind, value in values.items():
        if value.low is not None and value.high > value.low:
            axes.add_line(Line2D([value.low, value.high], [height] * 2, color=look(cell.model).colour, linewidth=1.8,
                                 linestyle=(0, (1.2, 1.2)), zorder=2, gid=f"range:{cell.label}:{kind}"))
        axes.plot([value.median], [height], linestyle="none", markersize=SIZES[kind], zorder=3,
                  gid=f"{kind}:{cell.label}", **style.mark_style(cell.model, cell.flaw))
    least, most = sorted(values, key=lambda kind: values[kind].median)
    for kind, side in ((least, -1), (most, 1)):
        value = values[kind]
        ends = [end for end in (value.low, value.median, value.high) if end is not None]
        words = f"{kind} {quantities.duration(value.median)}"
        if kind == most and cell.flaw:
            words += f" ({cell.flaw})"
        axes.annotate(words, (max(ends) if side > 0 else min(ends), height), xytext=(8 * side, 0),
                      textcoords="offset points", ha="left" if side > 0 else "right", va="center", fontsize=style.SMALL,
                      color=INK, annotation_clip=False, parse_math=False)


def _alt(group, cells, alone):
    parts = [f"{cell.label}: light {quantities.duration(_p99(cell, 'light').median)}, heavy "
             f"{quantities.duration(_p99(cell, 'heavy').median)}" + (f" ({cell.flaw_reason})" if cell.flaw else "")
             for cell in cells]
    return (f"{group.title}: p99 of the latency of light and of heavy requests, the shortest of light ones first: "
            f"{'; '.join(parts)}. A heavy request alone takes {quantities.duration(alone)}.")
