"""The chart of samples: every run by its round as a multiple of its cell's median, over the rulers and the regimes."""
import unittest

from plots import samples, style
from plots.errors import Skip
from plots.palette import OTHER, SURFACE
from tests.plots.drawn import all_text, cut_off, overlapping_labels, texts, titled
from tests.plots.fixtures import TEXTBOOK, Document, ServiceFigures

style.prepare()

REGIMES = ["usual", "slow", "slow", "changing", "usual", "usual"]


def job(document=None, workload="cpu", **more):
    document = document or Document()
    times_ns = {"serial": [40e6, 40e6, 40e6, 80e6, 40e6, 40e6], "threads": [20e6] * 6}
    return document.job(workload, times_ns, ideal_ns=20e6, **({"regimes": REGIMES} | more))


def line(axes, gid):
    return next(line for line in axes.lines if line.get_gid() == gid)


def shares(axes, label):
    return [round(share, 6) for share in line(axes, f"samples:{label}").get_ydata()]


def _ends(patch):
    """Where a span begins and ends: some versions of matplotlib draw it as a polygon, some as a rectangle."""
    across = patch.get_path().transformed(patch.get_patch_transform()).vertices[:, 0]
    return across.min(), across.max()


def alone(drawings):
    if len(drawings) != 1:
        raise AssertionError(f"{len(drawings)} drawings")
    return drawings[0]


class Values(unittest.TestCase):
    def test_of_a_job_are_times_over_the_ideal_by_their_median(self):
        document = job()
        for row in document.rows:  # a round in which the machine took twice as long for the ideal too
            if row["run_type"] == "iteration" and row["repetition_index"] == 3:
                row["bench"]["ideal_ns"] = 40e6
        axes = titled(alone(samples.draw(document.result())), "cpu ·")
        self.assertEqual(shares(axes, "serial"), [1, 1, 1, 1, 1, 1])
        self.assertEqual(shares(axes, "threads"), [1, 1, 1, 0.5, 1, 1])

    def test_of_a_service_are_cpu_per_request(self):
        figures = {"epoll": ServiceFigures(cpu_ns=[8e3, 8e3, 8e3, 8e3, 12e3, 8e3], p50_ns=1.0)}
        drawing = alone(samples.draw(Document().service("echo", figures).result()))
        self.assertEqual(shares(titled(drawing, "echo ·"), "epoll"), [1, 1, 1, 1, 1.5, 1])
        self.assertIn("server's CPU time per request", all_text(drawing).replace("\n", " "))

    def test_of_a_service_that_is_not_observed_are_latencies(self):
        document = Document().service("echo", {"server": ServiceFigures(p50_ns=[1e3, 2e3, 2e3, 2e3, 2e3, 3e3])})
        for row in document.rows:
            for key in ("server_cpu_ns_per_request", "voluntary_switches_per_request", "involuntary_switches_per_request"):
                row["bench"].pop(key, None)
        drawing = alone(samples.draw(document.result()))
        self.assertEqual(shares(titled(drawing, "echo ·"), "server"), [0.5, 1, 1, 1, 1, 1.5])
        self.assertIn("mean latency", all_text(drawing).replace("\n", " "))

    def test_that_answered_nothing_are_left_out(self):
        figures = {"epoll": ServiceFigures(cpu_ns=[8e3, 8e3, 8e3, 8e3, 8e3, 0.0])}
        drawing = alone(samples.draw(Document().service("echo", figures).result()))
        self.assertEqual(shares(titled(drawing, "echo ·"), "epoll"), [1, 1, 1, 1, 1])

    def test_of_a_primitive_are_times(self):
        document = Document().primitive("spawn", {("threads", "clone", 1): [1e3, 2e3, 4e3]})
        drawing = alone(samples.draw(document.result()))
        self.assertEqual(shares(titled(drawing, "spawn ·"), "threads"), [0.5, 1, 2])
        self.assertIn("time of an operation", all_text(drawing).replace("\n", " "))

    def test_stand_at_their_rounds_in_order_beside_each_other(self):
        axes = titled(alone(samples.draw(job().result())), "cpu ·")
        for label in ("serial", "threads"):
            places = list(line(axes, f"samples:{label}").get_xdata())
            self.assertEqual([round(place) for place in places], [0, 1, 2, 3, 4, 5])
        self.assertNotEqual(line(axes, "samples:serial").get_xdata()[0], line(axes, "samples:threads").get_xdata()[0])
        self.assertEqual(axes.get_yscale(), "log")

    def test_that_are_invalid_are_hollow_and_their_reason_is_said(self):
        figures = {"epoll": ServiceFigures(invalid={2: "the load generator was the limit"})}
        drawing = alone(samples.draw(Document().service("echo", figures).result()))
        points = [mark for mark in titled(drawing, "echo ·").lines if len(mark.get_xdata()) == 1]
        hollow = [round(mark.get_xdata()[0]) for mark in points if mark.get_markerfacecolor() == SURFACE]
        self.assertEqual(hollow, [2])
        self.assertIn("Hollow marks are runs that are not to be ranked: the load generator was the limit (epoll).",
                      all_text(drawing).replace("\n", " "))
        self.assertIn("epoll (invalid)", texts(drawing))

    def test_of_a_starved_model_are_all_hollow(self):
        drawing = alone(samples.draw(Document().service(
            "echo", {"serial": ServiceFigures(limit="starved", served=1)}).result()))
        points = [mark for mark in titled(drawing, "echo ·").lines if len(mark.get_xdata()) == 1]
        self.assertEqual([mark.get_markerfacecolor() for mark in points[:6]], [SURFACE] * 6)
        self.assertNotIn("Hollow", all_text(samples.draw(job().result())[0]))


