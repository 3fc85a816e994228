"""Speed-up against workers, with the universal scalability law fitted to it: what keeps more workers from doing more.

The law (Gunther, Guerrilla Capacity Planning, 2007): N workers together get X(N) = λN / (1 + σ(N - 1) + κN(N - 1))
done per second, where λ is what one alone gets done, σ the share of the work that only one can do at a time
(contention) and κ what it costs that each has to agree with each other one (coherency). Throughput is highest at
N* = √((1 - σ) / κ).
"""
import json
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from plots import quantities, style
from plots.errors import Skip
from plots.result import Value

FEWEST = 3  # numbers of workers, since the law has three constants
RESAMPLES = 1000
SEED = 1  # of the bootstrap: the same file gives the same bytes
BOUNDED_RUNS = 6  # below, an interval promises nothing
NONE = 1e-7  # a contention or coherency that is none


@dataclass
class Series:
    """Cells of one group and one model, ascending in workers."""

    label: str
    cells: list


@dataclass
class Law:
    """The constants of the law, each with its interval; `peak` is N*, infinite where more workers always do more."""

    rate: Value  # λ, per second
    contention: Value  # σ
    coherency: Value  # κ
    peak: Value
    numbers: int  # of workers that were measured


def draw(result):
    found = [(group, series) for kind in ("job", "service") for group in result.groups_of(kind)
             if (series := series_of(group))]
    if not found:
        raise Skip(f"no pool or hybrid was measured with {FEWEST} or more numbers of workers that its load keeps busy")
    pages = [(group, page) for group, series in found for page in style.pages(series)]
    return [_draw(result, group, page, str(index + 1) if index else "") for index, (group, page) in enumerate(pages)]


def series_of(group):
    """The models of a group that have enough cells to fit the law to."""
    if group.parameter("loop") == "open":
        return []  # the offered rate says how much gets done
    alike = {}
    for cell in group.measured:
        if "workers" in cell.parameters and cell.median["items_per_second"] > 0:
            others = {key: value for key, value in cell.parameters.items() if key != "workers"}
            alike.setdefault((cell.model, json.dumps(others, sort_keys=True)), []).append(cell)
    series = []
    for (model, _), cells in alike.items():
        cells.sort(key=_workers)
        if len(fitted(cells)) >= FEWEST:
            stack = cells[0].parameters.get("stack_bytes")
            series.append(Series(model + (f" ({quantities.short_size(stack)} stack)" if stack else ""), cells))
    return series


def fitted(cells):
    """Those whose throughput is what their workers can do, as also of a pool that starves connections: it is busy."""
    return [cell for cell in cells if cell.flaw in (None, "starved")]


def _workers(cell):
    return cell.parameters["workers"]


# The law.

def throughput(workers, rate, contention, coherency):
    return rate * workers / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))


def fit(cells):
    """The Law fitted to the median throughput at each number of workers; its intervals are of 95%, by resampling the
    runs."""
    workers = np.array([_workers(cell) for cell in cells], dtype=float)
    best = constants(workers, np.array([cell.median["items_per_second"] for cell in cells]))
    runs = [np.array([sample["items_per_second"] for sample in cell.samples]) for cell in cells]
    if min(map(len, runs)) < BOUNDED_RUNS:
        intervals = [(None, None)] * 4
    else:
        random = np.random.default_rng(SEED)
        medians = np.stack([np.median(random.choice(rates, (RESAMPLES, len(rates))), axis=1) for rates in runs], axis=1)
        resampled = [constants(workers, rates) for rates in medians]
        intervals = np.quantile(resampled, (0.025, 0.975), axis=0, method="nearest").T
    values = [Value(found, low, high, low is not None) for found, (low, high) in zip(best, intervals)]
    return Law(*values, numbers=len(cells))


def constants(workers, rates):
    """(λ, σ, κ, N*) by least squares of the throughput as a share of the law's.

    With N / X(N) = a + bN + cN(N - 1) the law is linear in what is sought: λ = 1 / (a + b), σ = b / (a + b) and
    κ = c / (a + b). That a, b, c ≥ 0 says that 0 ≤ σ ≤ 1 and κ ≥ 0. So there is one solution, and no first guess."""
    terms = np.stack([np.ones_like(workers), workers, workers * (workers - 1)], axis=1)
    (a, b, c), _ = nnls(terms * (rates / workers)[:, None], np.ones_like(workers))
    one = max(a + b, 1e-9 / rates.max())  # could be 0 only where throughput falls throughout and N = 1 was not tried
    contention, coherency = b / one, c / one
    peak = max(math.sqrt(max(1 - contention, 0) / coherency), 1.0) if coherency > NONE else math.inf
    return 1 / one, contention, coherency, peak


# The picture.

