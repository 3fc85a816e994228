"""The shared style of all charts: frames, scales, dots with their intervals, direct labels, brackets, and how a drawing
becomes a file.

Lengths are in inches, text sizes in points. Nothing here needs a display: figures are drawn on matplotlib's own canvas.
"""
import io
import logging
import math
import os
import re
import textwrap
from dataclasses import dataclass, field

import matplotlib

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # not how it fares with its caches
matplotlib.use("Agg")

from matplotlib import font_manager, rcParams  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator  # noqa: E402
from scipy.optimize import linear_sum_assignment  # noqa: E402

from plots import quantities  # noqa: E402
from plots.errors import PlotError  # noqa: E402
from plots.palette import GRID, INK, MUTED, SURFACE, VARIABLES, LOOKS, OTHER, look  # noqa: E402

FONT = "DejaVu Sans"
TEXT = 8.5
SMALL = 7.0
PNG_DPI = 160
FORMATS = ("svg", "png")


def prepare():
    """Sets what all figures share. Throws PlotError where the font is missing, since matplotlib would put another in
    its place whose labels overlap."""
    try:
        font_manager.findfont(FONT, fallback_to_default=False)
    except ValueError:
        raise PlotError(f"draw charts: the font {FONT} is missing: apt-get install fonts-dejavu-core "
                        "(and remove ~/.cache/matplotlib)") from None
    rcParams.update({
        "font.family": FONT, "font.size": TEXT, "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": GRID,
        "axes.linewidth": 0.8, "axes.labelsize": TEXT, "xtick.color": MUTED, "ytick.color": MUTED,
        "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.6, "axes.axisbelow": True,
        "xtick.major.size": 0, "ytick.major.size": 0, "xtick.minor.size": 0, "ytick.minor.size": 0,
        "svg.fonttype": "none", "svg.hashsalt": "bench", "figure.facecolor": SURFACE, "axes.facecolor": SURFACE,
        "lines.linewidth": 1.4, "lines.markersize": 5, "path.simplify": False,
    })


@dataclass
class Drawing:
    """A finished figure and what stands beside it."""

    figure: Figure
    title: str
    alt: str  # what a reader who cannot see it has to know: what is shown, and its main figures
    suffix: str = ""  # of the file's name, where one chart gives several drawings
    labels: list = field(default_factory=list)  # direct labels, which must not overlap


class Frame:
    """A figure with a title, panels in a grid and a footer that says where the data is from. `panel` is the size of a
    panel; its height may be a list, one for each row of the grid."""

    def __init__(self, title, subtitle, results, panel=(3.4, 2.6), grid=(1, 1), left=0.75, label_room=1.15,
                 panel_gap=0.62):
        rows, columns = grid
        self.title = title
        self.width = columns * (left + panel[0] + label_room) + 0.15
        subtitle_lines = textwrap.wrap(subtitle, int(self.width * 14.5))
        title_lines = textwrap.wrap(title, int(self.width * 9.5))
        footer = _footer_lines(results, int(self.width * 17))
        head = 0.18 + 0.24 * len(title_lines) + 0.16 * len(subtitle_lines) + 0.42
        foot = 0.42 + 0.14 * len(footer) + 0.12
        heights = panel[1] if isinstance(panel[1], list) else [panel[1]] * rows
        self.height = head + sum(heights) + (rows - 1) * panel_gap + foot
        self.figure = Figure(figsize=(self.width, self.height))
        FigureCanvasAgg(self.figure)
        y = self.height - 0.14
        for line in title_lines:
            self._write(0.15, y, line, size=12, weight="bold")
            y -= 0.24
        for line in subtitle_lines:
            self._write(0.15, y, line, size=TEXT, color=MUTED)
            y -= 0.16
        for index, line in enumerate(footer):
            self._write(0.15, 0.1 + 0.14 * (len(footer) - index), line, size=SMALL, color=MUTED)
        self.axes = []
        for row in range(rows):
            for column in range(columns):
                x = column * (left + panel[0] + label_room) + left
                bottom = self.height - head - sum(heights[:row + 1]) - row * panel_gap
                self.axes.append(self.figure.add_axes(
                    [x / self.width, bottom / self.height, panel[0] / self.width, heights[row] / self.height]))
        self.labels = []

    def _write(self, x, y, text, **style):
        self.figure.text(x / self.width, y / self.height, text, va="top", ha="left", parse_math=False, **style)

    def drawing(self, alt, suffix=""):
        return Drawing(self.figure, self.title, alt, suffix, self.labels)

    def label(self, axes, entries, clear=0.0):
        """Direct labels at the right of `axes`, one for each (text, model, x, y) of the last point of its line, spread
        so that none overlaps; `clear` keeps that many inches free beside the axes. Call it when the limits are set."""
        self.labels += _spread_labels(axes, entries, self.figure, clear)


