"""The chart of few active among many idle connections: which groups it takes, its lines, and marks with a flaw."""
import unittest

from plots import idle_connections, style
from plots.errors import Skip
from plots.palette import look
from tests.plots.drawn import all_text, cut_off, marks, overlapping_labels, titled
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()


def sweep(document=None, numbers=(10, 100, 900), active=10, **more):
    document = document or Document()
    for number in numbers:
        cpu_ns = [each * number for each in (90, 95, 100, 100, 105, 110)]
        figures = {"select": ServiceFigures(cpu_ns=cpu_ns, p99_ns=1e3 * number),
                   "epoll": ServiceFigures(cpu_ns=9000.0, p99_ns=50e3)}
        document.service("echo", figures, connections=number, active=active, rate_mode="fixed", offered=5000.0, **more)
    return document


def line_of(axes, model):
    """(x, y) of the line through all points of the model."""
    return next((list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
                if line.get_color() == look(model).colour and len(line.get_xdata()) > 2)


class Lines(unittest.TestCase):
    def test_show_cpu_and_tail_over_the_connections(self):
        drawing = idle_connections.draw(sweep().result())[0]
        cpu, latency = titled(drawing, "server CPU"), titled(drawing, "p99")
        self.assertEqual(line_of(cpu, "select")[1], [1000, 10_000, 90_000])
        self.assertEqual(line_of(latency, "epoll")[1], [50e3] * 3)
        for axes in (cpu, latency):
            self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
            self.assertEqual(sorted(axes.get_xticks()), [10, 100, 900])
            self.assertIn("10 are active", axes.get_xlabel())

    def test_of_models_stand_beside_each_other(self):
        cpu = titled(idle_connections.draw(sweep().result())[0], "server CPU")
        self.assertLess(line_of(cpu, "select")[0][0], 10)
        self.assertGreater(line_of(cpu, "epoll")[0][0], 10)

    def test_have_their_intervals_and_names(self):
        drawing = idle_connections.draw(sweep().result())[0]
        cpu = titled(drawing, "server CPU")
        self.assertIn([81_000, 99_000], [list(line.get_ydata()) for line in cpu.lines])
        self.assertEqual({label.get_text() for label in drawing.labels},
                         {"select 90.0 µs", "epoll 9.00 µs", "select 900 µs", "epoll 50.0 µs"})
        self.assertEqual(overlapping_labels(drawing), [])
        self.assertEqual(cut_off(drawing), [])

    def test_the_ideal_is_dashed_and_named(self):
        drawing = idle_connections.draw(sweep(ideal_ns=200.0).result())[0]
        ideal = next(line for line in titled(drawing, "server CPU").lines if line.get_gid() == "ideal")
        self.assertEqual(list(ideal.get_ydata()), [200] * 3)
        self.assertNotEqual(ideal.get_linestyle(), "-")
        self.assertIn("ideal 200 ns", all_text(drawing))
        self.assertLess(titled(drawing, "server CPU").get_ylim()[0], 200)

    def test_the_words_for_the_blind_have_both_ends(self):
        alt = idle_connections.draw(sweep().result())[0].alt
        for number, first in ((10, "select 1.00 µs and 10.0 µs"), (900, "epoll 9.00 µs and 50.0 µs")):
            self.assertIn(f"At {number} connections, 10 of them active, server CPU per request and p99: {first}", alt)


class Flaws(unittest.TestCase):
    def test_are_hollow_and_their_reason_is_said(self):
        document = sweep(numbers=(10, 100))
        document.service("echo", {"select": ServiceFigures(invalid={2: "the load generator was the limit"}),
                                  "epoll": ServiceFigures()},
                         connections=900, active=10, rate_mode="fixed", offered=5000.0)
        drawing = idle_connections.draw(document.result())[0]
        hollow = [hollow for _, _, marker, hollow in marks(titled(drawing, "server CPU"))
                  if marker == look("select").marker]
        self.assertEqual(hollow[:3], [False, False, True])  # then that of the label
        self.assertIn("select 8.00 µs (invalid)", all_text(drawing))
        self.assertRegex(all_text(drawing).replace("\n", " "),
                         r"select at 900 connections: invalid.*1 of 6 runs.*: the load generator was the limit")

    def test_without_any_nothing_is_said_of_them(self):
        self.assertNotIn("Hollow", all_text(idle_connections.draw(sweep().result())[0]))


class Sweeps(unittest.TestCase):
    def test_keep_to_one_rate_and_one_load(self):
        document = sweep(numbers=(10, 100))
        document.service("echo", {"epoll": ServiceFigures(cpu_ns=1.0)}, connections=900, active=10, rate_mode="fixed",
                         offered=1000.0)
        document.service("echo", {"epoll": ServiceFigures(cpu_ns=1.0)}, connections=800, active=10, rate_mode="fixed",
                         offered=5000.0, message_bytes=1024)
        drawing, = idle_connections.draw(document.result())
        self.assertEqual(sorted(drawing.figure.axes[0].get_xticks()), [10, 100])

    def test_are_in_order_of_their_connections(self):
        drawing = idle_connections.draw(sweep(numbers=(900, 10, 100)).result())[0]
        self.assertEqual(line_of(titled(drawing, "server CPU"), "select")[1], [1000, 10_000, 90_000])

    def test_of_another_number_of_active_ones_are_drawn_apart(self):
        drawings = idle_connections.draw(sweep(sweep(numbers=(10, 100)), numbers=(50, 200), active=5).result())
        self.assertEqual([drawing.suffix for drawing in drawings], ["", "echo-2"])
        self.assertEqual(drawings[1].title, "echo: 5 active connections among up to 200")

    def test_without_idle_connections_there_is_no_chart(self):
        document = Document()
        for number in (10, 100):
            document.service("echo", {"epoll": ServiceFigures()}, connections=number)
        with self.assertRaisesRegex(Skip, "same number is active"):
            idle_connections.draw(document.result())

    def test_a_single_number_of_connections_is_no_sweep(self):
        with self.assertRaises(Skip):
            idle_connections.draw(sweep(numbers=(100,)).result())


if __name__ == "__main__":
    unittest.main()
