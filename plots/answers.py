"""Which model for this work: the ranking of each group in sentences that somebody new to the field understands.

Nothing is worked out here that the file does not hold. A sentence is a list of texts and of names of models
(marks.Name), so that the page can show their marks.
"""
import shlex
from dataclasses import dataclass

from plots import quantities, unit_answers, works
from plots.marks import Code, name_of, names_of
from plots.ratios import ENOUGH_ROUNDS, range_text, rounds_text, times
from plots.result import Value, quote

GENERATOR_WAS_THE_LIMIT = "the load generator was the limit"  # as the program's reasons begin


@dataclass(frozen=True)
class Measure:
    """What a ranking goes by. `more_is_better`: the page shows the inverse of the file's cost."""

    best: str
    compared: str  # after a ratio, before the model that it is of
    more_is_better: bool = False


MEASURES = {
    "time": Measure("Fastest", "as long as"),
    "server_cpu_per_request": Measure("Least CPU per request", "the CPU of"),
    "rate": Measure("Most requests per second", "the rate of", more_is_better=True),
    "knee_rate": Measure("Highest rate that keeps the promise", "the rate of", more_is_better=True),
}

# Why a model has no place, where that is its limit.
AT_A_RATE = {
    "server": "the server's CPUs were busy before every request that was offered was answered",
    "generator": "the load generator was busy or late, so that the figures are about it, not the server",
    "latency": "not every request that was offered was answered, though neither the server nor the load generator was "
               "busy: each waited for the other",
}
IN_A_CLOSED_LOOP = AT_A_RATE | {
    "latency": "neither the server nor the load generator was busy: the rate shows how long they waited for each "
               "other, not what the server could bear",
}


def answers(result):
    """An answer for each group, in the order of the file."""
    made = [unit_answers.answer(group) if group.kind == "primitive" else _compared(result, group)
            for group in result.groups]
    headings = [works.describe(group) for group in result.groups]
    for index, (answer, group, heading) in enumerate(zip(made, result.groups, headings)):
        answer["sentences"] += _unmeasured(group)
        answer |= {
            "id": f"answer-{index + 1}", "table": f"table-{index + 1}", "title": group.title,
            "work": heading if headings.count(heading) == 1 else f"{heading} ({works.models_of(group)})",
        }
    return made


def command_for_intervals(result):
    """The command that measures the same in rounds enough for intervals."""
    kept = []
    skip_next = False
    for word in shlex.split(result.rerun):
        if skip_next:
            skip_next = False
        elif word == "--repetitions":
            skip_next = True
        elif not word.startswith(("--repetitions=", "--seed=")):
            kept.append(quote(word))
    return " ".join([*kept, f"--repetitions={ENOUGH_ROUNDS}"])


def _compared(result, group):
    ranking = group.ranking
    places = {place["name"]: place.get("over_first") for place in ranking["order"]}
    ranked = [cell for cell in group.ranked() if cell.name in places]
    measure = MEASURES[ranking["by"]]
    decided = ranking["bounded"] and len(ranked) > 1
    undecided = len(ranked) > 1 and not decided
    sentences = _next_and_last(group, ranked, places, measure) if decided else []
    if undecided:
        sentences.append([Code(f"--repetitions={ENOUGH_ROUNDS}"), " would tell."])
    if ranked:
        sentences += _by_itself(result, group, ranked[0]) + _why_no_faster(group, ranked)
    sentences += _unranked(group)
    if any(cell.label == f"{cell.model} ({cell.parameters.get('workers')})" for cell in group.cells):
        sentences.append(["In brackets behind a model: how many workers its pool has."])
    return {
        "headline": _headline(group, ranked, measure), "sentences": sentences,
        "undecided": undecided,
        "colour": name_of(ranked[0]).colour if decided and len(ranking["best"]) == 1 else "grid",
        "ladder": [_step(cell, places[cell.name], measure) for cell in ranked] if len(ranked) > 1 else [],
    }


def _best(group):
    by_name = {cell.name: cell for cell in group.cells}
    return [by_name[name] for name in group.ranking["best"]]


def _headline(group, ranked, measure):
    if not group.measured:
        return ["Nothing was measured."]
    if not ranked:
        return ["No model can be ranked here."]
    if len(ranked) == 1:
        what = "measured, so there is nothing to compare it with" if len(group.cells) == 1 else "that can be ranked"
        return [name_of(ranked[0]), f" is the only one {what}."]
    if not group.ranking["bounded"]:
        return ["Not decided: ", name_of(ranked[0]), f" came first in {rounds_text(group.measured)}, but fewer than "
                f"{ENOUGH_ROUNDS} cannot tell models apart."]
    best = _best(group)
    if len(best) == 1:
        return [f"{measure.best}: ", name_of(best[0]), "."]
    if len(best) == len(ranked):
        return ["No winner: ", *names_of(best), " cannot be told apart."]
    return [f"{measure.best}: ", *names_of(best), ", a tie: the data cannot tell them apart."]


def _next_and_last(group, ranked, places, measure):
    following = next((cell for cell in ranked if cell.name == group.ranking.get("next")), None)
    if not following:
        return []
    first = ranked[0]
    sentences = [["Next is ", name_of(following), *_ratio_to(first, [places[following.name]], measure), "."]]
    last = next((tie for tie in group.ties() if ranked[-1] in tie), ranked[-1:])
    if following in last or any(cell in last for cell in _best(group)):
        return sentences
    verb, tie = ("is", "") if len(last) == 1 else ("are", ", a tie")
    ratio = _ratio_to(first, [places[cell.name] for cell in last], measure)
    return sentences + [[f"Last {verb} ", *names_of(last), tie, *ratio, "."]]


