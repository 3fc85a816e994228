"""What a drawing shows, without looking at a pixel."""
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from plots.palette import SURFACE


def texts(drawing):
    """Every visible text of the figure."""
    return [text.get_text() for text in drawing.figure.findobj(Text) if text.get_visible() and text.get_text()]


def all_text(drawing):
    return "\n".join(texts(drawing))


def extents(drawing):
    """[(text, its box in pixels)] of all visible texts."""
    renderer = FigureCanvasAgg(drawing.figure).get_renderer()
    drawing.figure.draw(renderer)
    return [(text.get_text(), text.get_window_extent(renderer))
            for text in drawing.figure.findobj(Text) if text.get_visible() and text.get_text()]


def overlapping_labels(drawing):
    """Pairs of direct labels whose boxes overlap by more than a hair."""
    renderer = FigureCanvasAgg(drawing.figure).get_renderer()
    boxes = [(label.get_text(), label.get_window_extent(renderer)) for label in drawing.labels]
    return [(a, b) for index, (a, box) in enumerate(boxes) for b, other in boxes[index + 1:]
            if min(box.x1, other.x1) - max(box.x0, other.x0) > 1 and min(box.y1, other.y1) - max(box.y0, other.y0) > 2]


def cut_off(drawing):
    """Texts that reach beyond the figure."""
    width, height = drawing.figure.get_size_inches() * drawing.figure.dpi
    return [text for text, box in extents(drawing)
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1]


def marks(axes):
    """[(x, y, marker, hollow)] of every single point of the axes, in the order drawn; without those beside labels."""
    return [(line.get_xdata()[0], line.get_ydata()[0], line.get_marker(), line.get_markerfacecolor() == SURFACE)
            for line in axes.lines if len(line.get_xdata()) == 1 and line.get_marker() not in ("None", None, "")
            and line.get_transform() == axes.transData]


def titled(drawing, part):
    """The axes whose title holds `part`."""
    return next(axes for axes in drawing.figure.axes
                if any(part in axes.get_title(loc) for loc in ("left", "center")))
