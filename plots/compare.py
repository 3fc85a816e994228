"""A against B: the ratio of each cell's cost between two result files of one machine, largest change first. Of more
files, each is held against the first."""
import math

from plots import comparison, quantities, style
from plots.errors import Skip
from plots.palette import BETTER, INK, WORSE

MOST = 40  # rows of a figure
FARTHEST = 16  # times, to which intervals are drawn
SAME_RATE = 0.01  # offered rates that differ by a larger share are different loads


def draw(results):
    if len(results) < 2:
        raise Skip("it compares two or more results, and 1 is given")
    if len({comparison.machine_key(result) for result in results}) > 1:
        raise Skip(f"{', '.join(result.label for result in results)} are of different machines, whose figures are not held "
                   "against each other")
    drawings = []
    for other in results[1:]:
        rows, left_out = ratios(results[0], other)
        if rows:
            suffix = other.label if drawings else ""
            drawings.append(_draw([results[0], other], rows[:MOST], len(rows) - MOST, len(left_out), suffix))
    if not drawings:
        others = ", ".join(result.label for result in results[1:])
        raise Skip(f"{results[0].label} shares no cell that compares with {others}")
    return drawings


def ratios(a, b):
    """[(cell of a, what is compared, Ratio of b over a)], largest change first, where more than 1 means that b costs more;
    and [(name, why)] of the cells that are not compared."""
    rows = []
    shared, lonely = comparison.shared_cells([a, b])
    left_out = [(name, "measured in one of them only") for name in lonely]
    for group, (cell_a, cell_b) in shared:
        cost, what = comparison.cost_of(group)
        why = _why_not(cell_a, cell_b)
        if why:
            left_out.append((cell_a.name, why))
            continue
        ratio = comparison.unpaired(comparison.costs(cell_b, cost), comparison.costs(cell_a, cost))
        if ratio:
            rows.append((cell_a, what, ratio))
    return sorted(rows, key=lambda row: -abs(math.log(row[2].effect))), left_out


def _why_not(cell_a, cell_b):
    """Why two cells of one name do not compare; empty where they do."""
    for cell in (cell_a, cell_b):
        if cell.flaw:
            return cell.flaw_reason
    offered = [cell.figures.get("offered_rate_per_second") for cell in (cell_a, cell_b)]
    if None not in offered and abs(offered[1] / offered[0] - 1) > SAME_RATE:
        return f"offered {quantities.count(offered[0])} and {quantities.count(offered[1])} requests/s"
    return ""


def _draw(results, rows, more, apart, suffix):
    a, b = results
    left_out = (f" {more} smaller changes are left out." if more > 0 else "") + (
        f" {apart} cells do not compare: measured in one of the files only, at different rates, or not to be ranked."
        if apart else "")
    what = ", ".join(dict.fromkeys(what for _, what, _ in rows))
    frame = style.Frame(
        f"{b.label} against {a.label}: the cost of each cell",
        f"Right of 1, {b.label} costs more ({what}). A dot is the median ratio of all pairs of runs, its line the 95% interval "
        "(dotted: too few runs for one); in colour where that excludes 1. The runs of the two files were not interleaved: a "
        f"machine that changed in between looks like a change of the program.{left_out}",
        results, panel=(4.2, max(1.2, 0.24 * len(rows))), left=4.3, label_room=1.2)
    axes = frame.axes[0]
    heights = [len(rows) - 1 - index for index in range(len(rows))]
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(heights, [cell.name for cell, _, _ in rows])
    axes.tick_params(axis="y", labelsize=style.SMALL, labelcolor=INK)
    axes.grid(visible=False, axis="y")
    reach = min(max(max(ratio.high, 1 / ratio.low) for _, _, ratio in rows), FARTHEST)
    ends = [1 / reach, reach]
    style.log_scale(axes.xaxis, ends, quantities.short_ratio, pad=1.02)
    axes.axvline(1, color=INK, linewidth=1)
    for (cell, _, ratio), height in zip(rows, heights):
        colour = (WORSE if ratio.effect > 1 else BETTER) if ratio.differs else style.MUTED
        for end, marker in ((ratio.low, "<"), (ratio.high, ">")):  # an interval that reaches farther runs on
            if not 1 / reach <= end <= reach:
                axes.plot([min(max(end, 1 / reach), reach)], [height], marker=marker, color=colour, markersize=4,
                          linestyle="none", gid="runs-on", clip_on=False)
        axes.plot([max(ratio.low, 1 / reach), min(ratio.high, reach)], [height, height], color=colour, linewidth=1.8,
                  linestyle="-" if ratio.bounded else (0, (1.5, 1.2)), solid_capstyle="butt")
        axes.plot([ratio.effect], [height], marker=(">" if ratio.effect > 1 else "<") if ratio.differs else "o",
                  color=colour, markersize=6, linestyle="none")
        axes.annotate(quantities.change(ratio.effect), (1, height), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                      va="center", fontsize=style.SMALL, color=colour, annotation_clip=False)
    axes.set_xlabel(f"cost in {b.label} over cost in {a.label}")
    return frame.drawing(_alt(rows, a, b), suffix)


def _alt(rows, a, b):
    worse = [cell.name for cell, _, ratio in rows if ratio.differs and ratio.effect > 1]
    better = [cell.name for cell, _, ratio in rows if ratio.differs and ratio.effect < 1]
    parts = [f"{cell.name}: {quantities.ratio(ratio.effect)} ({quantities.ratio(ratio.low)} to {quantities.ratio(ratio.high)})"
             for cell, _, ratio in rows[:12]]
    return (f"{b.label} against {a.label}: {len(worse)} cells cost more, {len(better)} less, "
            f"{len(rows) - len(worse) - len(better)} cannot be told apart. Largest changes: {'; '.join(parts)}.")