def panel_title(axes, text):
    axes.set_title(text, loc="left", fontsize=TEXT + 0.5, color=INK, pad=6, weight="bold", parse_math=False)


def shorten_title(text, most=62):
    """The title of a group on a panel: its first parts, as many as there is room for."""
    parts = text.split(" · ")
    while len(parts) > 1 and len(" · ".join(parts)) > most:
        parts.pop()
    return " · ".join(parts)


def group_title(axes, text, remark="", most=63):
    """The title of a group above its panel, on two lines where it is long; what has no room on these is left off.
    `remark` is a line of small print under it."""
    lines = [""]
    for part in text.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if len(longer) > most and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = longer
    axes.set_title("\n".join(lines[:2]), loc="left", fontsize=TEXT - 0.5, color=INK, pad=13 if remark else 5,
                   parse_math=False)
    axes.annotate(remark, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", fontsize=SMALL,
                  color=MUTED, parse_math=False)


def label_room(texts):
    """The inches that direct labels of these texts need at the right of a panel."""
    return 0.42 + 0.068 * max(len(text) for text in texts)


def pages(panels, most=6):
    """Panels dealt into figures of at most `most`."""
    return [panels[start:start + most] for start in range(0, len(panels), most)]


def panel_grid(number):
    """(rows, columns) for so many panels, two beside each other."""
    return (number + 1) // 2, min(number, 2)


def _footer_lines(results, width):
    lines = []
    for result in results:
        name = f"{result.label}: " if len(results) > 1 else ""
        lines.append(f"{name}{result.machine_name} · {result.context['date'][:10]} · "
                     f"revision {result.bench['git_revision']} · seed {result.bench['seed']}")
        lines.append(f"$ {result.command}")
    shortened = []
    for line in lines:
        shortened += textwrap.wrap(line, width, subsequent_indent="    ", max_lines=2, placeholder=" …")
    return shortened


# Scales.

def log_scale(axis, values, text, pad=1.25, base=10):
    """A log scale over the positive ones of `values`, with ticks at decades, or at 1, 2, 5 where there are few, or of
    base 2 at powers of it; `text` prints a tick. False where there is nothing to show."""
    positive = [value for value in values if value is not None and value > 0]
    if not positive:
        return False
    low, high = min(positive) / pad, max(positive) * pad
    axes = axis.axes
    is_x = axis is axes.xaxis
    (axes.set_xscale if is_x else axes.set_yscale)("log")
    (axes.set_xlim if is_x else axes.set_ylim)(low, high)
    steps = (1,) if high / low > 300 else (1, 3) if high / low > 30 else (1, 2, 5)
    if high / low < 3:
        steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    ticks = [step * 10.0**decade for decade in range(-12, 19) for step in steps]
    if base == 2:
        apart = max(1, round(math.log2(high / low) / 5))
        ticks = [2.0**power for power in range(0, 60, apart)]
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())
    return True


def linear_scale(axis, text, low=None, high=None):
    """A linear scale whose ticks `text` prints."""
    axes = axis.axes
    if axis is axes.xaxis:
        axes.set_xlim(low, high)
    else:
        axes.set_ylim(low, high)
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def count_ticks(axis, values):
    """A log scale for counts that were chosen, such as connections: a tick at each of them, as far as there is room."""
    values = sorted(set(values))
    log_scale(axis, values, quantities.short_count)
    low, high = axis.get_view_interval()
    ticks = []
    for value in reversed(values):
        if not ticks or ticks[-1] / value > (high / low) ** 0.08:
            ticks.append(value)
    axis.set_major_locator(FixedLocator(ticks[::-1]))


# Marks.

def mark_style(model, flaw=None):
    """How a model's point is drawn: hollow where its figure has a flaw."""
    chosen = look(model)
    return {"marker": chosen.marker, "color": chosen.colour, "markeredgecolor": chosen.colour,
            "markerfacecolor": SURFACE if flaw else chosen.colour, "markeredgewidth": 1.1}


def dot(axes, x, y, model, flaw=None, x_value=None, y_value=None, size=6.5):
    """A point, with the interval of what it shows: dashed ends where it is only the range of fewer than 6 runs."""
    colour = look(model).colour
    for value, horizontal in ((x_value, True), (y_value, False)):
        if value is None or value.low is None or value.high <= value.low:
            continue
        ends = ((value.low, value.high), (y, y)) if horizontal else ((x, x), (value.low, value.high))
        axes.plot(*ends, color=colour, linewidth=1.6, solid_capstyle="butt", alpha=0.75,
                  linestyle="-" if value.bounded else (0, (1.5, 1.2)), zorder=2.5)
    axes.plot([x], [y], linestyle="none", markersize=size, zorder=3, **mark_style(model, flaw))


