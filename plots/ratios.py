"""Ratios and their intervals in sentences."""
from plots import quantities

ENOUGH_ROUNDS = 6  # for an interval of 95%


def times(value):
    """A ratio: "1.21×", "12,300×"."""
    text = quantities.ratio(value).rstrip("×")
    return (f"{int(text):,}" if text.isdigit() else text) + "×"


def range_text(value):
    """The ends of a ratio's interval: "1.15 to 1.30"; with more digits where two would make one of them 1."""
    ends = []
    for end in (value.low, value.high):
        digits = next((digits for digits in (2, 3, 4) if end == 1 or round(end, digits) != 1), 4)
        ends.append(f"{end:.{digits}f}" if abs(end - 1) < 0.1 else times(end).rstrip("×"))
    return " to ".join(ends)


def rounds_text(cells):
    """How many rounds the cells were measured in: "1 round"."""
    rounds = max((len(cell.samples) for cell in cells), default=0)
    return f"{rounds} round{'' if rounds == 1 else 's'}"
