"""What units cost by themselves: the sentences about a primitive.

The file does not rank its rows, since they do different things. So kinds of units are compared here, each in its
cheapest way, by the intervals of their times: one is called dearer only where the intervals do not overlap.
"""
from plots import quantities
from plots.marks import Code, unit_of
from plots.ratios import ENOUGH_ROUNDS, range_text, rounds_text, times
from plots.result import Value


def answer(group):
    """The headline and the sentences of a primitive's group."""
    cells = _comparable(group)
    if not cells:
        return _answer(["Nothing was measured."], [])
    if group.workload == "idle" and all(cell.units() for cell in cells):
        return _answer(_memory(cells), [])
    if not all(cell.time_ns().bounded for cell in cells):
        sentences = [[Code(f"--repetitions={ENOUGH_ROUNDS}"), " would tell."],
                     ["What was measured: ", *_figures(cells), "."]]
        told = f"Not decided: {rounds_text(cells)} cannot tell units apart; that takes {ENOUGH_ROUNDS}."
        return _answer([told], sentences) | {"undecided": True}
    tied = _tied_with_first(cells)
    sentences = [_pair(*pair) for pair in zip(cells, cells[1:])] + _over_more_cpus(group, cells)
    colour = unit_of(tied[0]).colour if len(tied) == 1 else "grid"
    return _answer(["Cheapest: ", *_figures(tied), "." if len(tied) == 1 else ", a tie."], sentences, colour)


def _answer(headline, sentences, colour="grid"):
    return {"headline": headline, "sentences": sentences, "ladder": [], "undecided": False, "colour": colour}


def _place(cell):
    return cell.parameters["cpus"], cell.parameters.get("units", 0)


def _comparable(group):
    """The cheapest way of each kind of unit on the fewest CPUs at which most kinds have one, cheapest kind first."""
    kinds = {}
    for cell in group.measured:
        kinds.setdefault(_place(cell), set()).add(cell.model)
    if not kinds:
        return []
    return _cheapest(group, min(kinds, key=lambda place: (-len(kinds[place]), place)))


def _cheapest(group, place):
    chosen = {}
    for cell in group.measured:
        if _place(cell) == place and (cell.model not in chosen or _cost(cell) < _cost(chosen[cell.model])):
            chosen[cell.model] = cell
    return sorted(chosen.values(), key=_cost)


def _cost(cell):
    return cell.time_ns().median


def _compare(cheaper, dearer):
    """The ratio of two times with the least and the most that their intervals allow; None where these overlap."""
    low, high = cheaper.time_ns(), dearer.time_ns()
    if not (low.bounded and high.bounded) or low.high >= high.low:
        return None
    return Value(high.median / low.median, high.low / low.high, high.high / low.low, True)


def _tied_with_first(cells):
    tied = [cells[0]]
    for cell in cells[1:]:
        if any(_compare(other, cell) for other in tied):
            break
        tied.append(cell)
    return tied


def _pair(cheaper, dearer):
    ratio = _compare(cheaper, dearer)
    if not ratio:
        return [*_figures([dearer]), " cannot be told apart from ", unit_of(cheaper), ": their intervals overlap."]
    return [*_figures([dearer]), f": dearer, {times(ratio.median)} as much as ", unit_of(cheaper),
            f" ({range_text(ratio)})."]


def _figures(cells):
    """Parts of a sentence: "a (9 ns, call) and b (12 ns, pool)"."""
    parts = []
    for cell in cells:
        joint = "" if not parts else " and " if cell is cells[-1] else ", "
        parts += [joint, unit_of(cell), f" ({quantities.duration(_cost(cell))}, {cell.parameters['via']})"]
    return parts


def _over_more_cpus(group, cells):
    """What changes for each kind when its units are on different CPUs."""
    cpus = _place(cells[0])[0]
    more = sorted({_place(cell) for cell in group.measured if _place(cell)[0] > cpus})
    if not more:
        return []
    spread = {cell.model: cell for cell in _cheapest(group, more[0])}
    parts = []
    for cell in cells:
        other = spread.get(cell.model)
        if not other:
            continue
        dearer, cheaper = _compare(cell, other), _compare(other, cell)
        if dearer or cheaper:
            parts += [", " if parts else "", unit_of(cell), f" {times((dearer or cheaper).median)} "
                      f"{'dearer' if dearer else 'cheaper'} ({range_text(dearer or cheaper)})"]
    return [[f"Spread over {more[0][0]} CPUs instead of {cpus}: ", *parts, "."]] if parts else []


def _memory(cells):
    sizes = {cell.name: cell.unit_bytes() for cell in cells}
    headline = []
    for cell in sorted(cells, key=lambda cell: sizes[cell.name]):
        headline += [", " if headline else "", unit_of(cell), f" {quantities.size(sizes[cell.name])}"]
    return headline + [" for each that waits, in user space and in the kernel together."]
