"""The samples themselves, round by round, over the readings of the ruler: so that a reader sees what the machine did
while they were taken. The file has no time of a sample, but rounds follow each other in time."""
from dataclasses import dataclass

from plots import quantities, style
from plots.errors import Skip
from plots.palette import GRID, INK, MUTED, OTHER, SURFACE

COLUMNS = 2
MOST_NAMED = 8  # lines in a panel; of more, those that stray the most from their median
RULERS = (("spin_ns", "computation", "-"), ("line_trip_ns", "cache line", (0, (5, 2))),
          ("system_call_ns", "system call", (0, (1.5, 1.2))))
HATCHES = {"slow": None, "changing": "////", "disturbed": "...."}  # of a round most of whose runs were so


@dataclass
class Column:
    """Panels above one another that share their rounds."""

    workload: str
    groups: list


def draw(result):
    by_workload = {}
    for group in result.groups:
        if any(len(cell.samples) > 1 for cell in group.measured):
            by_workload.setdefault(group.workload, []).append(group)
    if not by_workload:
        raise Skip("nothing was measured in two or more rounds")
    pages = [[Column(workload, dealt) for dealt in _deal(groups, COLUMNS)]
             for workload, groups in by_workload.items() if len(groups) > 1]
    single = [Column(workload, groups) for workload, groups in by_workload.items() if len(groups) == 1]
    if single:
        pages += _deal(single, -(-len(single) // COLUMNS))
    return [_draw(result, columns) for columns in pages]


def _deal(things, number):
    """The things in order, in so many lists as even as can be, the longer ones first."""
    cuts = [-(-len(things) * index // number) for index in range(number + 1)]
    return [things[start:end] for start, end in zip(cuts, cuts[1:])]


def _draw(result, columns):
    workloads = list(dict.fromkeys(column.workload for column in columns))
    groups = [group for column in columns for group in column.groups]
    rows = max(len(column.groups) for column in columns)
    names = [_name(cell) for group in groups for cell in group.measured]
    names += [_rest(len(group.measured)) for group in groups if len(group.measured) > MOST_NAMED]
    frame = style.Frame(
        f"Samples round by round, and the machine beneath: {', '.join(workloads)}",
        f"Each mark is one run: {_what(groups)}, as a multiple of the median of its line. Lowest panels: the ruler "
        "right before and after each round, over the smallest reading in the file. Grey: rounds while the machine was "
        "slow; hatched: while it was changing." + _flaws(groups),
        [result], panel=(3.3 if len(columns) > 1 else 5, [1.5] * rows + [1.1]), grid=(rows + 1, len(columns)), left=0.7,
        label_room=max(1.35, style.label_room(names)))
    shares = [share for group in groups for _, points in _series(group) for _, share, _ in points] + [1.0]
    readings = [share for workload in workloads for places in _readings(result, workload).values()
                for _, share in places]
    for index, column in enumerate(columns):
        panels = frame.axes[index::len(columns)]
        regimes = _regimes(groups, column.workload)
        for axes in panels[len(column.groups):-1]:
            axes.set_visible(False)
        for axes, group in zip(panels, column.groups):
            style.panel_title(axes, _title(group, groups))
            _rounds(axes, regimes)
            _scale(axes, shares)
            _samples(frame, axes, group)
        style.panel_title(panels[-1], f"{column.workload}: the ruler")
        panels[-1].set_xlabel("round")
        _rounds(panels[-1], regimes)
        _scale(panels[-1], readings + [1.0])
        _ruler(frame, panels[-1], _readings(result, column.workload))
    return frame.drawing(" ".join(_alt(result, workload, groups) for workload in workloads), "-".join(workloads))


def _what(groups):
    """What a run is judged by, of the kinds of group that are shown."""
    words = {"job": "the time of a batch over the same run's ideal", "primitive": "the time of an operation",
             "service": "the server's CPU time per request"}
    if not any("server_cpu_ns_per_request" in cell.figures for group in groups for cell in group.measured):
        words["service"] = "the mean latency"
    return ", or ".join(dict.fromkeys(words[group.kind] for group in groups))


def _scale(axes, values):
    """A log scale with room beneath for the names of the rounds."""
    style.log_scale(axes.yaxis, values, quantities.ratio, pad=1.12)
    low, high = axes.get_ylim()
    axes.set_ylim(low / (high / low)**0.15, high)


def _title(group, groups):
    """What a group differs in from the others of its workload in the figure."""
    others = [other for other in groups if other is not group and other.workload == group.workload]
    if not others:
        return style.shorten_title(group.title)
    parts = [part for part in group.title.split(" · ")
             if any(part not in other.title.split(" · ") for other in others)]
    if not parts or any(other.title == group.title for other in others):
        models = list(dict.fromkeys(cell.model for cell in group.measured))
        parts.append(", ".join(models[:3] + ["…"] * (len(models) > 3)))
    return f"{group.workload}: {style.shorten_title(' · '.join(parts), 60)}"


def _name(cell):
    return cell.label + (f" ({cell.flaw})" if cell.flaw else "")


def _rest(number):
    return f"{number} that stray less"


def _figure(group, cell, row):
    """What is shown of a sample or of the median row: one number, the smaller the better; 0 where nothing was
    answered."""
    bench = row["bench"]
    if group.kind == "job" and "over_ideal" in cell.figures:
        return bench["over_ideal"]["effect"] if row is cell.median else row["real_time"] / bench["ideal_ns"]
    if group.kind == "job":
        return row["real_time"]
    return bench.get("server_cpu_ns_per_request", row["real_time"])


def _series(group):
    """(cell, [(round, share of the median, whether the run is sound)]) of each cell."""
    found = []
    for cell in group.measured:
        median = _figure(group, cell, cell.median)
        points = [(row["bench"]["round"], _figure(group, cell, row), _sound(row)) for row in cell.samples]
        points = [(at, value / median, sound) for at, value, sound in points if median and value]
        if points:
            found.append((cell, points))
    return found


def _sound(row):
    return row["bench"].get("valid", True) and row["bench"].get("limit") not in ("starved", "errors")


def _stray(point):
    """How far a sample is from the median, as a factor of 1 and more."""
    return max(point[1], 1 / point[1])


def _strays(points):
    return max(_stray(point) for point in points)


def _samples(frame, axes, group):
    series = _series(group)
    axes.axhline(1.0, color=INK, linewidth=0.8, zorder=1.4)
    named = sorted(series, key=lambda entry: -_strays(entry[1]))[:MOST_NAMED]
    others = [entry for entry in series if entry not in named]
    for _, points in others:
        axes.plot([at for at, _, _ in points], [share for _, share, _ in points], color=OTHER.colour,
                  marker=OTHER.marker, markersize=2, alpha=0.5, linewidth=0.7, zorder=1.5)
    labels = [(_rest(len(others)), "others", *others[0][1][-1][:2])] if others else []
    for (cell, points), nudge in zip(named, style.nudges(len(named), 0.22)):
        look = style.mark_style(cell.model)
        axes.plot([at + nudge for at, _, _ in points], [share for _, share, _ in points], color=look["color"],
                  linewidth=0.9, alpha=0.8, zorder=2, gid=f"samples:{cell.label}")
        for at, share, sound in points:
            style.dot(axes, at + nudge, share, cell.model, None if sound else "invalid", size=4)
        labels.append((_name(cell), cell.model, points[-1][0] + nudge, points[-1][1]))
    frame.label(axes, labels)


def _readings(result, workload):
    """{key: [(place, reading)]} of the ruler, as multiples of the smallest one in the file. Before a round is a third
    left of it, after it a third right."""
    found = {}
    for key, _, _ in RULERS:
        least = min((entry[key] for entry in result.bench["rulers"] if entry[key] > 0), default=None)
        places = [(entry["round"] + (-1 / 3 if entry["when"] == "before" else 1 / 3), entry[key] / least)
                  for entry in result.bench["rulers"] if entry["workload"] == workload and entry[key] > 0]
        if places:
            found[key] = sorted(places)
    return found


def _ruler(frame, axes, readings):
    if not readings:
        return style.note(axes, "the file has no readings")
    ends = []
    for key, name, dashes in RULERS:
        if key in readings:
            axes.plot(*zip(*readings[key]), color=INK, linestyle=dashes, linewidth=1.0, marker=".", markersize=3.5,
                      gid=f"ruler:{key}")
            ends.append((name, dashes, *readings[key][-1]))
    _name_rulers(frame, axes, ends)


def _name_rulers(frame, axes, ends):
    """Names right of the lines, with a piece of each, since they differ in their dashes alone."""
    dpi = frame.figure.dpi
    box = axes.get_window_extent()
    ends.sort(key=lambda end: end[3])
    heights = [axes.transData.transform((at, share))[1] for _, _, at, share in ends]
    places = style.spread(heights, style.TEXT * 1.22 * dpi / 72, box.y0, box.y1)
    for (name, dashes, _, _), place in zip(ends, places):
        y = (place - box.y0) / box.height
        start, end, text = (1 + inches * dpi / box.width for inches in (0.1, 0.42, 0.48))
        axes.plot([start, end], [y, y], transform=axes.transAxes, color=INK, linestyle=dashes, linewidth=1.0,
                  clip_on=False)
        frame.labels.append(axes.text(text, y, name, transform=axes.transAxes, fontsize=style.TEXT, color=INK,
                                      va="center", parse_math=False))


def _regimes(groups, workload):
    """{round: the commonest regime of its runs}."""
    rounds = {}
    for group in groups:
        for row in (row for cell in group.measured for row in cell.samples if group.workload == workload):
            rounds.setdefault(row["bench"]["round"], []).append(row["bench"]["regime"])
    return {at: max(regimes, key=regimes.count) for at, regimes in sorted(rounds.items())}


def _rounds(axes, regimes):
    """A place for each round on the x axis; those of an unusual regime shaded and, where there is room, named."""
    rounds = list(regimes)
    axes.set_xlim(rounds[0] - 0.6, rounds[-1] + 0.6)
    step = -(-len(rounds) // 12)
    axes.set_xticks(rounds[::step])
    axes.grid(visible=False, axis="x")
    for first, last, regime in _stretches(regimes):
        axes.axvspan(first - 0.5, last + 0.5, facecolor=GRID, edgecolor=SURFACE, alpha=0.55, linewidth=0, zorder=0.5,
                     hatch=HATCHES[regime], gid=f"{regime}:{first}-{last}")
        if (last - first + 1) / len(rounds) > 0.13:
            axes.annotate(regime, ((first + last) / 2, 0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                          textcoords="offset points", fontsize=6, color=MUTED, ha="center", va="bottom")


def _stretches(regimes):
    """(first round, last round, regime) of rounds in a row that are not usual."""
    found = []
    for at, regime in regimes.items():
        if found and found[-1][1] == at - 1 and found[-1][2] == regime:
            found[-1] = (found[-1][0], at, regime)
        else:
            found.append((at, at, regime))
    return [stretch for stretch in found if stretch[2] in HATCHES]


def _flaws(groups):
    """Which marks are hollow, and why; empty without any."""
    reasons = {}
    for group in groups:
        for cell in group.measured:
            for bench in (row["bench"] for row in cell.samples if not _sound(row)):
                reasons.setdefault(bench.get("invalid_reason", bench["limit"]), []).append(cell.label)
    if not reasons:
        return ""
    return " Hollow marks are runs that are not to be ranked: " + "; ".join(
        f"{reason} ({', '.join(dict.fromkeys(labels))})" for reason, labels in reasons.items()) + "."


def _alt(result, workload, groups):
    regimes = _regimes(groups, workload)
    counts = {}
    for regime in regimes.values():
        counts[regime] = counts.get(regime, 0) + 1
    parts = [f"{workload}: {len(regimes)} rounds, {', '.join(f'{many} {regime}' for regime, many in counts.items())}."]
    series = [(group, *entry) for group in groups if group.workload == workload for entry in _series(group)]
    if series:
        group, cell, points = max(series, key=lambda entry: _strays(entry[2]))
        at, share, _ = max(points, key=_stray)
        parts.append(f"The sample furthest from its median is that of {cell.label} in round {at} of "
                     f"{_title(group, groups)}: {quantities.ratio(share)}.")
    ruler = {key: [share for _, share in places] for key, places in _readings(result, workload).items()}
    words = [f"{name} {quantities.ratio(min(ruler[key]))} to {quantities.ratio(max(ruler[key]))}"
             for key, name, _ in RULERS if key in ruler]
    if words:
        parts.append(f"Ruler over the smallest reading in the file: {', '.join(words)}.")
    return " ".join(parts)
