"""Latency by percentile on the axis of HDR histograms, where each nine has the same room: what the median hides."""
import math

import numpy as np

from plots import quantities, style
from plots.errors import Skip

BEYOND = 10  # samples that have to lie beyond a percentile for it to be drawn
POINTS_PER_DECADE = 24  # of a curve
MARKS = (2, 10, 100, 1_000, 10_000, 100_000, 1_000_000)  # 1 / (1 - quantile)
MARK_TEXTS = ("50%", "90%", "99%", "99.9%", "99.99%", "99.999%", "99.9999%")


def draw(result):
    panels = []
    for group in result.groups_of("service"):
        curves = {cell.name: curve(*merged(cell.samples)) for cell in group.measured}
        if any(xs.size for xs, _ in curves.values()):
            panels.append((group, curves))
    if not panels:
        raise Skip(f"no service has a valid run with at least {2 * BEYOND} latencies")
    return [_draw(result, page, str(index + 1) if index else "") for index, page in enumerate(style.pages(panels))]


def merged(samples):
    """The histograms of the valid samples added up: the highest latency of each bucket in ns, ascending, and how many
    lie in it."""
    pairs = [np.array(sample["bench"]["latency_histogram"]["buckets"], dtype=np.int64).reshape(-1, 2)
             for sample in samples if sample["bench"]["valid"]]
    if not pairs:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    pairs = np.concatenate(pairs)
    buckets, places = np.unique(pairs[:, 0], return_inverse=True)
    counts = np.zeros(len(buckets), dtype=np.int64)
    np.add.at(counts, places, pairs[:, 1])
    return highest_ns(buckets), counts


def highest_ns(buckets):
    """The highest latency that a bucket of the log-linear histogram counts, as results/README.md has it."""
    shifts = np.maximum(buckets // 1024 - 1, 0)
    return ((buckets - 1024 * shifts + 1) << shifts) - 1


def curve(latencies, counts):
    """Points (1 / (1 - quantile), latency in ns), from the lowest latency to the last percentile with enough samples
    beyond it; empty where that is below the median."""
    total = counts.sum()
    last = total / BEYOND
    if last < MARKS[0]:
        return np.array([]), np.array([])
    steps = np.logspace(0, math.log10(last), max(2, math.ceil(POINTS_PER_DECADE * math.log10(last))))
    xs = np.unique(np.concatenate([steps[:-1], [last], [mark for mark in MARKS if mark <= last]]))
    ranks = np.maximum(np.ceil((1 - 1 / xs) * total), 1)
    return xs, latencies[np.searchsorted(np.cumsum(counts), ranks)]


def _draw(result, page, suffix):
    rows, columns = style.panel_grid(len(page))
    labels = [_label(cell, curves) for group, curves in page for cell in group.measured if curves[cell.name][0].size]
    most = max(len(group.measured) for group, _ in page)
    frame = style.Frame(
        "Latency by percentile under each model",
        "Low is better. All valid runs of a model together. Each nine leaves a tenth of the requests beyond it; a "
        f"curve ends where fewer than {BEYOND} lie beyond, and its label says the latency there. In an open loop the "
        "latency counts from when a request was due. Hollow marks: not to be ranked, and why stands behind the "
        "latency.",
        [result], panel=(3.7, max(2.3, 0.155 * most)), grid=(rows, columns), label_room=style.label_room(labels),
        panel_gap=0.95)
    for axes, (group, curves) in zip(frame.axes, page):
        _draw_group(frame, axes, group, curves)
    for axes in frame.axes[len(page):]:
        axes.remove()
    return frame.drawing(" ".join(_alt(group, curves) for group, curves in page), suffix)


def _draw_group(frame, axes, group, curves):
    without = [cell.label for cell in group.measured if not curves[cell.name][0].size]
    style.group_title(axes, group.title, f"too few valid requests for a curve: {', '.join(without)}" if without else "")
    ends = [end for _, ys in curves.values() if ys.size for end in (ys[0], ys[-1])]
    style.log_scale(axes.yaxis, ends, quantities.short_duration)
    last = max(xs[-1] for xs, _ in curves.values() if xs.size)
    axes.set_xscale("log")
    axes.set_xlim(1, last * last ** 0.03)
    shown = [(mark, text) for mark, text in zip(MARKS, MARK_TEXTS) if mark <= last]
    axes.set_xticks([mark for mark, _ in shown], [text for _, text in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("percentile of the requests")
    axes.set_ylabel("latency")
    labels = []
    for cell in group.measured:
        xs, ys = curves[cell.name]
        if not xs.size:
            continue
        marks = [index for index, x in enumerate(xs) if x in MARKS or index == len(xs) - 1]
        axes.plot(xs, ys, linestyle=style.look(cell.model).line, linewidth=1.3, markersize=4.5, markevery=marks,
                  label=cell.label, zorder=2, **style.mark_style(cell.model, cell.flaw))
        labels.append((_label(cell, curves), cell.model, xs[-1], ys[-1]))
    frame.label(axes, labels)


def _label(cell, curves):
    return f"{cell.label} {quantities.duration(curves[cell.name][1][-1])}{_remark(cell)}"


def _remark(cell):
    """Why the curve of a cell is not to be ranked."""
    left_out = sum(not sample["bench"]["valid"] for sample in cell.samples)
    if left_out:
        return f" (invalid: {left_out} of {len(cell.samples)})"
    return f" ({cell.flaw})" if cell.flaw else ""


def _alt(group, curves):
    parts = []
    for cell in group.measured:
        xs, ys = curves[cell.name]
        if xs.size:
            shown = [(text, ys[np.searchsorted(xs, mark)]) for mark, text in ((2, "50%"), (100, "99%"))
                     if mark <= xs[-1]]
            parts.append(f"{cell.label} " + ", ".join(f"{quantities.duration(y)} at {text}" for text, y in shown)
                         + _remark(cell))
    return f"{group.title}: {'; '.join(parts)}."
