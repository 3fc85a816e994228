"""One colour and one marker for each model, in every chart and on the page; and the ink around them.

Colours come in pairs, for light and for dark ground; the tests hold each against its ground (WCAG 2.1, 3:1 for what is
drawn and 4.5:1 for what is written). Markers are all filled shapes: hollow ones mean that a figure is not to be ranked.
Charts are drawn in the light colours; on the page each of these is a variable of the style sheet.
"""
from dataclasses import dataclass

SURFACE = "#ffffff"
INK = "#1b1f24"
MUTED = "#57606a"
GRID = "#d8dee4"
WORSE = "#b42319"
BETTER = "#15803a"

DARK = {SURFACE: "#0d1117", INK: "#e6edf3", MUTED: "#9ba6b2", GRID: "#30363d", WORSE: "#ff7b6c", BETTER: "#4fd17b"}
VARIABLES = {SURFACE: "surface", INK: "ink", MUTED: "muted", GRID: "grid", WORSE: "worse", BETTER: "better"}


@dataclass(frozen=True)
class Look:
    colour: str
    dark: str
    marker: object  # of matplotlib
    line: str = "-"


LOOKS = {
    "serial": Look("#5c6670", "#9aa4af", "o"),
    "processes": Look("#b42318", "#ff7b6b", "s"),
    "process-pool": Look("#c2561f", "#ff9e64", "D"),
    "threads": Look("#1d4ed8", "#79a8ff", "^"),
    "thread-pool": Look("#0e7490", "#4cc9e0", "v"),
    "gil-threads": Look("#6d5bd0", "#b3a6ff", "<"),
    "nonblocking": Look("#8a6d1a", "#d9b84a", "X"),
    "select": Look("#7a5c3e", "#cba98a", "P"),
    "poll": Look("#857100", "#d6c24a", "p"),
    "epoll": Look("#15803b", "#4fd17a", "*"),
    "epoll-et": Look("#0f766e", "#3fd0c0", (4, 1, 0)),
    "io-uring": Look("#557f00", "#a7d84a", (6, 1, 0)),
    "coroutines": Look("#c2187a", "#ff86c3", ">"),
    "fibers": Look("#8b2fc9", "#d29bff", "d"),
    "reactor-pool": Look("#3f4fa8", "#9aa8ff", "H"),
    "asio": Look("#cf3a89", "#ffa0d0", (3, 1, 0)),
    "libuv": Look("#2f8a50", "#7fe0a0", (5, 1, 0)),
    "boost-fiber": Look("#a050d0", "#dfb5ff", (8, 1, 0)),
}
OTHER = Look("#5c6671", "#9aa4ae", "8")


def look(model):
    """A hybrid has its inner model's colour and its outer one's marker, on a dashed line; what is unknown is grey."""
    if model in LOOKS:
        return LOOKS[model]
    outer, plus, inner = model.partition("+")
    if plus:
        inner_look = look(inner)
        return Look(inner_look.colour, inner_look.dark, look(outer).marker, "--")
    return OTHER


def variables():
    """Colours by the name of their variable in style sheets: {"ink": (light, dark), …}."""
    found = {name: (light, DARK[light]) for light, name in VARIABLES.items()}
    for model, model_look in LOOKS.items():
        found[f"m-{model}"] = (model_look.colour, model_look.dark)
    found["m-other"] = (OTHER.colour, OTHER.dark)
    return found