def _draw(result, group, page, suffix):
    rows, columns = style.panel_grid(len(page))
    what = "tasks" if group.kind == "job" else "requests"
    laws = [fit(fitted(series.cells)) for series in page]
    frame = style.Frame(
        f"Speed-up against workers: {style.shorten_title(group.title, 80)}",
        f"Up is better. Speed-up is throughput ({what} per second) over λ, that of one worker as fitted. A dot is "
        "the median of the runs, its line the 95% interval (dotted: the range of fewer than 6 runs), hollow where "
        "not to be ranked. The curve is the universal scalability law λN / (1 + σ(N−1) + κN(N−1)): σ is contention, "
        "κ the cost of coherency.",
        [result], panel=(3.3, 2.8), grid=(rows, columns), label_room=2.7, panel_gap=0.85)
    speed_ups = [[_over(_throughput(cell), law.rate.median) for cell in series.cells]
                 for series, law in zip(page, laws)]
    numbers = sorted({_workers(cell) for series in page for cell in series.cells})
    ends = [end for values in speed_ups for value in values for end in (value.median, value.low, value.high)]
    for axes, series, law, values in zip(frame.axes, page, laws, speed_ups):
        style.count_ticks(axes.xaxis, numbers)
        style.log_scale(axes.yaxis, ends + [numbers[0], numbers[-1]], quantities.short_ratio)
        _draw_series(axes, series, law, values, what)
    for axes in frame.axes[len(page):]:
        axes.remove()
    alt = " ".join(_alt(series, law, what) for series, law in zip(page, laws))
    return frame.drawing(f"{group.title}: {alt}", suffix)


def _draw_series(axes, series, law, speed_ups, what):
    style.panel_title(axes, series.label)
    axes.set_xlabel("workers N")
    axes.set_ylabel("speed-up")
    numbers = [_workers(cell) for cell in series.cells]
    xs = np.geomspace(numbers[0], numbers[-1], 60)
    axes.plot(xs, xs, color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1.5, label="ideal")
    model = series.cells[0].model
    axes.plot(xs, throughput(xs, 1.0, law.contention.median, law.coherency.median), color=style.look(model).colour,
              linewidth=1.3, zorder=2, label="law")
    for cell, number, value in zip(series.cells, numbers, speed_ups):
        style.dot(axes, number, value.median, model, cell.flaw, y_value=value)
    axes.annotate("ideal: N×", (numbers[-1], numbers[-1]), xytext=(8, 0), textcoords="offset points", va="center",
                  fontsize=style.SMALL, color=style.INK, annotation_clip=False)
    axes.annotate("\n".join(_constant_lines(law, series, what)), (1, 0.02), xycoords="axes fraction", xytext=(10, 0),
                  textcoords="offset points", va="bottom", fontsize=style.SMALL, color=style.INK, linespacing=1.5,
                  annotation_clip=False, parse_math=False)


def _throughput(cell):
    """Of the median run, with the interval of its time turned round."""
    if cell.parameters.get("loop"):
        return cell.rate()
    time = cell.time_ns()
    rate = cell.median["items_per_second"]
    return Value(rate, rate * time.median / time.high, rate * time.median / time.low, time.bounded)


def _over(value, by):
    return Value(value.median / by, value.low / by, value.high / by, value.bounded)


def _constant_lines(law, series, what):
    lines = [f"one worker λ = {_text(law.rate, quantities.count)} {what}/s",
             f"contention σ = {_text(law.contention, _constant)}", f"coherency κ = {_text(law.coherency, _constant)}",
             f"peak: {_peak(law, _workers(series.cells[-1]))}"]
    if law.numbers == FEWEST:
        lines.append(f"{FEWEST} numbers of workers, 3 constants:\nthe fit has no degree of freedom left")
    if law.rate.low is None:
        lines.append(f"fewer than {BOUNDED_RUNS} runs: no intervals")
    flaws = {}
    for cell in series.cells:
        if cell.flaw:
            flaws.setdefault(cell.flaw, []).append(str(_workers(cell)))
    lines += [f"hollow at {', '.join(numbers)}: {flaw}" for flaw, numbers in flaws.items()]
    return lines


def _text(value, text):
    return text(value.median) + (f" [{text(value.low)}, {text(value.high)}]" if value.bounded else "")


def _constant(value):
    """Two digits, and never an exponent."""
    return "0" if value < NONE else np.format_float_positional(value, precision=2, fractional=False, trim="-")


def _peak(law, most):
    """N*, or that there is none as far as was measured."""
    def text(peak):
        return f"{peak:.0f}" if peak <= most else f"beyond {most}"

    if law.peak.median > most:
        return "none within the range"
    return f"at N = {_text(law.peak, text)}"


def _alt(series, law, what):
    last = series.cells[-1]
    lines = [line.replace("\n", " ") for line in _constant_lines(law, series, what)]
    speed_up = quantities.ratio(_throughput(last).median / law.rate.median)
    return f"{series.label}: {speed_up} with {_workers(last)} workers; {'; '.join(lines)}."
