"""The chart of CPU per request against context switches per request."""
import unittest

from plots import style, switches
from plots.errors import Skip
from tests.plots.drawn import all_text, cut_off, marks, overlapping_labels, titled
from tests.plots.fixtures import TEXTBOOK, Document, ServiceFigures

style.prepare()


def echo(connections=10, document=None, ideal_ns=2000.0, **models):
    figures = {model.replace("_", "-"): one for model, one in models.items()}
    return (document or Document()).service("echo", figures, connections=connections, ideal_ns=ideal_ns)


def dots(axes):
    return {(round(x, 6), y): (marker, hollow) for x, y, marker, hollow in marks(axes)}


class Dots(unittest.TestCase):
    def test_stand_at_switches_of_both_kinds_and_cpu(self):
        drawing = switches.draw(echo(epoll=ServiceFigures(cpu_ns=6000.0, switches=(0.5, 0.25)),
                                     threads=ServiceFigures(cpu_ns=9000.0, switches=(1.0, 0.0))).result())[0]
        shown = dots(titled(drawing, "echo"))
        self.assertEqual(shown[0.75, 6000.0], (style.look("epoll").marker, False))
        self.assertEqual(shown[1.0, 9000.0], (style.look("threads").marker, False))
        self.assertIn("epoll 6.00 µs with 0.75 switches", drawing.alt)

    def test_without_a_switch_are_seen_at_zero(self):
        drawing = switches.draw(echo(nonblocking=ServiceFigures(switches=(0.0, 0.0)),
                                     epoll=ServiceFigures()).result())[0]
        axes = titled(drawing, "echo")
        self.assertIn((0.0, 8000.0), dots(axes))
        self.assertEqual(axes.get_xscale(), "linear")
        self.assertLess(axes.get_xlim()[0], 0)
        self.assertGreater(axes.get_xlim()[0], -0.1)

    def test_all_without_a_switch_still_have_an_axis(self):
        drawing = switches.draw(echo(nonblocking=ServiceFigures(switches=(0.0, 0.0))).result())[0]
        low, high = titled(drawing, "echo").get_xlim()
        self.assertTrue(-0.01 < low < 0, low)
        self.assertGreaterEqual(high, 0.05)

    def test_show_the_interval_of_the_cpu(self):
        drawing = switches.draw(echo(epoll=ServiceFigures(cpu_ns=[7e3, 7.5e3, 8e3, 8e3, 8.5e3, 9e3])).result())[0]
        self.assertIn([7e3, 9e3], [list(line.get_ydata()) for line in titled(drawing, "echo").lines])

    def test_are_hollow_where_not_to_be_ranked_and_the_label_says_why(self):
        drawing = switches.draw(echo(epoll=ServiceFigures(cpu_ns=6000.0), serial=ServiceFigures(
            cpu_ns=5000.0, limit="starved", served=1)).result())[0]
        shown = dots(titled(drawing, "echo"))
        self.assertEqual((shown[0.4, 6000.0][1], shown[0.4, 5000.0][1]), (False, True))
        self.assertIn("serial 5.00 µs (starved)", [label.get_text() for label in drawing.labels])
        self.assertIn("(starved: served 1 of 10 connections)", drawing.alt)

    def test_are_all_labelled_without_overlap(self):
        figures = {model: ServiceFigures(cpu_ns=8000.0 + index, switches=(1.0, 0.01 * index))
                   for index, model in enumerate(TEXTBOOK)}
        drawing = switches.draw(Document().service("echo", figures).result())[0]
        self.assertEqual(len(drawing.labels), len(TEXTBOOK))
        self.assertEqual(overlapping_labels(drawing), [])
        self.assertEqual(cut_off(drawing), [])


class Ideal(unittest.TestCase):
    def test_is_a_dashed_line_with_its_figure(self):
        drawing = switches.draw(echo(epoll=ServiceFigures(), ideal_ns=1500.0).result())[0]
        axes = titled(drawing, "echo")
        self.assertIn([1500.0, 1500.0], [list(line.get_ydata()) for line in axes.lines if line.is_dashed()])
        self.assertIn("ideal 1.50 µs", all_text(drawing))
        self.assertLess(axes.get_ylim()[0], 1500)


class Panels(unittest.TestCase):
    def test_are_of_one_group_each_and_at_most_six_in_a_figure(self):
        document = Document()
        for connections in (1, 2, 3, 4, 5, 6, 7):
            echo(connections, document, epoll=ServiceFigures())
        drawings = switches.draw(document.result())
        self.assertEqual([(drawing.suffix, len(drawing.figure.axes)) for drawing in drawings], [("", 6), ("2", 1)])
        self.assertIn("7 connections", drawings[1].figure.axes[0].get_title("left"))


def crosses(one, other):
    """Whether two lines that both end at the right edge cross each other: which is above changes on the way there."""
    left, right = sorted((one, other))
    (x, y), (end_x, end_y) = left
    start_x, start_y = right[0]
    above_there = y + (end_y - y) * (start_x - x) / (end_x - x) - start_y
    return above_there * (end_y - right[1][1]) < -1e-12


class Untangle(unittest.TestCase):
    def test_the_lines_of_labels_do_not_cross(self):
        figures = {model: ServiceFigures(cpu_ns=8000.0 + 10 * index, switches=(0.1 * index, 0.0))
                   for index, model in enumerate(TEXTBOOK)}
        axes = titled(switches.draw(Document().service("echo", figures).result())[0], "echo")
        leaders = [list(zip(*line.get_data()))[:2] for line in axes.lines
                   if len(line.get_xdata()) == 3 and line.get_transform() == axes.figure.transFigure]
        self.assertEqual(len(leaders), len(TEXTBOOK))
        crossing = [(a, b) for index, a in enumerate(leaders) for b in leaders[index + 1:] if crosses(a, b)]
        self.assertEqual(crossing, [])

    def test_keeps_the_order_of_points_above_each_other(self):
        self.assertEqual(style.untangle([(0, 1), (0, 2), (0, 3)], 10, [1, 5, 9]), [0, 1, 2])

    def test_joins_points_so_that_no_lines_cross(self):
        # The left point is the lower one, and its line to the lower place would pass through that of the right point.
        points, heights = [(0, 5), (8, 5.2)], [0, 6]
        self.assertEqual(style.untangle(points, 10, heights), [0, 1])
        points, heights = [(8, 4.8), (0, 5)], [4, 10]
        self.assertEqual(style.untangle(points, 10, heights), [0, 1])
        points, heights = [(0, 5), (8, 5.2)], [5, 11]
        self.assertEqual(style.untangle(points, 10, heights), [1, 0])


class Missing(unittest.TestCase):
    def test_without_a_service_there_is_no_chart(self):
        with self.assertRaisesRegex(Skip, "context switches of no service were measured"):
            switches.draw(Document().job("cpu", {"serial": [1e6]}).result())

    def test_of_a_server_that_is_not_observed_there_is_no_chart(self):
        document = echo(server=ServiceFigures())
        for row in document.rows:
            row["bench"] = {key: value for key, value in row["bench"].items()
                            if not key.startswith(("server_cpu", "voluntary", "involuntary", "minor", "major"))}
        with self.assertRaises(Skip):
            switches.draw(document.result())


if __name__ == "__main__":
    unittest.main()
