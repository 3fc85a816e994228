"""One self-contained page from result files: scripts/report. It asks no network for anything, and holds the files
themselves, so that it can be turned back into them.

Each section of the page has a function here that gives plain data, or a module (answers, tables, validity); the
template only lays them out. Nothing in a file is trusted: the template escapes all texts, and the page's content
security policy lets no script run but our own.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import sys
import webbrowser
from datetime import datetime, timezone

import jinja2
from markupsafe import Markup

from plots import answers, charts, differences, embed, marks, palette, quantities, result, style, tables, validity
from plots.errors import PlotError

FOLDER = pathlib.Path(__file__).resolve().parent
SCRIPTS = ("vendor/sortable.min.js", "vendor/sortable.a11y.min.js", "page/report.js")
PIXELS_PER_POINT = 1.25  # of a chart, so that its smallest text can be read
LEAST_PIXELS_PER_POINT = 1.05  # where a chart is wider than the page
PAGE_PIXELS = 1200  # what the style sheet lets a chart have


def page(results):
    """The bytes of the page; the same for the same files."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["number"] = tables.number
    scripts = [(FOLDER / name).read_text(encoding="utf-8").strip() for name in SCRIPTS]
    figures, skipped = figures_of(results)
    one = results[0] if len(results) == 1 else None
    runs = [run(each) for each in results]
    text = environment.get_template("report.html.jinja").render(
        header=header(results), result=one, figures=figures, skipped=skipped,
        answers=answers.answers(one) if one else [], command=answers.command_for_intervals(one) if one else "",
        tables=tables.tables(one) if one else [], legends=tables.legends(one) if one else [],
        claims=claims(one) if one else [], claim_count=count_of_claims(one) if one else "", regimes=validity.REGIMES, validity=validity.validity(one) if one else None,
        runs=runs, compared=None if one else differences.differences(results, runs), data=[embed.data_of(each) for each in results],
        symbols=marks.symbols(results), colours=palette.variables(), policy=content_policy(scripts),
        css=Markup((FOLDER / "page" / "report.css").read_text(encoding="utf-8")),
        scripts=[Markup(script) for script in scripts])
    return text.encode("utf-8")


