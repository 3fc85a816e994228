"""The chart of latency by percentile: merged histograms, read off at quantiles, on the axis of HDR histograms."""
import unittest

import numpy as np

from plots import percentiles, style
from plots.errors import Skip
from tests.plots.drawn import cut_off, overlapping_labels, texts, titled
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()

THOUSAND = [500, 600, 900, 300, 1000, 90, 1500, 10]  # ends of the buckets: 500, 900, 1000, 1500 ns


def echo(**models):
    return Document().service("echo", {model.replace("_", "-"): figures for model, figures in models.items()})


def curve_of(drawing, model, panel="echo"):
    line = next(line for line in titled(drawing, panel).lines if line.get_label() == model)
    return dict(zip(line.get_xdata(), line.get_ydata())), line


class Buckets(unittest.TestCase):
    def test_have_the_ends_that_the_format_says(self):
        self.assertEqual(list(percentiles.highest_ns(np.array([0, 1023, 1024, 2047, 2048, 2049, 3072]))),
                         [0, 1023, 1024, 2047, 2049, 2051, 4099])

    def test_of_samples_are_added_and_invalid_samples_left_out(self):
        document = echo(epoll=ServiceFigures(runs=3, histogram=[900, 10, 700, 5], invalid={1: "why"}))
        cell = document.result().groups[0].cells[0]
        latencies, counts = percentiles.merged(cell.samples)
        self.assertEqual(list(latencies), [700, 900])
        self.assertEqual(list(counts), [10, 20])

    def test_of_no_valid_sample_are_none(self):
        cell = echo(epoll=ServiceFigures(runs=1, invalid={0: "why"})).result().groups[0].cells[0]
        self.assertEqual(percentiles.merged(cell.samples)[0].size, 0)


class Curve(unittest.TestCase):
    def points(self, counts):
        pairs = np.array(counts).reshape(-1, 2)
        return dict(zip(*percentiles.curve(pairs[:, 0], pairs[:, 1])))

    def test_reads_off_each_percentile(self):
        found = self.points(THOUSAND)
        self.assertEqual([found[x] for x in (1, 2, 10, 100)], [500, 500, 900, 1000])

    def test_takes_the_sample_at_the_rank(self):
        found = self.points([500, 999, 900, 9001])  # 99.9% of 10,000 are 9,990 samples
        self.assertEqual(found[1000], 900)
        found = self.points([500, 9990, 900, 10])
        self.assertEqual(found[1000], 500)

    def test_ends_where_too_few_samples_lie_beyond(self):
        self.assertEqual(max(self.points(THOUSAND)), 100)
        self.assertEqual(max(self.points([500, 999])), 99.9)

    def test_is_empty_where_the_median_has_too_few_samples_beyond(self):
        self.assertEqual(self.points([500, 19]), {})
        self.assertEqual(max(self.points([500, 20])), 2)

    def test_rises_without_falling(self):
        generator = np.random.default_rng(3)
        counts = generator.integers(1, 50, 300)
        ys = percentiles.curve(np.arange(300) * 7, counts)[1]
        self.assertTrue(np.all(np.diff(ys) >= 0))


class Panels(unittest.TestCase):
    def test_show_a_curve_for_each_model_on_log_axes(self):
        drawing = percentiles.draw(echo(epoll=ServiceFigures(runs=1, histogram=THOUSAND), threads=ServiceFigures())
                                   .result())[0]
        axes = titled(drawing, "echo")
        points, line = curve_of(drawing, "epoll")
        self.assertEqual([points[x] for x in (2, 10, 100)], [500, 900, 1000])
        self.assertEqual(line.get_color(), style.look("epoll").colour)
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
        self.assertEqual([text.get_text() for text in axes.get_xticklabels()], ["50%", "90%", "99%"])
        self.assertEqual(list(axes.get_xticks()), [2, 10, 100])
        self.assertLess(axes.get_ylim()[0], 500)
        self.assertGreater(axes.get_ylim()[1], 1000)

    def test_label_each_curve_with_the_latency_at_its_end(self):
        drawing = percentiles.draw(echo(epoll=ServiceFigures(runs=1, histogram=THOUSAND), threads=ServiceFigures())
                                   .result())[0]
        self.assertEqual(sorted(label.get_text() for label in drawing.labels), ["epoll 1.00 µs", "threads 900 ns"])
        self.assertIn("epoll 500 ns at 50%, 1.00 µs at 99%", drawing.alt)
        self.assertEqual(overlapping_labels(drawing), [])
        self.assertEqual(cut_off(drawing), [])

    def test_are_hollow_where_not_to_be_ranked_and_say_why(self):
        drawing = percentiles.draw(echo(
            epoll=ServiceFigures(), serial=ServiceFigures(limit="starved", served=1),
            poll=ServiceFigures(invalid={0: "why", 3: "why"})).result())[0]
        hollow = {label: curve_of(drawing, label)[1].get_markerfacecolor() == style.SURFACE
                  for label in ("epoll", "serial", "poll")}
        self.assertEqual(hollow, {"epoll": False, "serial": True, "poll": True})
        labels = [label.get_text() for label in drawing.labels]
        self.assertIn("serial 900 ns (starved)", labels)
        self.assertIn("poll 900 ns (invalid: 2 of 6)", labels)

    def test_name_the_models_without_a_curve(self):
        drawing = percentiles.draw(echo(epoll=ServiceFigures(),
                                        poll=ServiceFigures(runs=1, invalid={0: "why"})).result())[0]
        self.assertIn("too few valid requests for a curve: poll", texts(drawing))
        self.assertEqual(len(titled(drawing, "echo").get_lines()), 1 + 2)  # a curve, and its label's line and mark

    def test_are_at_most_six_in_a_figure(self):
        document = Document()
        for connections in range(1, 9):
            document.service("echo", {"epoll": ServiceFigures()}, connections=connections)
        drawings = percentiles.draw(document.result())
        self.assertEqual([(drawing.suffix, len(drawing.figure.axes)) for drawing in drawings], [("", 6), ("2", 2)])


class Missing(unittest.TestCase):
    def test_without_enough_valid_latencies_there_is_no_chart(self):
        invalid = ServiceFigures(runs=2, invalid={0: "why", 1: "why"}, histogram=THOUSAND)
        for document in (echo(epoll=invalid), echo(epoll=ServiceFigures(runs=1)),
                         Document().job("cpu", {"serial": [1e6]})):
            with self.assertRaisesRegex(Skip, "valid run with at least 20 latencies"):
                percentiles.draw(document.result())


if __name__ == "__main__":
    unittest.main()