def line(axes, points, model, nudge=0.0):
    """A model's line through (x, Value, flaw): its intervals, and hollow marks where a figure has a flaw. `nudge` moves
    it sideways, as a share of x, so that intervals of several models at one x stand beside each other."""
    points = [(x * (1 + nudge), value, flaw) for x, value, flaw in points if value is not None and value.median > 0]
    if not points:
        return
    chosen = look(model)
    axes.plot([x for x, _, _ in points], [value.median for _, value, _ in points], color=chosen.colour,
              linestyle=chosen.line, linewidth=1.3, zorder=2, alpha=0.9)
    for x, value, flaw in points:
        dot(axes, x, value.median, model, flaw, y_value=value, size=5)


def ideal_line(axes, value, text, vertical=True):
    """The ideal as a line with its name."""
    draw = axes.axvline if vertical else axes.axhline
    draw(value, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1.5)
    if vertical:
        axes.annotate(text, (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
                      fontsize=SMALL, color=INK, ha="center", va="bottom", parse_math=False)
    else:
        axes.annotate(text, (0, value), xycoords=("axes fraction", "data"), xytext=(2, 2), textcoords="offset points",
                      fontsize=SMALL, color=INK, ha="left", va="bottom", parse_math=False)


def model_rows(axes, cells):
    """A row for each cell, the first on top, with its label in ink and its mark beside; gives the cells' heights."""
    heights = {cell.name: len(cells) - 1 - index for index, cell in enumerate(cells)}
    axes.set_ylim(-0.6, len(cells) - 0.4)
    axes.set_yticks([heights[cell.name] for cell in cells], [cell.label for cell in cells])
    for tick in axes.get_yticklabels():
        tick.set_color(INK)
        tick.set_fontsize(TEXT)
    axes.grid(visible=False, axis="y")
    return heights


def tie_brackets(axes, heights, ties, text="cannot be told apart"):
    """A bracket at the right joins the rows of each tie; brackets that overlap stand beside each other."""
    taken = []  # the lowest height that each column of brackets reaches down to
    for tie in ties:
        rows = [heights[cell.name] for cell in tie if cell.name in heights]
        if len(rows) < 2:
            continue
        top, bottom = max(rows) + 0.28, min(rows) - 0.28
        column = next((index for index, reached in enumerate(taken) if reached > top), len(taken))
        taken[column:column + 1] = [bottom]
        x = 1.015 + 0.022 * column
        axes.plot([x - 0.01, x, x, x - 0.01], [top, top, bottom, bottom], transform=axes.get_yaxis_transform(),
                  color=INK, linewidth=1.1, clip_on=False, gid=f"tie:{'+'.join(cell.label for cell in tie)}")
    if taken:
        axes.annotate(f"] {text}", (1, 0), xycoords="axes fraction", xytext=(4, -22), textcoords="offset points",
                      fontsize=SMALL, color=MUTED, ha="right", va="top")
    return len(taken)


def nudges(number, share=0.02):
    """For `number` lines over the same x: -share to share, evenly; nothing for a single one."""
    return [share * (2 * index / (number - 1) - 1) if number > 1 else 0.0 for index in range(number)]


def row_scale(axis, values, text):
    """As `log_scale`, with room at the right for `row_text`."""
    if log_scale(axis, values, text):
        low, high = axis.axes.get_xlim()
        axis.axes.set_xlim(low, high * (high / low) ** 0.22)


def row_text(axes, value, height, cell, text, reason=False):
    """The figure of a row in words, right of its dot; with why it is not to be ranked, in a word or with its reason."""
    why = cell.flaw_reason if reason else cell.flaw
    end = max(value.high or 0, value.median)
    across = axes.transAxes.inverted().transform(axes.transData.transform((end, height)))[0]
    room = round(60 - 26 * across)  # characters: the further to the right, the fewer
    words = text(value.median) + (f" ({textwrap.shorten(why, room, placeholder=' …')})" if why else "")
    axes.annotate(words, (end, height), xytext=(6, 0), textcoords="offset points",
                  va="center", fontsize=SMALL, color=MUTED, annotation_clip=False, parse_math=False)


def empty(axes, text):
    """A panel without data says so in the place of scales that would mean nothing."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    note(axes, text)


def note(axes, text, x=0.5, y=0.5):
    """A remark within the axes, in their own coordinates."""
    axes.text(x, y, text, transform=axes.transAxes, fontsize=SMALL, color=MUTED, ha="center", va="center",
              parse_math=False)


def _spread_labels(axes, entries, figure, clear):
    if not entries:
        return []
    dpi = figure.dpi
    box = axes.get_window_extent()
    sized = TEXT
    room = box.height + 0.5 * dpi
    step = sized * 1.22 * dpi / 72
    while len(entries) * step > room and sized > 5.5:
        sized -= 0.25
        step = sized * 1.22 * dpi / 72
    points = [(axes.transData.transform((x, y)), text, model) for text, model, x, y in entries]
    points.sort(key=lambda point: point[0][1])
    places = spread([point[0][1] for point in points], step, box.y0 - 0.25 * dpi, box.y1 + 0.25 * dpi)
    start = box.x1 + clear * dpi
    places = [places[index] for index in untangle([point for point, _, _ in points], start, places)]
    to_figure = figure.transFigure.inverted().transform
    made = []
    for (point, text, model), place in zip(points, places):
        x = start + 14
        colour = look(model).colour
        ends = [to_figure(point), to_figure((start + 2, place)), to_figure((x - 3, place))]
        axes.add_artist(matplotlib.lines.Line2D([end[0] for end in ends], [end[1] for end in ends], color=colour,
                                                linewidth=0.6, alpha=0.6, transform=figure.transFigure, clip_on=False,
                                                zorder=1))
        mark_x, mark_y = to_figure((x + 2, place))
        axes.add_artist(matplotlib.lines.Line2D([mark_x], [mark_y], transform=figure.transFigure, clip_on=False,
                                                markersize=sized * 0.55, linestyle="none", **mark_style(model)))
        text_x, text_y = to_figure((x + 9, place))
        made.append(figure.text(text_x, text_y, text, fontsize=sized, color=INK, ha="left", va="center",
                                gid=f"label:{text}", parse_math=False))
    return made


def spread(wanted, step, low, high):
    """Ascending places at least `step` apart and within low to high (where that has room for all), as near as can be
    to the ascending `wanted` ones in the sense of least squares: isotonic regression by pooling adjacent violators
    (Barlow and others, 1972) of what is left when each place's own share of the steps is taken away."""
    pools = []  # [mean, how many]
    for index, want in enumerate(wanted):
        pools.append([want - index * step, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, many = pools.pop()
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * many) / (pools[-1][1] + many), pools[-1][1] + many]
    highest = max(high - (len(wanted) - 1) * step, low)
    bases = [min(max(mean, low), highest) for mean, many in pools for _ in range(many)]
    return [base + index * step for index, base in enumerate(bases)]


def untangle(points, x, heights):
    """For each point, the index of the place (x, height) that it is joined to so that no two lines cross. Lines that
    are shortest in all do not: where two cross, the same ends joined the other way are nearer to each other."""
    lengths = [[math.hypot(x - point[0], height - point[1]) for height in heights] for point in points]
    return [int(index) for index in linear_sum_assignment(lengths)[1]]


# Files.

def save(drawing, folder, name, formats=FORMATS):
    """Writes NAME.svg and NAME.png to `folder`; gives the paths. The same drawing gives the same bytes."""
    paths = []
    for kind in formats:
        path = os.path.join(folder, f"{name}.{kind}")
        data = svg_bytes(drawing) if kind == "svg" else _png_bytes(drawing)
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise PlotError(f"write {path}: {error.strerror}: choose another folder with --out=DIR") from None
        paths.append(path)
    return paths


def svg_bytes(drawing):
    """The figure as SVG whose text is text; its title and description are the drawing's."""
    file = io.BytesIO()
    drawing.figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Title": drawing.title,
                                                         "Description": drawing.alt})
    # Where the font is not installed, one that is as wide takes its place, so that labels still fit.
    return file.getvalue().replace(b"px 'DejaVu Sans'", b"px 'DejaVu Sans', Verdana, sans-serif")