def _ratio_to(first, over_first, measure):
    """What the ratio to the first one is; of several, the least and the greatest."""
    if not all(over_first):
        return []
    values = sorted((_as_ratio(one, measure) for one in over_first), key=lambda value: value.median)
    ends = " to ".join(dict.fromkeys([times(values[0].median), times(values[-1].median)]))
    interval = f" ({range_text(values[0])})" if len(values) == 1 else ""
    return [f": {ends} {measure.compared} ", name_of(first), interval]


def _as_ratio(over_first, measure):
    ends = over_first["effect"], over_first["low"], over_first["high"]
    if measure.more_is_better:
        ends = 1 / ends[0], 1 / ends[2], 1 / ends[1]
    return Value(*ends, over_first["bounded"])


def _step(cell, over_first, measure):
    return {"name": name_of(cell), "ratio": times(_as_ratio(over_first, measure).median) if over_first else ""}


def _by_itself(result, group, first):
    """How good the first one is, whatever the others do."""
    name, by = name_of(first), group.ranking["by"]
    sentences = _promise(result, first) if by == "knee_rate" else []
    if by == "rate":
        rate = quantities.count(first.rate().median)
        sentences.append(["The server under ", name, f" answers {rate} requests/s."])
    over_ideal = first.ratio("over_ideal")
    if not over_ideal:
        return sentences
    ratio = times(over_ideal.median)
    about = f" ({range_text(over_ideal)})" if over_ideal.bounded else ""
    if by == "time":
        return [["A batch under ", name, f" takes {ratio} the ideal time{about}, which is that of the longest task or "
                 "of all computation spread evenly over the CPUs, whichever is more."]]
    but = " and leaves the computation out" if first.parameters["service_cpu_ns"] else ""
    sentences.append(["The server under ", name, f" uses {ratio} the ideal CPU time{about}, which is that of the bare "
                      f"system calls of a request{but}."])
    return sentences


def _promise(result, first):
    slo = result.bench.get("services", {}).get("slo")
    promise = "its promise"
    if slo:
        promise = f"p{slo['quantile_percent']:g} below {quantities.short_duration(slo['limit_ns'])}"
    rate = quantities.count(first.figures["knee_rate_per_second"])
    sentences = [["The server under ", name_of(first), f" keeps {promise} up to {rate} requests/s."]]
    knee = first.figures["knee"]
    if "above_rate_per_second" in knee:
        above, why = quantities.count(knee["above_rate_per_second"]), knee["above_why"]
        sentences.append([f"Higher rates could not be tried: at {above} {why}." if why.startswith(GENERATOR_WAS_THE_LIMIT) else
                          f"At {above} it does not: {why}."])
    return sentences


def _why_no_faster(group, ranked):
    """Why the rates of the ranked ones were no higher."""
    who = {1: "It", 2: "Both"}.get(len(ranked), f"All {len(ranked)} ranked here")
    return {
        "rate": [[f"{who} kept the server's CPUs busy: more requests than that cannot be answered."]],
        "server_cpu_per_request": [[f"{who} kept up with the rate that was offered; so what counts is how much CPU that "
                                    "took."]],
    }.get(group.ranking["by"], [])


def _unranked(group):
    """Which of those that ran have no place, and why."""
    by_name = {cell.name: cell for cell in group.cells}
    reasons = {}
    for entry in group.ranking["unranked"]:
        cell = by_name[entry["name"]]
        reason = f"a run failed: {cell.failure}" if entry["reason"] == "failed" else entry["reason"]
        reasons.setdefault((reason, cell.figures.get("invalid_samples")), []).append(cell)
    sentences = [["Not ranked: ", *names_of(cells), f", since {_reason(group, reason, cells)}."]
                 for (reason, _), cells in reasons.items()]
    if sentences and group.ranking["by"] == "rate":
        sentences.append([Code("--rate=common"), " offers all models the same rate, and compares the CPU they take for "
                          "it."])
    return sentences


def _reason(group, reason, cells):
    if reason.startswith("invalid: "):
        runs = _once(f"{cell.figures['invalid_samples']} of {len(cell.samples)}" for cell in cells)
        whose = "its" if len(cells) == 1 else "their"
        return f"{whose} figures are invalid: {reason.removeprefix('invalid: ')} (runs: {runs})"
    if reason == "starved":
        served = _once(f"{cell.figures['connections_served']:,} of {cell.figures['connections_due']:,}"
                       for cell in cells)
        return f"some connections never got a reply (served: {served})"
    if reason == "errors":
        return f"connections failed ({_once(_errors(cell) for cell in cells)})"
    return (IN_A_CLOSED_LOOP if group.ranking["by"] == "rate" else AT_A_RATE).get(reason, reason)


def _errors(cell):
    kinds = [f"{count:,} {kind.replace('_', ' ')}" for kind, count in cell.figures["errors"].items() if count]
    told = cell.figures.get("error_text")
    return ", ".join(kinds + ([told] if told else []))


def _once(texts):
    return ", ".join(dict.fromkeys(texts))


def _unmeasured(group):
    absent = {}
    for cell in group.cells:
        if cell.skipped:
            absent.setdefault(("Could not run here: ", cell.skipped), []).append(cell)
        elif not cell.measured:
            why = ("Failed: ", cell.failure) if cell.failure else ("Not run: ", "the plan ended before")
            absent.setdefault(why, []).append(cell)
    return [[what, *names_of(cells), f" ({why})."] for (what, why), cells in absent.items()]
