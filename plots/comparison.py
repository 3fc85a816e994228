"""Several result files side by side: which cells they share, and ratios between their samples.

Ratios of samples of one file are taken within rounds. Those of different files cannot be: their runs were not interleaved,
so a drift of the machine between them looks like a change of the program, and whoever shows them says so.
"""
import functools
import math
import statistics
from dataclasses import dataclass

from scipy.stats import binom

LEVEL = 0.95


@dataclass(frozen=True)
class Ratio:
    """How many times the cost of the one is that of the other, with its 95% interval; where `bounded` is false there
    were too few samples for one, and it is their range."""

    effect: float
    low: float
    high: float
    bounded: bool

    @property
    def differs(self):
        return self.bounded and not self.low <= 1 <= self.high


def machine_key(result):
    """What makes two files those of the same machine: not its name, which virtual machines change."""
    machine = result.bench["machine"]
    return (machine["cpu_model"], machine["cpus_available"], machine["hypervisor"], round(machine["memory_bytes"] / 2**30))


def cost_of(group):
    """(what a sample of the group costs, what that is): less is better. A job's time is over its own run's ideal, which
    takes out how fast the machine was in that second."""
    by = group.ranking["by"] if group.ranking else "operation"
    return {
        "time": (_time_over_ideal, "time of a batch over the same run's ideal"),
        # Of a server that somebody else runs it may be unknown.
        "server_cpu_per_request": (lambda row: row["bench"].get("server_cpu_ns_per_request", 0), "server CPU per request"),
        "rate": (lambda row: 1 / row["items_per_second"], "time per request at the highest rate"),
        "knee_rate": (lambda row: 1 / row["bench"]["knee"]["rate_per_second"], "time per request at the highest rate within "
                      "the bound"),
        "operation": (lambda row: row["real_time"], "time of an operation"),
    }[by]


def _time_over_ideal(row):
    ideal = row["bench"]["ideal_ns"]
    return row["real_time"] / ideal if ideal > 0 else row["real_time"]


def costs(cell, cost):
    """The cost of each sample that is valid, by round."""
    values = {}
    for row in cell.samples:
        if row["bench"].get("valid") is False:
            continue
        try:
            value = cost(row)
        except ZeroDivisionError:
            continue
        if value > 0:
            values[row["bench"]["round"]] = value
    return values


def paired(numerators, denominators):
    """The median log-ratio of the rounds that both have, with the interval of its order statistics (Conover, Practical
    Nonparametric Statistics, section 3.2); None without a common round."""
    logs = sorted(math.log(value / denominators[index]) for index, value in numerators.items() if index in denominators)
    if not logs:
        return None
    rank = max(k for k in range(len(logs) // 2 + 1) if 2 * binom.cdf(k - 1, len(logs), 0.5) <= 1 - LEVEL)
    bounded = rank > 0
    index = max(rank - 1, 0)
    return Ratio(math.exp(statistics.median(logs)), math.exp(logs[index]), math.exp(logs[-1 - index]), bounded)


def unpaired(numerators, denominators):
    """The shift of Hodges and Lehmann (1963) of the logarithms, with the interval that inverts the rank test of Mann and
    Whitney (Conover, section 5.4); None without samples on both sides."""
    above, below = list(numerators.values()), list(denominators.values())
    if not above or not below:
        return None
    shifts = sorted(math.log(a / b) for a in above for b in below)
    rank = _rank_sum_rank(len(above), len(below))
    bounded = rank > 0
    index = max(rank - 1, 0)
    return Ratio(math.exp(statistics.median(shifts)), math.exp(shifts[index]), math.exp(shifts[-1 - index]), bounded)


@functools.cache
def _rank_sum_rank(n, m):
    """The largest k with 2 P(U <= k - 1) <= 1 - LEVEL, by counting; 0 where even k = 1 promises less."""
    counts = _rank_sum_counts(n, m)
    total = math.comb(n + m, n)
    seen = 0
    for k, count in enumerate(counts):
        seen += count
        if 2 * seen > (1 - LEVEL) * total:
            return k
    return 0


def _rank_sum_counts(n, m):
    """How many orders of n and m samples give each value of Mann and Whitney's U: the Gaussian binomial coefficient, as
    the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n."""
    counts = [1] + [0] * (n * m)
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):
            counts[u] -= counts[u - m - i]
        for u in range(i, n * m + 1):
            counts[u] += counts[u - i]
    return counts


def shared_cells(results):
    """[(group of the first result, [a cell of each result])] for the cells that all results measured, in its order; and
    the names of those that only some did."""
    tables = [{cell.name: cell for group in result.groups for cell in group.measured} for result in results]
    shared = [(group, [table[cell.name] for table in tables])
              for group in results[0].groups for cell in group.measured if all(cell.name in table for table in tables)]
    names = {cells[0].name for _, cells in shared}
    lonely = sorted({name for table in tables for name in table} - names)
    return shared, lonely