def _png_bytes(drawing):
    file = io.BytesIO()
    drawing.figure.savefig(file, format="png", dpi=PNG_DPI, metadata={"Software": None, "Title": drawing.title})
    return file.getvalue()


def inline_svg(drawing, name):
    """The figure as an element for the page: colours are variables of its style sheet, ids begin with `name`, and what
    it shows is said in words to those who cannot see it."""
    text = svg_bytes(drawing).decode("utf-8")
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    names = {colour: f"var(--{variable})" for colour, variable in VARIABLES.items()}
    names |= {chosen.colour: f"var(--m-{model})" for model, chosen in LOOKS.items()}
    names[OTHER.colour] = "var(--m-other)"
    text = re.sub(r"#[0-9a-f]{6}", lambda found: names.get(found[0], found[0]), text)
    width, height = drawing.figure.get_size_inches() * 72
    head = re.match(r"<svg[^>]*>", text)
    opened = (f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width:g} {height:g}" role="img" '
              f'aria-labelledby="{name}-title {name}-alt" style="max-width:{width * 1.25:.0f}px">'
              f'<title id="{name}-title">{_escape(drawing.title)}</title>'
              f'<desc id="{name}-alt">{_escape(drawing.alt)}</desc>')
    text = opened + text[head.end():]
    text = re.sub(r"<title>[^<]*</title>", "", text)
    return re.sub(r">\s+<", "><", text).strip()


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
