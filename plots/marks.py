"""A model's name with its mark on the page: the marker and the colour that its points have in every chart."""
from dataclasses import dataclass

from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from plots import quantities
from plots.palette import look, variables

CODES = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}


@dataclass(frozen=True)
class Name:
    """A model as sentences and tables name it."""

    label: str
    model: str

    @property
    def mark(self):
        """The id of its symbol."""
        return "mark-" + self.model.replace("+", "_")

    @property
    def colour(self):
        """The style sheet's variable for its colour."""
        chosen = look(self.model)
        pair = (chosen.colour, chosen.dark)
        return next(name for name, colours in variables().items() if colours == pair)

    def __str__(self):
        return self.label


@dataclass(frozen=True)
class Code:
    """What is to be typed, within a sentence."""

    code: str

    def __str__(self):
        return self.code


def name_of(cell):
    return Name(cell.label, cell.model)


def unit_of(cell):
    """The name of a primitive's row, which has columns for all else."""
    stack = cell.parameters.get("stack_bytes")
    return Name(f"{cell.model} ({quantities.short_size(stack)} stack)" if stack else cell.model, cell.model)


def names_of(cells):
    """Parts of a sentence: "a, b and c"."""
    parts = []
    for index, cell in enumerate(cells):
        if index:
            parts.append(" and " if index == len(cells) - 1 else ", ")
        parts.append(name_of(cell))
    return parts


def plain(parts):
    """A sentence of text and names as text alone."""
    return "".join(str(part) for part in parts)


def symbols(results):
    """The outlines of the marks of all models in `results`, as paths of SVG in a square of 1.2 around the origin."""
    models = sorted({cell.model for result in results for group in result.groups for cell in group.cells})
    return [{"id": Name(model, model).mark, "path": _outline(look(model).marker)} for model in models]


def _outline(marker):
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    text = ""
    for points, code in path.iter_segments(simplify=False):
        text += CODES[code]
        if code != Path.CLOSEPOLY:
            # The page's y axis points down; adding 0.0 makes -0.0 the same as 0.0.
            text += " ".join(f"{(-value if index % 2 else value) + 0.0:.3g}" for index, value in enumerate(points))
    return text
