"""The ordered list of charts, and the script that draws them: scripts/charts."""
import argparse
import difflib
import os
import sys
import tempfile
from dataclasses import dataclass
from typing import Callable

from plots import (
    c10k, classes, compare, idle_connections, jobs, machines, memory, offered, percentiles, primitives, result,
    samples, style, switches, workers)
from plots.errors import PlotError, Skip


@dataclass(frozen=True)
class Chart:
    """A row of the list. `draw` takes one result, or all of them where `compares` says so, and gives drawings; it
    throws Skip where the data for it is not there."""

    name: str  # of its files
    question: str  # what a reader learns from it
    draw: Callable
    command: str  # that fills it
    compares: bool = False


CHARTS = (
    Chart("c10k", "what becomes of each model as connections grow", c10k.draw, "bench --suite=c10k"),
    Chart("offered", "how latency grows with the offered rate, and which rate each model bears", offered.draw,
          "bench --workload=echo --model=processes,threads,epoll --connections=50 --rate=10k,20k,40k,80k,120k"),
    Chart("percentiles", "what latency the slowest requests have", percentiles.draw,
          "bench --workload=echo --rate=common"),
    Chart("jobs", "how long each model takes for a batch of tasks", jobs.draw, "bench --workload=cpu,io"),
    Chart("workers", "how far more workers get more done, and what holds them back", workers.draw,
          "bench --workload=io --model=process-pool,thread-pool --workers=1,2,4,8,16,32"),
    Chart("memory", "what a waiting unit and a connection take in user space and in the kernel", memory.draw,
          "bench --workload=idle,echo --model=all --memory"),
    Chart("primitives", "what it takes to start, switch, lock, pass on and wake under each kind of unit", primitives.draw,
          "bench --workload=primitives --model=all"),
    Chart("switches", "what of a request's CPU goes with context switches", switches.draw,
          "bench --workload=echo --rate=common"),
    Chart("idle-connections", "what many idle connections cost those that are active", idle_connections.draw,
          "bench --workload=echo --model=select,poll,epoll --connections=10,100,900 --active=10 --rate=5k"),
    Chart("classes", "whether light requests wait for heavy ones", classes.draw,
          "bench --workload=echo --model=threads,epoll,coroutines --connections=50 --service-cpu=5ms --heavy=2% --rate=500"),
    Chart("samples", "how the runs went, round by round, and what the machine did meanwhile", samples.draw,
          "bench --suite=quick"),
    Chart("machines", "how each model compares with a reference model on each machine", machines.draw,
          "scripts/charts HERE.json THERE.json, of one suite on two machines", compares=True),
    Chart("compare", "what costs more in the one result than in the other", compare.draw,
          "scripts/charts OLD.json NEW.json, of one suite on one machine", compares=True),
)


@dataclass
class Drawn:
    """A drawing and the name of its files."""

    name: str
    chart: Chart
    drawing: object
    source: str = ""  # the label of its result, where there are several


def draw_all(results, charts=CHARTS):
    """([Drawn], [(chart, why not)]) of the results; charts of one result are drawn for each, with its label in the
    name where there are several."""
    drawn, skipped = [], []
    for chart in charts:
        sources = [results] if chart.compares else results
        for source in sources:
            prefix = "" if chart.compares or len(results) == 1 else f"{source.label}-"
            try:
                for drawing in chart.draw(source):
                    name = "-".join(part for part in (chart.name, drawing.suffix) if part)
                    drawn.append(Drawn(prefix + name, chart, drawing, prefix[:-1]))
            except Skip as why:
                where = f"{source.label}: " if prefix else ""
                skipped.append((chart, f"{where}{why}"))
    return drawn, skipped


def chosen(words):
    """The charts that --only names. Throws PlotError for a name that there is not."""
    names = [chart.name for chart in CHARTS]
    wanted = [word for text in words for word in text.split(",")]
    for word in wanted:
        if word not in names:
            near = difflib.get_close_matches(word, names, 1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise PlotError(f"--only={word}: no such chart{hint}: there are {', '.join(names)}")
    return [chart for chart in CHARTS if chart.name in wanted] if wanted else list(CHARTS)


def make_folder(path):
    """Makes the folder for output, and sees that it can be written before anything is drawn."""
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise PlotError(f"--out={path}: cannot be written: {error.strerror}") from None


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/charts", description="Draws every chart for which the result files have the data, as SVG and PNG.",
        epilog="charts: " + "; ".join(f"{chart.name}: {chart.question}" for chart in CHARTS))
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a result file, PATH or NAME=PATH")
    parser.add_argument("--out", default="charts", metavar="DIR", help="folder for the charts (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="draw this chart alone; may be repeated")
    parser.add_argument("--format", choices=("svg", "png"), help="write this alone (default: both)")
    options = parser.parse_args(arguments)
    charts = chosen(options.only)
    results = result.load_all(options.results)
    style.prepare()
    make_folder(options.out)
    drawn, skipped = draw_all(results, charts)
    for one in drawn:
        for path in style.save(one.drawing, options.out, one.name, [options.format] if options.format else style.FORMATS):
            print(path)
    for chart, why in skipped:
        print(f"skipped {chart.name}: {why}; to fill it: {chart.command}", file=sys.stderr)
    if not drawn:
        raise PlotError("no chart was drawn: the results have the data of none of them")


def run(main_function, prog):
    """Runs a script's main function; gives the exit status."""
    try:
        main_function(sys.argv[1:])
    except PlotError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "scripts/charts"))