def content_policy(scripts):
    """What a browser may do for the page: run these very scripts, and fetch nothing."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii") for script in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            "form-action 'none'")


# Sections.

def header(results):
    if len(results) > 1:
        labels = ", ".join(one.label for one in results)
        return {"title": "Concurrency models side by side", "summary": f"{len(results)} results: {labels}."}
    one = results[0]
    words = one.bench["command_line"]
    suite = next((word.removeprefix("--suite=") for word in words if word.startswith("--suite=")), None)
    measured = [group for group in one.groups if group.measured]
    models = len({cell.model for group in measured for cell in group.measured})
    kinds = []
    for kind in ("service", "job", "primitive"):
        number = len({group.workload for group in measured if group.kind == kind})
        if number:
            kinds.append(f"{number} {kind}{'' if number == 1 else 's'}")
    what = ", ".join(kinds[:-1]) + " and " * (len(kinds) > 1) + kinds[-1] if kinds else "nothing"
    return {
        "title": "Concurrency models" + (f": {suite}" if suite else ""),
        "summary": f"{models} model{'' if models == 1 else 's'} measured on {what}, {when(one)}, in "
                   f"{quantities.duration(one.bench['elapsed_seconds'] * 1e9)} on {one.machine_name}.",
    }


def when(one):
    """The start of the plan in words, UTC."""
    moment = datetime.fromisoformat(one.context["date"]).astimezone(timezone.utc)
    return f"{moment.day} {moment:%B %Y at %H:%M} UTC"


def figures_of(results):
    """The charts as elements of the page, and those that lack their data, with the command that gives it."""
    drawn, without = charts.draw_all(results)
    if len(results) > 1:
        drawn.sort(key=lambda one: not one.chart.compares)  # what the page is about comes first
    figures = []
    for index, one in enumerate(drawn):
        name = f"chart-{index + 1}"
        points = one.drawing.figure.get_size_inches()[0] * 72
        width = min(points * PIXELS_PER_POINT, max(points * LEAST_PIXELS_PER_POINT, PAGE_PIXELS))
        figures.append({"id": name, "title": one.drawing.title, "width": f"{width:.0f}",
                        "question": (f"{one.source}: " if one.source else "") + one.chart.question[:1].upper() + one.chart.question[1:],
                        "svg": Markup(style.inline_svg(one.drawing, name))})
    skipped = [{"name": chart.name, "question": chart.question, "why": why, "command": chart.command}
               for chart, why in without]
    return figures, skipped


def claims(one):
    """[{title, rows}]: the tables of the claims that were tried, and what came of each."""
    found = {}
    for claim in one.bench.get("claims", []):
        here = [claim[key] for key in ("found", "why", "otherwise") if key in claim]
        row = {"id": claim["id"], "claim": claim["claim"], "notes": claim.get("notes", ""), "here": here,
               "verdict": " ".join([claim["verdict"], *([claim["condition"]] if "condition" in claim else [])]),
               "kind": claim["verdict"].split()[0]}
        found.setdefault(f"{claim['topic']}. {claim['heading']}", []).append(row)
    return [{"title": title, "rows": rows} for title, rows in found.items()]


def count_of_claims(one):
    """"53 claims: 40 confirmed, 5 refuted, …"."""
    verdicts = [claim["verdict"] for claim in one.bench.get("claims", [])]
    names = {"confirmed here, if": "confirmed under a condition"}
    counts = [f"{verdicts.count(verdict)} {names.get(verdict, verdict)}" for verdict in
              ("confirmed", "confirmed here, if", "refuted", "inconclusive", "not run") if verdict in verdicts]
    return f"{len(verdicts)} claim{'' if len(verdicts) == 1 else 's'}: {', '.join(counts)}."


def run(one):
    """What was run where, and how to run it again."""
    bench, machine = one.bench, one.bench["machine"]
    caches = [f"level {cache['level']} {cache['type'].lower()} {quantities.size(cache['size'])}"
              for cache in one.context["caches"]]
    rows = [
        ("measured", f"{when(one)} on {one.context['host_name']}, for "
                     f"{quantities.duration(bench['elapsed_seconds'] * 1e9)}"),
        ("command", one.command), ("seed", bench["seed"]), ("git revision", bench["git_revision"]),
        ("program", f"bench {bench['version']}, {one.context['library_build_type']}"),
        ("compiler", bench["compiler"]), ("flags", bench["flags"] or "none"),
        ("libraries", ", ".join(f"{name} {version}" for name, version in bench["libraries"].items())),
        ("kernel", machine["kernel"]),
        ("CPU", f"{machine['cpu_model']}, {one.context['mhz_per_cpu']:,} MHz"),
        ("CPUs", f"{machine['cpus_available']} available of {one.context['num_cpus']} online"),
        ("caches", ", ".join(caches) or "unknown"),
        ("memory", quantities.size(machine["memory_bytes"])),
        ("frequency governor", machine["governor"]), ("turbo", machine["turbo"]),
        ("hypervisor", machine["hypervisor"]), ("clock source", machine["clock_source"]),
        ("load before", ", ".join(f"{load:.2f}" for load in one.context["load_avg"]) or "unknown"),
    ]
    rows += [("limit", f"{limit['limit']}, room for {limit['room']:,}") for limit in machine["limits"]]
    return {"label": one.label, "command": one.rerun, "rows": rows + _service_rows(bench.get("services"))}


def _service_rows(services):
    if not services:
        return []
    rows = [(f"CPUs of the {side}", ", ".join(str(cpu) for cpu in services[key]))
            for key, side in (("server_cpus", "server"), ("client_cpus", "load generator")) if key in services]
    rows.append(("threads of the load generator", services["client_threads"]))
    rows.append(("idle CPUs", "kept from halting" if services["no_halt"] else "may halt"))
    return rows


# The script.

def write(path, text):
    charts.make_folder(os.path.dirname(path) or ".")
    try:
        with open(path, "wb") as file:
            file.write(text)
    except OSError as error:
        raise PlotError(f"write {path}: {error.strerror}: choose another file with --out=FILE") from None


def open_page(path):
    """Opens the page in the user's browser, or says where it is."""
    address = pathlib.Path(path).resolve().as_uri()
    try:
        opened = webbrowser.get().open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        print(address)


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/report",
        description="Makes one self-contained page from result files: answers, charts, tables, and the files.",
        epilog="--run=SUITE, before all others, measures the suite first, and leaves its result and page in results/.")
    parser.add_argument("results", nargs="*", metavar="RESULT", help="a result file, PATH or NAME=PATH")
    parser.add_argument("--out", metavar="FILE", help="the page (default: report.html); of --extract, the result file")
    parser.add_argument("--open", action="store_true", help="open the page in the browser ($BROWSER, or xdg-open)")
    parser.add_argument("--extract", action="append", default=[], metavar="PAGE",
                        help="take the result file out of this page again, the very bytes; may be repeated")
    parser.add_argument("--force", action="store_true", help="--extract may replace a file")
    options = parser.parse_args(arguments)
    if bool(options.extract) == bool(options.results):
        parser.error("name one or more result files, or a page with --extract")
    if options.extract:
        for path in embed.extract_all(options.extract, options.out, options.force):
            print(path)
        return
    results = result.load_all(options.results)
    style.prepare()
    path = options.out or "report.html"
    charts.make_folder(os.path.dirname(path) or ".")
    write(path, page(results))
    print(path)
    if options.open:
        open_page(path)


if __name__ == "__main__":
    sys.exit(charts.run(main, "scripts/report"))