class Machine(unittest.TestCase):
    def document(self):
        readings = [(at, when, 2000.0 if at < 3 else 4000.0, 0.0, 100.0)
                    for at in range(6) for when in ("before", "after")]
        return job().ruler("cpu", readings).ruler("io", [(0, "before", 1000.0, 0.0, 100.0)])

    def test_readings_stand_around_their_round_over_the_least_of_the_file(self):
        ruler = titled(alone(samples.draw(self.document().result())), "the ruler")
        spin = line(ruler, "ruler:spin_ns")
        self.assertEqual(list(spin.get_ydata()), [2] * 6 + [4] * 6)
        self.assertEqual([round(place, 2) for place in spin.get_xdata()[:4]], [-0.33, 0.33, 0.67, 1.33])
        self.assertEqual(list(line(ruler, "ruler:system_call_ns").get_ydata()), [1] * 12)

    def test_a_ruler_that_cannot_be_is_left_out(self):
        drawing = alone(samples.draw(self.document().result()))  # one CPU: no trip of a cache line
        self.assertNotIn("ruler:line_trip_ns", [line.get_gid() for line in titled(drawing, "the ruler").lines])
        self.assertNotIn("cache line", texts(drawing))
        self.assertIn("computation", texts(drawing))

    def test_rulers_differ_in_more_than_colour(self):
        ruler = titled(alone(samples.draw(self.document().result())), "the ruler")
        dashes = {str(line.get_linestyle()) + str(line._dash_pattern) for line in ruler.lines if line.get_gid()}
        self.assertEqual(len(dashes), 2)

    def test_the_panels_share_their_rounds(self):
        upper, lower = alone(samples.draw(self.document().result())).figure.axes
        self.assertEqual(upper.get_xlim(), lower.get_xlim())
        self.assertEqual(list(lower.get_xticks()), [0, 1, 2, 3, 4, 5])

    def test_unusual_rounds_are_shaded_and_named(self):
        for axes in alone(samples.draw(self.document().result())).figure.axes:
            shaded = {patch.get_gid(): (*_ends(patch), bool(patch.get_hatch()))
                      for patch in axes.patches}
            self.assertEqual(shaded, {"slow:1-2": (0.5, 2.5, False), "changing:3-3": (2.5, 3.5, True)})
            self.assertEqual([text.get_text() for text in axes.texts if text.get_text() in ("slow", "changing")],
                             ["slow", "changing"])

    def test_a_quiet_machine_has_no_shade(self):
        drawing = alone(samples.draw(job(regimes=["usual"] * 6).result()))
        self.assertEqual([list(axes.patches) for axes in drawing.figure.axes], [[], []])

    def test_a_file_without_readings_says_so(self):
        self.assertIn("the file has no readings", texts(samples.draw(job().result())[0]))

    def test_the_words_for_the_blind_say_when_it_changed(self):
        alt = samples.draw(self.document().result())[0].alt
        self.assertIn("cpu: 6 rounds, 3 usual, 2 slow, 1 changing.", alt)
        self.assertIn("that of serial in round 3 of cpu · 10 tasks · 2 CPUs: 2.00×", alt)
        self.assertIn("computation 2.00× to 4.00×, system call 1.00× to 1.00×", alt)


