"""Memory: what each further waiting unit (primitive `idle`) or connection (services with --memory) takes, in user space
and in the kernel. Bars from zero; what is a tenth of the largest and less is shown again on a finer scale.

The figures are slopes from runs of their own, so what is wrong with a cell's other runs does not touch them."""
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from plots import quantities, style
from plots.errors import Skip
from plots.palette import INK, SURFACE, look

KERNEL_HATCH = "//////"
BAR = 0.62  # of the distance between two rows


def draw(result):
    pools = _unit_pools(result) + _connection_pools(result)
    if not pools:
        raise Skip("it has no memory of a unit (primitive idle) or of a connection (services with --memory)")
    return [_draw(result, *about, "" if index == 0 else f"{workload}-{index + 1}")
            for index, (workload, *about) in enumerate(pools)]


def _unit_pools(result):
    """(workload, title, cells, labels without a figure) of each group of waiting units."""
    pools = []
    for group in result.groups_of("primitive"):
        cells = [cell for cell in group.measured if cell.units()]
        if cells:
            pools.append((group.workload, f"Memory of a unit that waits: {group.workload}", cells, []))
    return pools


def _connection_pools(result):
    """As `_unit_pools`, of connections that do the same. Their memory does not depend on the load, so it is measured
    once and stands in several groups: the cell of the most connections speaks for all."""
    pools = {}
    for group in sorted(result.groups_of("service"), key=lambda group: group.parameter("connections", 0)):
        for cell in group.measured:
            each = cell.parameters
            key = (group.workload, each.get("message_bytes"), each["service_cpu_ns"], each["service_wait_ns"],
                   each["heavy_percent"])
            known, unknown = pools.setdefault(key, ({}, {}))
            (known if cell.units() else unknown)[cell.label] = cell
    return [(key[0], f"Memory of a connection: {_what_it_does(*key)}", list(known.values()),
             [label for label in unknown if label not in known])
            for key, (known, unknown) in pools.items() if known]


def _what_it_does(workload, message_bytes, cpu_ns, wait_ns, heavy_percent):
    work = " and ".join([f"computes {quantities.short_duration(cpu_ns)}"] * bool(cpu_ns) +
                        [f"waits {quantities.short_duration(wait_ns)}"] * bool(wait_ns))
    share = f" on {heavy_percent:g}% of the connections" if heavy_percent < 100 else ""
    message = [quantities.size(message_bytes)] if message_bytes is not None else []
    return " · ".join([workload, *message] + ([work + share] if work else []))


def _draw(result, title, cells, without, suffix):
    cells = sorted(cells, key=_total)
    limits = _limits([_total(cell) for cell in cells])
    zoom = ("" if len(limits) == 1 else " The panel at the right shows the small ones again, on a finer scale from "
            "zero; pale bars with an arrow run on.")
    frame = style.Frame(
        title, "What each further one adds, user space and kernel, on linear scales that start at zero; less is "
        "better. The slope over their number, so what the program takes once is not in it." + zoom +
        (f" Not known of {', '.join(without)}." if without else ""),
        [result], panel=(2.7, max(1.2, 0.27 * len(cells))), grid=(1, len(limits)), left=1.75, label_room=1.75)
    for axes, limit in zip(frame.axes, limits):
        _bars(axes, cells, limit)
    _key(frame.axes[0])
    return frame.drawing(_alt(title, cells), suffix)


def _shown(cell):
    """User and kernel memory as bars have them: a slope below zero is noise around nothing."""
    return [max(part, 0) for part in cell.units()]


def _total(cell):
    return sum(_shown(cell))


def _limits(totals):
    """The ends of the scales in bytes: of all, and of those that are a tenth of the largest and less, if any."""
    most = max(totals)
    small = [total for total in totals if 0 < total <= most / 10]
    return [end * 1.04 for end in ([most, max(small)] if small else [most or 1.0])]


def _bars(axes, cells, limit):
    heights = style.model_rows(axes, cells)
    style.linear_scale(axes.xaxis, quantities.short_size, 0, limit)
    axes.xaxis.set_major_locator(MultipleLocator(_step(limit)))
    axes.set_xlabel("memory of each")
    for cell in cells:
        height = heights[cell.name]
        user, kernel = _shown(cell)
        colour = look(cell.model).colour
        runs_on = user + kernel > limit
        shape = {"height": BAR, "edgecolor": colour, "linewidth": 0.8, "alpha": 0.35 if runs_on else None}
        axes.barh([height], [user], color=colour, gid=f"user:{cell.label}", **shape)
        axes.barh([height], [kernel], left=[user], color=SURFACE, hatch=KERNEL_HATCH, gid=f"kernel:{cell.label}",
                  **shape)
        axes.annotate(("→ " if runs_on else "") + _words(cell), (min(user + kernel, limit), height), xytext=(5, 0),
                      textcoords="offset points", va="center", fontsize=style.SMALL, color=INK, annotation_clip=False,
                      parse_math=False)


def _step(limit):
    """The distance of ticks, a power of two, for three to six of them up to `limit` bytes."""
    step = 1
    while step * 6 < limit:
        step *= 2
    return step


def _words(cell):
    """User and kernel memory in words."""
    return " + ".join(f"{'below noise' if part < 0 else quantities.size(part)} {name}"
                      for part, name in zip(cell.units(), ("user", "kernel")))


def _key(axes):
    axes.legend(handles=[Patch(facecolor=INK, edgecolor=INK, label="user space"),
                         Patch(facecolor=SURFACE, edgecolor=INK, hatch=KERNEL_HATCH, label="kernel")],
                loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=style.TEXT,
                borderaxespad=0.1, borderpad=0.2, columnspacing=1.2)


def _alt(title, cells):
    return f"{title}, least first: {'; '.join(f'{cell.label} {_words(cell)}' for cell in cells)}."
