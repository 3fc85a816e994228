"""What the page says of several results side by side: where they were measured otherwise, and what costs more where."""
from plots import compare, comparison, machines, quantities

PLURALS = {"costs more": "cost more", "costs less": "cost less", "has too few runs to tell": "have too few runs to tell"}


def differences(results, runs):
    """`runs`: what report.run() says of each. Facts that are not the same in all, and what a comparison of cells gives:
    `pairs` for results of one machine, each of them against the first, and `panels` for those of several."""
    one_machine = len({comparison.machine_key(result) for result in results}) == 1
    found = {"labels": [result.label for result in results], "facts": _facts(runs), "lead": [], "pairs": [], "panels": []}
    if one_machine:
        found["pairs"] = [_compare(results[0], other) for other in results[1:]]
        found["lead"] = ["The runs of different files were not interleaved, so a machine that changed in between looks like "
                         "a change of the program; and of many cells that are all the same, one in twenty will seem to "
                         "differ."]
    else:
        found["panels"] = [_panel(results, group, *panel) for group, panel in machines.panels(results)]
        found["lead"] = ["Different machines: their absolute figures are not held against each other. What compares is how "
                         "far each model is from a reference model on the same machine."]
        if not found["panels"]:
            found["lead"].append("These results share no group with a reference model and another one.")
    return found


def _compare(before, after):
    ratios, left_out = compare.ratios(before, after)
    rows = [_row(cell, what, ratio) for cell, what, ratio in ratios]
    return {"labels": [before.label, after.label], "summary": _summary(before, after, rows), "rows": rows,
            "left_out": left_out}


def _facts(runs):
    """[(what, [its value in each result])] of what is not the same in all."""
    keys = list(dict.fromkeys(key for run in runs for key, _ in run["rows"]))
    rows = []
    for key in keys:
        values = ["; ".join(str(value) for name, value in run["rows"] if name == key) or "-" for run in runs]
        if len(set(values)) > 1:
            rows.append((key, values))
    return rows


def _row(cell, what, ratio):
    verdict = "cannot be told apart"
    if not ratio.bounded:
        verdict = "has too few runs to tell"
    elif ratio.differs:
        verdict = "costs more" if ratio.effect > 1 else "costs less"
    return {"name": cell.name, "what": what, "ratio": ratio.effect, "change": quantities.change(ratio.effect),
            "interval": f"{quantities.change(ratio.low)} to {quantities.change(ratio.high)}" if ratio.bounded else "-",
            "verdict": verdict}


def _summary(before, after, rows):
    if not rows:
        return f"{before.label} and {after.label} share no cell that compares."
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in (
        "costs more", "costs less", "cannot be told apart", "has too few runs to tell")}
    parts = [f"{many} {verdict if many == 1 else PLURALS.get(verdict, verdict)}" for verdict, many in counts.items() if many]
    return f"In {after.label} against {before.label}, of {len(rows)} cells: {', '.join(parts)}."


def _panel(results, group, reference, lines):
    """A table: a row for each model, with its ratio to the reference and its place on each machine."""
    places = [machines.places(lines, index) for index in range(len(results))]
    rows = []
    for label, model, values in lines:
        cells = []
        for value, order in zip(values, places):
            interval = f" ({quantities.ratio(value.low)} to {quantities.ratio(value.high)})" if value and value.bounded else ""
            cells.append(f"{quantities.ratio(value.effect)}{interval}, place {order.index(label) + 1}" if value else "-")
        rows.append((label, cells))
    return {"title": group.title, "reference": reference, "rows": rows}