class Figures(unittest.TestCase):
    def test_hold_two_workloads_or_all_groups_of_one(self):
        document = Document()
        for number in (10, 100):
            document.service("echo", {"epoll": ServiceFigures()}, connections=number)
        for workload in ("cpu", "io", "sum"):
            job(document, workload)
        drawings = samples.draw(document.result())
        self.assertEqual([drawing.suffix for drawing in drawings], ["echo", "cpu-io", "sum"])
        self.assertEqual([axes.get_title("left") for axes in drawings[0].figure.axes],
                         ["echo: 10 connections", "echo: 100 connections", "echo: the ruler", "echo: the ruler"])
        self.assertEqual([axes.get_title("left") for axes in drawings[1].figure.axes],
                         ["cpu · 10 tasks · 2 CPUs", "io · 10 tasks · 2 CPUs", "cpu: the ruler", "io: the ruler"])

    def test_groups_of_the_same_title_are_told_apart_by_their_models(self):
        document = job().job("cpu", {"thread-pool": [1e6] * 6})
        titles = [axes.get_title("left") for axes in alone(samples.draw(document.result())).figure.axes[:2]]
        self.assertEqual(titles, ["cpu: serial, threads", "cpu: thread-pool"])

    def test_of_many_models_name_those_that_stray_the_most(self):
        times = {model: [1e6, 1e6, 1e6, 1e6, 1e6, 1e6 * (1 + index / 10)] for index, model in enumerate(TEXTBOOK)}
        drawing = alone(samples.draw(Document().job("cpu", times).result()))
        named = {label.get_text() for label in drawing.labels}
        self.assertEqual(named, set(TEXTBOOK[-8:]) | {"7 that stray less"})
        grey = [line for line in titled(drawing, "cpu ·").lines
                if line.get_color() == OTHER.colour and len(line.get_xdata()) == 6]
        self.assertEqual(len(grey), 7)
        self.assertEqual(overlapping_labels(drawing), [])

    def test_panels_of_one_figure_have_the_same_scale(self):
        document = job().job("io", {"serial": [1e6] * 6})
        cpu, io, *_ = samples.draw(document.result())[0].figure.axes
        self.assertEqual(cpu.get_ylim(), io.get_ylim())
        self.assertLess(cpu.get_ylim()[0], 1)
        self.assertGreater(cpu.get_ylim()[1], 2)

    def test_nothing_is_cut_off(self):
        document = job().ruler("cpu", [(0, "before", 1.0, 1.0, 1.0), (0, "after", 1.0, 2.0, 3.0)])
        document.primitive("spawn", {("processes", via, cpus): [1e3] * 6 for via in ("condition", "semaphore")
                                     for cpus in (1, 2)})
        for drawing in samples.draw(document.result()) + samples.draw(
                job().ruler("cpu", [(0, "before", 1.0, 1.0, 1.0)]).result()):
            self.assertEqual(cut_off(drawing), [])
            self.assertEqual(overlapping_labels(drawing), [])

    def test_a_single_round_has_no_course(self):
        with self.assertRaisesRegex(Skip, "two or more rounds"):
            samples.draw(Document().job("cpu", {"serial": [1e6]}).result())


if __name__ == "__main__":
    unittest.main()
