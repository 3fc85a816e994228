"""The list of charts, and what is true of each of them on good, missing, invalid, single-point and crowded data."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from plots import charts, compare, style
from plots.errors import PlotError
from tests.plots import drawn
from tests.plots.fixtures import TEXTBOOK, Document, ServiceFigures

style.prepare()
ROOT = pathlib.Path(__file__).resolve().parents[2]


def crowded(**about):
    """All textbook models in every kind of workload: starved, invalid, failed and skipped ones among them; and near each
    other, so that labels must be spread."""
    document = Document(**about)
    for workload in ("cpu", "io"):
        times = {model: [(20 + index % 5) * 1e6 * (1 + 0.01 * run) for run in range(6)]
                 for index, model in enumerate(TEXTBOOK) if model not in ("fibers", "io-uring")}
        document.job(workload, times, ideal_ns=19e6, ties=[("serial", "threads"), ("threads", "select")],
                     failed={"fibers": "wrong outcome"}, skipped={"io-uring": "no rings here"})
    document.job("io", {("thread-pool", pool): [100e6 / pool * (1 + 0.01 * run) for run in range(6)] for pool in (1, 2, 4, 8)},
                 tasks=64)
    for connections in (1, 10, 100, 1000, 10_000):
        document.service("echo", service_figures(connections), connections=connections)
    for offered in (10e3, 20e3, 40e3):
        document.service("echo", service_figures(50), connections=50, rate_mode="fixed", offered=offered)
    for connections in (10, 100, 900):
        document.service("echo", service_figures(connections), connections=connections, active=10, rate_mode="fixed",
                         offered=5e3)
    document.service("echo", {model: ServiceFigures(cpu_ns=5e4, class_p99_ns={"light": 5e6 + index, "heavy": 6e6})
                              for index, model in enumerate(TEXTBOOK)}, connections=51, service_cpu_ns=5_000_000,
                     heavy_percent=2, rate_mode="fixed", offered=500)
    kinds = ("processes", "threads", "coroutines", "fibers")
    for workload in ("spawn", "switch", "lock", "queue", "wake"):
        document.primitive(workload, {(model, "via", cpus): [10.0 ** (5 - index) * (1 + 0.01 * run) for run in range(6)]
                                      for index, model in enumerate(kinds) for cpus in (1, 2)},
                           tasks=20 if workload == "wake" else None)
    document.primitive("idle", {(model, "via", 1): [1e5] * 6 for model in kinds}, tasks=1000,
                       memory={(model, "via", 1): (10.0 ** (5 - index), 10.0 ** (5 - index))
                               for index, model in enumerate(kinds)})
    for workload in ("cpu", "io", "echo", "spawn"):
        document.ruler(workload, [(index, when, 3000 + 10 * index, 34, 116) for index in range(6)
                                  for when in ("before", "after")])
    return document


def service_figures(connections):
    figures = {}
    for index, model in enumerate(TEXTBOOK):
        figures[model] = ServiceFigures(cpu_ns=[8000.0 + 100 * index + 10 * run + connections for run in range(6)],
                                        p99_ns=200e3 + 1000 * index, memory=(100.0 * index, 5000.0),
                                        switches=(0.1 * index, 0.01))
    figures["serial"] = ServiceFigures(limit="starved", served=1, cpu_ns=9000.0)
    figures["poll"] = ServiceFigures(invalid={2: "the load generator was the limit"})
    return figures


class EveryChart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        one, other = crowded().result("one"), crowded(cpu_model="Other CPU").result("other")
        cls.drawn, cls.skipped = charts.draw_all([one])
        cls.machines, _ = charts.draw_all([one, other], [chart for chart in charts.CHARTS if chart.name == "machines"])
        cls.compared, _ = charts.draw_all([one, crowded().result("again")],
                                          [chart for chart in charts.CHARTS if chart.name == "compare"])
        cls.all = cls.drawn + cls.machines + cls.compared

    def test_is_drawn_where_there_is_data(self):
        self.assertEqual({one.chart.name for one in self.all}, {chart.name for chart in charts.CHARTS})
        self.assertEqual({chart.name for chart, _ in self.skipped}, {"machines", "compare"})

    def test_has_files_of_its_own(self):
        names = [one.name for one in self.drawn]
        self.assertEqual(len(set(names)), len(names))
        for name in names:
            self.assertRegex(name, "^[a-z0-9-]+$")

    def test_direct_labels_do_not_overlap(self):
        for one in self.all:
            self.assertEqual(drawn.overlapping_labels(one.drawing), [], one.name)

    def test_nothing_written_is_cut_off(self):
        for one in self.all:
            self.assertEqual(drawn.cut_off(one.drawing), [], one.name)

    def test_says_where_its_data_is_from(self):
        for one in self.all:
            text = drawn.all_text(one.drawing)
            for part in ("Example CPU, 2 CPUs", "2026-01-31", "seed 7", "$ bench --suite=example"):
                self.assertIn(part, text, one.name)

    def test_says_what_it_shows_to_those_who_cannot_see_it(self):
        for one in self.all:
            self.assertRegex(one.drawing.alt, r"\w+.*\d", one.name)

    def test_of_several_results_is_drawn_for_each(self):
        results = [crowded().result("one"), crowded().result("two")]
        both, _ = charts.draw_all(results, [chart for chart in charts.CHARTS if chart.name == "jobs"])
        self.assertTrue({"one-jobs", "two-jobs"} <= {one.name for one in both})


class LittleData(unittest.TestCase):
    def assert_drawn(self, document, names):
        made, skipped = charts.draw_all([document.result()])
        self.assertTrue(names <= {one.chart.name for one in made}, [one.name for one in made])
        for one in made:
            self.assertEqual(drawn.cut_off(one.drawing), [], one.name)
        for _, why in skipped:
            self.assertTrue(why)

    def test_nothing_measured_is_no_chart_and_no_crash(self):
        document = Document().job("io", {}, skipped={"serial": "no room", "threads": "no room"})
        document.service("echo", {}, failed={"epoll": "the server died"})
        made, skipped = charts.draw_all([document.result()])
        self.assertEqual(made, [])
        self.assertEqual([chart.name for chart, _ in skipped], [chart.name for chart in charts.CHARTS])

    def test_a_single_run_of_a_single_model(self):
        document = Document().job("io", {"serial": [5e6]})
        document.service("echo", {"epoll": ServiceFigures(runs=1)})
        document.primitive("spawn", {("threads", "clone", 1): [12e3]})
        self.assert_drawn(document, {"jobs", "primitives"})

    def test_everything_invalid(self):
        bad = {run: "no request was answered" for run in range(6)}
        document = Document()
        for connections in (10, 100):
            document.service("echo", {"epoll": ServiceFigures(invalid=bad, rate=0.0, cpu_ns=0.0, p99_ns=0.0, p50_ns=0.0),
                                      "serial": ServiceFigures(limit="errors")}, connections=connections)
        self.assert_drawn(document, {"c10k"})


class C10k(unittest.TestCase):
    def setUp(self):
        document = Document()
        for connections in (10, 10_000):
            document.service("echo", {"threads": ServiceFigures(cpu_ns=12e3, memory=(13e3, 33e3)),
                                      "epoll": ServiceFigures(cpu_ns=8e3, memory=(200.0, 5000.0)),
                                      "coroutines": ServiceFigures(cpu_ns=8.1e3, memory=(400.0, 5000.0)),
                                      "serial": ServiceFigures(limit="starved", served=1)},
                             connections=connections, ties=[("epoll", "coroutines")])
        self.drawing, = charts.CHARTS[0].draw(document.result())

    def test_answers_at_the_most_connections(self):
        axes = drawn.titled(self.drawing, "at 10,000 connections")
        self.assertEqual([tick.get_text() for tick in axes.get_yticklabels()], ["epoll", "coroutines", "threads", "serial"])
        self.assertTrue([line for line in axes.lines if line.get_gid() == "tie:epoll+coroutines"])
        self.assertEqual([(x, hollow) for x, _, _, hollow in drawn.marks(axes)],
                         [(8000, False), (8100, False), (12000, False), (8000, True)])
        self.assertIn("starved: served 1 of 10,000 connections", drawn.all_text(self.drawing))

    def test_says_what_a_connection_takes(self):
        labels = [label.get_text() for label in self.drawing.labels]
        self.assertIn("threads 44.9 KiB each", labels)
        self.assertIn("epoll 5.08 KiB each", labels)
        axes = drawn.titled(self.drawing, "memory")
        line = next(line for line in axes.lines if len(line.get_xdata()) == 2)
        self.assertEqual(list(line.get_ydata()), [10 * 46e3, 10_000 * 46e3])

    def test_says_who_is_served(self):
        labels = [label.get_text() for label in self.drawing.labels]
        self.assertIn("3 models 100%", labels)
        self.assertIn("serial 0.01%", labels)

    def test_groups_at_different_fixed_rates_are_different_sweeps(self):
        document = Document()
        for connections, rate in ((10, 1e3), (10, 5e3), (50, 5e3), (50, 80e3)):
            document.service("echo", {"epoll": ServiceFigures()}, connections=connections, rate_mode="fixed", offered=rate)
        drawing, = charts.CHARTS[0].draw(document.result())
        self.assertIn("5,000 requests are due each second", drawn.all_text(drawing))
        axes = drawn.titled(drawing, "CPU per request")
        self.assertEqual(len(drawn.marks(axes)), 2)

    def test_a_closed_loop_is_ranked_by_its_rate(self):
        document = Document()
        for connections in (10, 100):
            document.service("echo", {"threads": ServiceFigures(limit="server", rate=20e3),
                                      "epoll": ServiceFigures(limit="server", rate=90e3, cpu_ns=9e3)},
                             connections=connections, rate_mode=None)
        drawing, = charts.CHARTS[0].draw(document.result())
        axes = drawn.titled(drawing, "at 100 connections: requests answered per second")
        self.assertEqual([tick.get_text() for tick in axes.get_yticklabels()], ["epoll", "threads"])
        self.assertEqual([x for x, *_ in drawn.marks(axes)], [90e3, 20e3])

    def test_share_is_of_those_that_had_a_request(self):
        document = Document()
        for connections in (10, 100):
            document.service("echo", {"epoll": ServiceFigures(served=8, due=8), "threads": ServiceFigures(served=4, due=8)},
                             connections=connections)
        drawing, = charts.CHARTS[0].draw(document.result())
        labels = [label.get_text() for label in drawing.labels]
        self.assertIn("epoll 100%", labels)
        self.assertIn("threads 50%", labels)
        self.assertIn("At 100 connections 8 of them have a request to send", drawn.all_text(drawing).replace("\n", " "))

    def test_needs_two_numbers_of_connections(self):
        document = Document().service("echo", {"epoll": ServiceFigures()})
        made, skipped = charts.draw_all([document.result()], charts.CHARTS[:1])
        self.assertEqual(made, [])
        self.assertIn("two or more numbers of connections", skipped[0][1])


class Jobs(unittest.TestCase):
    def setUp(self):
        document = Document()
        document.job("io", {"serial": [100e6] * 6, "epoll": [10e6] * 6}, ideal_ns=9e6)
        document.job("cpu", {"serial": [40e6] * 6, "threads": [20e6, 22e6] * 3, "processes": [21e6] * 6}, ideal_ns=19e6,
                     ties=[("threads", "processes")])
        chart = next(chart for chart in charts.CHARTS if chart.name == "jobs")
        self.drawings = chart.draw(document.result())

    def test_cpu_and_io_lie_side_by_side(self):
        self.assertEqual(len(self.drawings), 1)
        cpu, io = self.drawings[0].figure.axes
        self.assertTrue(cpu.get_title("left").startswith("cpu"))
        self.assertTrue(io.get_title("left").startswith("io"))
        self.assertLess(cpu.get_position().x1, io.get_position().x0)

    def test_rows_are_ranked_and_ties_joined(self):
        cpu = self.drawings[0].figure.axes[0]
        self.assertEqual([tick.get_text() for tick in cpu.get_yticklabels()], ["threads", "processes", "serial"])
        bracket, = [line for line in cpu.lines if (line.get_gid() or "").startswith("tie:")]
        self.assertAlmostEqual(max(bracket.get_ydata()), 2.28)
        self.assertAlmostEqual(min(bracket.get_ydata()), 0.72)

    def test_the_ideal_is_a_line_and_the_interval_stands_around_its_dot(self):
        cpu = self.drawings[0].figure.axes[0]
        self.assertTrue([line for line in cpu.lines if list(line.get_xdata()) == [19e6, 19e6]])
        self.assertTrue([line for line in cpu.lines if list(line.get_xdata()) == [20e6, 22e6]])
        self.assertEqual(cpu.get_xscale(), "log")


class Compare(unittest.TestCase):
    def test_sorts_by_the_size_of_the_change_and_colours_what_is_told_apart(self):
        def document(threads, epoll):
            return Document().job("io", {"serial": [100e6, 101e6, 102e6, 99e6, 98e6, 100e6], "threads": threads,
                                         "epoll": epoll})
        old = document([20e6, 21e6, 20e6, 21e6, 20e6, 21e6], [10e6] * 6).result("old")
        new = document([31e6, 30e6, 30e6, 31e6, 30e6, 31e6], [9e6] * 6).result("new")
        chart = next(chart for chart in charts.CHARTS if chart.name == "compare")
        drawing, = chart.draw([old, new])
        axes = drawing.figure.axes[0]
        self.assertEqual([tick.get_text().split("/")[1] for tick in axes.get_yticklabels()], ["threads", "epoll", "serial"])
        (threads, _, up, _), (epoll, _, down, _), (serial, _, same, _) = drawn.marks(axes)
        self.assertAlmostEqual(threads, 1.48, places=1)
        self.assertAlmostEqual(epoll, 0.9)
        self.assertAlmostEqual(serial, 1)
        self.assertEqual((up, down, same), (">", "<", "o"))
        self.assertIn("not interleaved", drawn.all_text(drawing))

    def test_leaves_out_what_was_under_another_load(self):
        def document(rate):
            return Document().job("io", {"serial": [1e6] * 6}).service(
                "echo", {"epoll": ServiceFigures()}, offered=rate)
        rows, left_out = compare.ratios(document(30e3).result("old"), document(45e3).result("new"))
        self.assertEqual([cell.workload for cell, _, _ in rows], ["io"])
        self.assertEqual(left_out, [("echo/epoll/connections:10/message:64/rate:common",
                                     "offered 30,000 and 45,000 requests/s")])

    def test_two_loads_on_a_server_whose_cpu_is_unknown_are_no_crash(self):
        def document():
            made = Document().service("echo", {"server": ServiceFigures()}, rate_mode="fixed")
            for row in made.rows:
                for key in ("server_cpu_ns_per_request", "voluntary_switches_per_request", "involuntary_switches_per_request"):
                    row["bench"].pop(key, None)
            return made
        _, skipped = charts.draw_all([document().result("a"), document().result("b")])
        self.assertIn("a shares no cell that compares with b", [why for _, why in skipped])

    def test_refuses_other_machines(self):
        _, skipped = charts.draw_all([Document().job("io", {"serial": [1e6]}).result("a"),
                                      Document(cpu_model="Z80").job("io", {"serial": [1e6]}).result("b")])
        self.assertIn("a, b are of different machines", dict((chart.name, why) for chart, why in skipped)["compare"])


class Machines(unittest.TestCase):
    def test_shows_ratios_to_the_reference_and_changes_of_place(self):
        here = Document().job("io", {"serial": [100e6] * 6, "threads": [20e6] * 6, "epoll": [10e6] * 6}).result("here")
        there = Document(cpu_model="Other").job("io", {"serial": [50e6] * 6, "threads": [5e6] * 6,
                                                       "epoll": [10e6] * 6}).result("there")
        chart = next(chart for chart in charts.CHARTS if chart.name == "machines")
        drawing, = chart.draw([here, there])
        labels = sorted(label.get_text() for label in drawing.labels)
        self.assertEqual(labels, ["epoll 0.20× (place 1 → 2)", "serial 1.00×", "threads 0.10× (place 2 → 1)"])
        self.assertEqual(drawing.figure.axes[0].get_ylabel(), "cost over serial")

    def test_noise_changes_no_place(self):
        noisy = [10e6, 12e6, 10e6, 12e6, 10e6, 12e6]
        here = Document().job("io", {"serial": [100e6] * 6, "threads": [11e6] * 6, "epoll": noisy}).result("here")
        there = Document(cpu_model="Other").job("io", {"serial": [100e6] * 6, "threads": [11.2e6] * 6,
                                                       "epoll": noisy[::-1]}).result("there")
        drawing, = next(chart for chart in charts.CHARTS if chart.name == "machines").draw([here, there])
        self.assertNotIn("place", " ".join(label.get_text() for label in drawing.labels))


class Script(unittest.TestCase):
    """scripts/charts as its users call it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        (cls.path / "r.json").write_bytes(Document().job("cpu", {"serial": [4e6] * 6, "threads": [2e6] * 6}).text())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_charts(self, *arguments, **environment):
        return subprocess.run([ROOT / "scripts" / "charts", *arguments], cwd=self.path, capture_output=True, text=True,
                              check=False, env=os.environ | {"BENCH_PYTHON": sys.executable} | environment)

    def test_draws_says_what_it_skipped_and_what_would_fill_it(self):
        run = self.run_charts("r.json", "--out=out", DISPLAY="", MPLBACKEND="nonsense")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("out/jobs.svg\nout/jobs.png\n", run.stdout)
        self.assertTrue((self.path / "out" / "jobs.png").read_bytes().startswith(b"\x89PNG"))
        self.assertRegex(run.stderr, "(?m)^skipped c10k: .*; to fill it: bench --suite=c10k$")

    def test_only_draws_that_alone(self):
        run = self.run_charts("r.json", "--out=only", "--only=jobs")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(sorted(os.listdir(self.path / "only")), ["jobs.png", "jobs.svg"])

    def refusal(self, *arguments, **environment):
        run = self.run_charts(*arguments, **environment)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        return run.stderr

    def test_refusals_are_one_clear_line(self):
        (self.path / "damaged.json").write_text('{"context": {"date"')
        (self.path / "foreign.json").write_text('{"hello": 1}')
        self.assertIn("scripts/charts: damaged.json: not JSON: line 1, column", self.refusal("damaged.json"))
        self.assertIn("foreign.json: no key context", self.refusal("foreign.json"))
        self.assertIn("nowhere.json: cannot be read: No such file or directory", self.refusal("nowhere.json"))
        self.assertIn("--only=job: no such chart (did you mean 'jobs'?): there are c10k", self.refusal("r.json", "--only=job"))
        self.assertIn("--out=r.json: cannot be written: ", self.refusal("r.json", "--out=r.json"))
        self.assertIn("--out=/proc/x: cannot be written: ", self.refusal("r.json", "--out=/proc/x"))

    def test_nothing_to_draw_is_an_error(self):
        run = self.run_charts("r.json", "--only=c10k", "--out=none")
        self.assertEqual(run.returncode, 1)
        self.assertIn("no chart was drawn", run.stderr)

    def test_no_interpreter_says_what_to_install(self):
        run = self.run_charts("r.json", BENCH_PYTHON="/bin/false")
        self.assertEqual(run.returncode, 1)
        self.assertIn("scripts/setup --charts", run.stderr)


class Only(unittest.TestCase):
    def test_names_charts_in_their_order(self):
        self.assertEqual([chart.name for chart in charts.chosen(["jobs,c10k"])], ["c10k", "jobs"])
        self.assertEqual(charts.chosen([]), list(charts.CHARTS))
        with self.assertRaises(PlotError):
            charts.chosen([""])


if __name__ == "__main__":
    unittest.main()
