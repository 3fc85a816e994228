"""Primitives: what one operation takes, for each way to do it under each kind of unit. All panels have the same
decades, so that a switch can be held against a spawn."""
from plots import quantities, style
from plots.errors import Skip
from plots.palette import GRID

ORDER = ("spawn", "switch", "lock", "queue", "wake")
ROW = 0.19  # inches


def draw(result):
    groups = [group for name in ORDER for group in result.groups_of("primitive", name) if group.measured]
    if not groups:
        raise Skip(f"it has none of the primitives {', '.join(ORDER)}")
    frame = style.Frame(
        "Time of one operation under each kind of unit",
        "Left is better. All panels have the same log scale. In brackets: what the operation goes through, the CPUs "
        "over which the units are spread, and how many units take part, where rows differ in that. A dot is the median "
        "of the rounds, its line the 95% interval (dotted: the range of fewer than 6 runs).",
        [result], panel=(4.6, [ROW * len(group.measured) + 0.15 for group in groups]), grid=(len(groups), 1), left=2.75,
        label_room=0.7, panel_gap=0.55)
    ends = [end for group in groups for cell in group.measured for end in _ends(cell)]
    for axes, group in zip(frame.axes, groups):
        _draw_group(axes, group, ends)
    frame.axes[-1].set_xlabel("time of one operation")
    return [frame.drawing(" ".join(_alt(group) for group in groups))]


def _ends(cell):
    time = cell.time_ns()
    return time.median, time.low, time.high


def _draw_group(axes, group, ends):
    cells = group.measured
    style.panel_title(axes, group.title)
    heights = style.model_rows(axes, cells)
    axes.set_yticklabels([_way(cell) for cell in cells])
    style.row_scale(axes.xaxis, ends, quantities.short_duration)
    for above, cell in zip(cells, cells[1:]):
        if above.model != cell.model:
            axes.axhline(heights[cell.name] + 0.5, color=GRID, linewidth=0.8)
    for cell in cells:
        time = cell.time_ns()
        if time.median <= 0:
            continue
        style.dot(axes, time.median, heights[cell.name], cell.model, cell.flaw, x_value=time, size=5.5)
        style.row_text(axes, time, heights[cell.name], cell, quantities.duration)


def _way(cell):
    """The label with what the operation goes through, even where a kind of unit has a single way."""
    via = cell.parameters["via"]
    inner = cell.label[len(cell.model):].strip(" ()")
    return cell.label if via in inner.split(", ") else f"{cell.model} ({', '.join(filter(None, (via, inner)))})"


def _alt(group):
    """The fastest and the slowest way of each kind of unit."""
    parts = []
    for model in dict.fromkeys(cell.model for cell in group.measured):
        cells = sorted((cell for cell in group.measured if cell.model == model), key=lambda cell: cell.time_ns().median)
        times = [quantities.duration(cell.time_ns().median) for cell in cells]
        parts.append(f"{_way(cells[0])} {times[0]}" + (f" to {_way(cells[-1])} {times[-1]}" if len(cells) > 1 else ""))
    return f"{group.title}: {'; '.join(parts)}."
