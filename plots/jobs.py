"""Jobs: the time of a batch under each model, with the ideal as a line; `cpu` and `io` side by side, as the notes' own
table has them."""
from plots import quantities, style
from plots.errors import Skip

ORDER = ("cpu", "io")  # side by side, first


def draw(result):
    groups = [group for group in result.groups_of("job") if group.measured]
    if not groups:
        raise Skip("it has no job")
    drawings = []
    pair = [next((group for group in groups if group.workload == name), None) for name in ORDER]
    if all(pair):
        drawings.append(_draw(result, pair, ""))
        groups = [group for group in groups if group not in pair]
    for index, group in enumerate(groups):
        drawings.append(_draw(result, [group], f"{group.workload}-{index + 1}" if drawings else ""))
    return drawings


def _draw(result, groups, suffix):
    most = max(len(group.measured) for group in groups)
    title = "Time of a batch under each model: " + ", ".join(group.workload for group in groups)
    frame = style.Frame(
        title, "Left is better. A dot is the median of the rounds, its line the 95% interval (dotted: the range of fewer "
        "than 6 runs). The dashed line is what no model can beat. "
        "Models joined by a bracket cannot be told apart; they stand in the order of time over the same run's ideal.",
        [result], panel=(3.7, max(1.3, 0.27 * most)), grid=(1, len(groups)), left=1.75, label_room=0.75)
    for axes, group in zip(frame.axes, groups):
        _draw_group(axes, group)
    return frame.drawing(" ".join(_alt(group) for group in groups), suffix)


def _draw_group(axes, group):
    cells = group.ranked()
    ideal = next((cell.figures["ideal_ns"] for cell in cells if "ideal_ns" in cell.figures), None)
    heights = style.model_rows(axes, cells)
    times = [cell.time_ns() for cell in cells]
    ends = [end for time in times for end in (time.median, time.low, time.high)] + [ideal]
    style.row_scale(axes.xaxis, ends, quantities.short_duration)
    axes.set_xlabel("time of a batch")
    axes.set_title(style.shorten_title(group.title), loc="left", fontsize=style.TEXT, pad=16, parse_math=False)
    if ideal:
        style.ideal_line(axes, ideal, f"ideal {quantities.duration(ideal)}")
    for cell, time in zip(cells, times):
        style.dot(axes, time.median, heights[cell.name], cell.model, cell.flaw, x_value=time)
        style.row_text(axes, time, heights[cell.name], cell, quantities.duration)
    style.tie_brackets(axes, heights, group.ties())


def _alt(group):
    parts = []
    for cell in group.ranked():
        time = cell.time_ns()
        parts.append(f"{cell.label} {quantities.duration(time.median)}")
    return f"{group.title}: {', '.join(parts)}. {group.verdict or ''}".strip()
