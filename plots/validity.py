"""What a reader has to know before believing the figures of a file: what went wrong, what was left out, and how quiet
the machine was."""
import re

from plots import works
from plots.marks import names_of

REGIMES = ("usual", "slow", "changing", "disturbed", "unknown")
PROBES = (("line_trip_spread_percent", "the trip of a cache line between two CPUs"),
          ("spin_spread_percent", "a fixed computation"), ("system_call_spread_percent", "a system call"))


def validity(result):
    return {"matters": _matters(result), "warnings": _warnings(result), "cells": _cells(result),
            "regimes": _regimes(result), "noise": _noise(result)}


def _matters(result):
    """About the file as a whole; each with what to do."""
    bench = result.bench
    revision = bench["git_revision"]
    matters = []
    if bench["interrupted"]:
        matters.append("The plan was interrupted: models have fewer rounds than were asked for, or none. Run it again.")
    if revision.endswith("-dirty"):
        matters.append(f"The program was built from changed sources: revision {revision.removesuffix('-dirty')} alone "
                       "does not say what was measured. Commit the changes and measure again, so that others can do so "
                       "too.")
    if revision == "unknown":
        matters.append("The program does not know the revision it was built from. Build it in its git repository.")
    if result.context["library_build_type"] == "debug":
        matters.append("The program was built without optimisation, and its figures mean little. Build the release "
                       "preset.")
    if result.context["cpu_scaling_enabled"]:
        matters.append(f"The CPUs change their clock (governor: {bench['machine']['governor']}). The governor "
                       "'performance' gives steadier figures.")
    return matters


def _warnings(result):
    """Each text once, with the groups that it is about, and those of which the same is said with other numbers."""
    found = {}
    for group, link in zip(result.groups, _links(result)):
        for warning in group.warnings:
            entry = found.setdefault(re.sub(r"[0-9]+", "0", warning), {"text": warning, "groups": [], "likewise": []})
            entry["groups" if warning == entry["text"] else "likewise"].append(link)
    for entry in found.values():
        entry["text"] = entry["text"][:1].upper() + entry["text"][1:] + "."
    return list(found.values())


def _links(result):
    return [{"title": title, "table": f"table-{index + 1}"} for index, title in enumerate(works.short_titles(result))]


def _cells(result):
    """Invalid, failed, starved and skipped cells with the reason, and notes; those of a group as one."""
    notes = {note["name"]: note["note"] for note in result.bench.get("notes", [])}
    found = []
    for group, link in zip(result.groups, _links(result)):
        texts = {}
        for cell in group.cells:
            text = "; ".join(filter(None, [_fault(cell), f"here it {notes[cell.name]}" if cell.name in notes else ""]))
            if text:
                texts.setdefault(text, []).append(cell)
        found += [link | {"names": names_of(cells), "text": text} for text, cells in texts.items()]
    return found


def _fault(cell):
    if cell.skipped:
        return f"skipped: {cell.skipped}"
    return cell.flaw_reason if cell.measured or cell.failure else "not run"


def _regimes(result):
    """How many runs of each workload found the machine in which regime."""
    runs = {}
    for group in result.groups:
        for cell in group.cells:
            runs.setdefault(group.workload, []).extend(sample["bench"]["regime"] for sample in cell.samples)
    return [{"workload": workload, "counts": [regimes.count(regime) for regime in REGIMES]}
            for workload, regimes in runs.items() if regimes]


def _noise(result):
    """The noise floor as a sentence."""
    spreads = [(result.bench["noise_floor"][key], what) for key, what in PROBES]
    known = [f"±{spread:.1f}% for {what}" for spread, what in spreads if spread > 0]
    if not known:
        return "The machine's own speed was read too rarely to say how quiet it was: that takes two runs."
    return ("Before and after each run the program times three things that do not change; half of those readings lay within "
            f"{', '.join(known)}. Differences between files that are no larger than this may be the machine's, not a "
            "model's; ratios within a file pair runs of the same round, and suffer less.")
