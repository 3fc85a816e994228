"""CPU per request against context switches per request: what of a model's cost goes with its switching."""
from plots import quantities, style
from plots.errors import Skip


def draw(result):
    panels = []
    for group in result.groups_of("service"):
        cells = [cell for cell in group.ranked() if "voluntary_switches_per_request" in cell.figures
                 and cell.cpu_ns().median > 0]
        if cells:
            panels.append((group, cells))
    if not panels:
        raise Skip("the context switches of no service were measured")
    return [_draw(result, page, str(index + 1) if index else "") for index, page in enumerate(style.pages(panels))]


def switches(cell):
    """Per request, voluntary and involuntary together."""
    return cell.figures["voluntary_switches_per_request"] + cell.figures["involuntary_switches_per_request"]


def _draw(result, page, suffix):
    rows, columns = style.panel_grid(len(page))
    most = max(len(cells) for _, cells in page)
    frame = style.Frame(
        "CPU per request against context switches per request",
        "Low and left is better. A dot is the median of the runs, its line the 95% interval of the CPU time "
        "(dotted: the range of fewer than 6 runs). Switches are those of the server, voluntary (to wait) and "
        "involuntary (preempted). The dashed line is the bare system calls of a request. Hollow: not to be ranked, "
        "and why stands behind the figure.",
        [result], panel=(3.7, max(2.3, 0.155 * most)), grid=(rows, columns),
        label_room=style.label_room(_label(cell) for _, cells in page for cell in cells), panel_gap=0.95)
    for axes, (group, cells) in zip(frame.axes, page):
        _draw_group(frame, axes, group, cells)
    for axes in frame.axes[len(page):]:
        axes.remove()
    return frame.drawing(" ".join(_alt(group, cells) for group, cells in page), suffix)


def _draw_group(frame, axes, group, cells):
    style.group_title(axes, group.title)
    ideal = next((cell.figures["ideal_ns"] for cell in cells if cell.figures.get("ideal_ns")), None)
    values = [cell.cpu_ns() for cell in cells]
    style.log_scale(axes.yaxis, [end for value in values for end in (value.median, value.low, value.high)] + [ideal],
                    quantities.short_duration)
    most = max(max(map(switches, cells)), 0.05)
    style.linear_scale(axes.xaxis, lambda value: f"{value:g}", -0.03 * most, 1.08 * most)
    axes.set_xlabel("context switches per request")
    axes.set_ylabel("server CPU per request")
    if ideal:
        style.ideal_line(axes, ideal, f"ideal {quantities.duration(ideal)}", vertical=False)
    labels = []
    for cell, value in zip(cells, values):
        style.dot(axes, switches(cell), value.median, cell.model, cell.flaw, y_value=value)
        labels.append((_label(cell), cell.model, switches(cell), value.median))
    frame.label(axes, labels)


def _label(cell):
    return f"{cell.label} {quantities.duration(cell.cpu_ns().median)}" + (f" ({cell.flaw})" if cell.flaw else "")


def _alt(group, cells):
    parts = [f"{cell.label} {quantities.duration(cell.cpu_ns().median)} with {switches(cell):.2f} switches"
             + (f" ({cell.flaw_reason})" if cell.flaw else "") for cell in cells]
    return f"{group.title}, CPU per request: {'; '.join(parts)}."
