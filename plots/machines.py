"""Machines: how far each model is from a reference model, on each machine, and where their order changes."""
from plots import comparison, quantities, style
from plots.errors import Skip
from plots.palette import INK
from plots.result import Value

REFERENCES = ("serial", "threads", "epoll")  # the first that all machines measured
PANELS = 6  # of a figure


def draw(results):
    if len({comparison.machine_key(result) for result in results}) < 2:
        raise Skip("the results are of one machine; give a file of another one too")
    found = [(group, *panel) for group, panel in panels(results)]
    if not found:
        raise Skip("the machines share no group with a reference model (" + ", ".join(REFERENCES) + ") and another one")
    return [_draw(results, found[begin:begin + PANELS], str(begin // PANELS + 1) if begin else "")
            for begin in range(0, len(found), PANELS)]


def panels(results):
    """[(group of the first result, (reference, lines))] of the groups that the results share: a line is (label, model,
    [ratio to the reference, or None, for each result])."""
    shared, _ = comparison.shared_cells(results)
    found = []
    for group in results[0].groups:
        ratios = _ratios(group, [cells for first, cells in shared if first is group])
        if ratios:
            found.append((group, ratios))
    return found


def _ratios(group, rows):
    """(reference, [(label, model, [Ratio or None, a machine each])]); None without a reference and another model."""
    reference = next((cells for name in REFERENCES for cells in rows if cells[0].model == name
                      and not any(cell.flaw for cell in cells)), None)
    if reference is None or len(rows) < 2 or group.kind == "primitive":
        return None
    cost, _ = comparison.cost_of(group)
    lines = []
    for cells in rows:
        values = [None if cell.flaw else comparison.paired(comparison.costs(cell, cost), comparison.costs(base, cost))
                  for cell, base in zip(cells, reference)]
        if any(values):
            lines.append((cells[0].label, cells[0].model, values))
    return reference[0].label, lines


def _draw(results, shown, suffix):
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    most = max(len(lines) for _, _, lines in shown)
    frame = style.Frame(
        "Machines: how each model compares with a reference model on each of them",
        "Different machines: their absolute figures are not compared. A dot is a model's cost over that of the reference "
        "model (dashed, 1×) on the same machine, within rounds, with its 95% interval (dotted: the range of fewer than 6 "
        "rounds); less is better. Where lines cross, the order of the models changes; then its label says from which place to which.",
        results, panel=(max(2.2, 0.9 * len(results)), max(2.4, 0.19 * most)), grid=(rows, columns), label_room=2.1,
        panel_gap=0.9)
    for axes, (group, reference, lines) in zip(frame.axes, shown):
        _panel(frame, axes, results, group, reference, lines)
    for axes in frame.axes[len(shown):]:
        axes.remove()
    return frame.drawing(" ".join(_alt(results, panel) for panel in shown), suffix)


def _panel(frame, axes, results, group, reference, lines):
    axes.set_title(style.shorten_title(group.title, 48), loc="left", fontsize=style.TEXT, pad=6, parse_math=False)
    style.log_scale(axes.yaxis, [end for _, _, values in lines for value in values if value
                                 for end in (value.effect, value.low, value.high)], quantities.short_ratio)
    axes.set_xlim(-0.25, len(results) - 0.75)
    axes.set_xticks(range(len(results)), [result.label for result in results])
    axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_ylabel(f"cost over {reference}")
    labels = []
    for (label, model, values), nudge in zip(lines, style.nudges(len(lines), 0.06)):
        points = [(index + nudge, Value(value.effect, value.low, value.high, value.bounded), None)
                  for index, value in enumerate(values) if value]
        style.line(axes, points, model)
        x, value, _ = points[-1]
        labels.append((f"{label} {quantities.ratio(value.median)}{_rank_change(label, lines)}", model, x, value.median))
    frame.label(axes, labels)


def places(lines, index):
    """Labels by cost on one machine, least first."""
    measured = [(values[index].effect, label) for label, _, values in lines if values[index]]
    return [label for _, label in sorted(measured)]


def _rank_change(label, lines):
    """The model's place on the first and on the last machine, where it and another one are told apart on both, the one
    way round here and the other there: places that noise has swapped are no change."""
    own = next(values for name, _, values in lines if name == label)
    if not any(_swapped(own, values) for name, _, values in lines if name != label):
        return ""
    first, last = places(lines, 0), places(lines, -1)
    return f" (place {first.index(label) + 1} → {last.index(label) + 1})"


def _swapped(own, other):
    ends = (own[0], other[0], own[-1], other[-1])
    if not all(value and value.bounded for value in ends):
        return False
    here_less, there_less = own[0].high < other[0].low, own[-1].high < other[-1].low
    here_more, there_more = own[0].low > other[0].high, own[-1].low > other[-1].high
    return (here_less and there_more) or (here_more and there_less)


def _alt(results, panel):
    group, reference, lines = panel
    parts = [f"on {result.label} {', '.join(places(lines, index))}" for index, result in enumerate(results)]
    return f"{group.title}, cost over {reference}, least first: {'; '.join(parts)}."
