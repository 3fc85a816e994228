"""The chart of latency against offered rate, and of the highest rate that keeps a promise."""
import unittest

from plots import offered, style
from plots.errors import Skip
from tests.plots.drawn import all_text, cut_off, marks, overlapping_labels, texts, titled
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()

EPOLL_P99 = {10e3: 100e3, 20e3: 120e3, 40e3: 9e6}


def sweep(document=None, connections=50, rates=(40e3, 10e3, 20e3), **changed):
    """Rates in another order than theirs; `changed`: at 40,000 requests/s."""
    document = document or Document()
    for rate in rates:
        at_last = changed if rate == 40e3 else {}
        document.service("echo", {
            "threads": ServiceFigures(p50_ns=40e3, p99_ns=[300e3, 310e3, 320e3, 330e3, 340e3, 350e3]),
            "epoll": ServiceFigures(p50_ns=30e3, p99_ns=EPOLL_P99[rate], **at_last),
        }, connections=connections, rate_mode="fixed", offered=rate)
    return document


def of_marker(axes, model):
    return [(round(x), y, hollow) for x, y, marker, hollow in marks(axes) if marker == style.look(model).marker]


def search(**knees):
    document = Document()
    document.slo = {"quantile_percent": 99.0, "limit_ns": 10_000_000}
    figures = {}
    for model, knee in knees.items():
        why = knee.get("why_not_found")
        invalid = {run: f"no knee found: {why}" for run in range(6)} if why else {}
        figures[model] = ServiceFigures(knee=knee, invalid=invalid)
    return document.service("http", figures, rate_mode="search")


def knee(rate, above=None, why=None):
    found = {"rate_per_second": rate, "tries": 5}
    return found | ({"above_rate_per_second": above, "above_quantile_ns": 2e7, "above_why": why} if above else {})


class HockeyStick(unittest.TestCase):
    def test_has_a_line_for_each_model_ascending_in_the_rate(self):
        drawing = offered.draw(sweep().result())[0]
        p99 = titled(drawing, "p99")
        line = next(line for line in p99.lines if list(line.get_ydata()) == list(EPOLL_P99.values()))
        for x, rate in zip(line.get_xdata(), EPOLL_P99):
            self.assertAlmostEqual(x / rate, 1, delta=0.05)
        self.assertEqual([y for _, y, _ in of_marker(titled(drawing, "p50"), "threads")], [40e3] * 3)

    def test_has_ticks_at_the_rates_and_a_log_axis_of_latency(self):
        p99 = titled(offered.draw(sweep().result())[0], "p99")
        self.assertEqual([text.get_text() for text in p99.get_xticklabels()], ["10k", "20k", "40k"])
        self.assertEqual(p99.get_yscale(), "log")
        self.assertLess(p99.get_ylim()[0], 100e3)
        self.assertGreater(p99.get_ylim()[1], 9e6)

    def test_shows_intervals_as_the_file_has_them(self):
        p99 = titled(offered.draw(sweep().result())[0], "p99")
        self.assertIn([300e3, 350e3], [list(line.get_ydata()) for line in p99.lines])

    def test_labels_the_last_point(self):
        drawing = offered.draw(sweep().result())[0]
        self.assertIn("epoll 9.00 ms", [label.get_text() for label in drawing.labels])
        self.assertIn("epoll from 100 µs at 10,000 requests/s to 9.00 ms at 40,000 requests/s", drawing.alt)
        self.assertEqual(overlapping_labels(drawing), [])
        self.assertEqual(cut_off(drawing), [])

    def test_is_hollow_where_the_rate_was_not_met_and_says_why(self):
        drawing = offered.draw(sweep(limit="server").result())[0]
        self.assertEqual([hollow for _, _, hollow in of_marker(titled(drawing, "p99"), "epoll")], [False, False, True])
        self.assertEqual([hollow for _, _, hollow in of_marker(titled(drawing, "p99"), "threads")], [False] * 3)
        self.assertIn("epoll at 40k (rate not met: the server was busy before", all_text(drawing).replace("\n", " "))
        self.assertIn("epoll at 40k (rate not met: the server was busy", drawing.alt)

    def test_is_hollow_where_runs_are_invalid_and_says_why(self):
        drawing = offered.draw(sweep(invalid={1: "others were busy"}).result())[0]
        self.assertTrue(of_marker(titled(drawing, "p50"), "epoll")[-1][2])
        self.assertIn("epoll at 40k (invalid in 1 of 6 runs: others were busy)", all_text(drawing).replace("\n", " "))

    def test_says_nothing_of_hollow_points_where_there_are_none(self):
        self.assertNotIn("Hollow", all_text(offered.draw(sweep().result())[0]))

    def test_models_with_the_same_flaw_at_the_same_rates_are_named_together(self):
        document = Document()
        for rate in (10e3, 20e3, 40e3):
            starved = {model: ServiceFigures(limit="starved", served=1) for model in ("serial", "epoll")}
            document.service("echo", starved, rate_mode="fixed", offered=rate)
        alt = offered.draw(document.result())[0].alt
        self.assertIn("Not to be ranked: serial, epoll at 10k, 20k, 40k (starved: served 1 of 10 connections).", alt)

    def test_loads_that_differ_otherwise_are_drawn_apart(self):
        drawings = offered.draw(sweep(sweep(), connections=900).result())
        self.assertEqual([drawing.suffix for drawing in drawings], ["", "2"])
        self.assertIn("50 connections", drawings[0].title)
        self.assertIn("900 connections", drawings[1].title)

    def test_two_rates_are_no_sweep(self):
        with self.assertRaisesRegex(Skip, "3 or more offered rates"):
            offered.draw(sweep(rates=(10e3, 20e3)).result())


class Knee(unittest.TestCase):
    def test_shows_the_highest_rate_and_what_broke_above_it(self):
        drawing = offered.draw(search(epoll=knee(40e3, 42e3, "p99 20.0 ms"), threads=knee(10e3, 10.5e3, "limit server"))
                               .result())[0]
        self.assertEqual(drawing.suffix, "knee")
        self.assertIn("p99 below 10 ms", drawing.title)
        axes = drawing.figure.axes[0]
        self.assertEqual(of_marker(axes, "epoll"), [(40_000, 1, False)])
        self.assertEqual(of_marker(axes, "threads"), [(10_000, 0, False)])
        for text in ("40,000/s", "at 42,000/s: p99 20.0 ms", "at 10,500/s: limit server"):
            self.assertIn(text, texts(drawing))
            self.assertIn(text, drawing.alt)
        self.assertEqual(cut_off(drawing), [])

    def test_is_only_a_lower_bound_where_the_load_generator_was_the_limit(self):
        drawing = offered.draw(search(epoll=knee(40e3, 42e3, "the load generator was the limit")).result())[0]
        self.assertIn("≥ 40,000/s", texts(drawing))

    def test_says_what_was_in_the_way_where_it_was_not_found(self):
        why = "other processes used 40% of the CPUs in 3 of 3 tries at 42,000/s"
        drawing = offered.draw(search(epoll=knee(40e3) | {"why_not_found": why},
                                      threads=knee(0) | {"why_not_found": why}).result())[0]
        for text in ("≥ 40,000/s (invalid)", "not known", why):
            self.assertIn(text, texts(drawing))
        self.assertEqual(cut_off(drawing), [])

    def test_is_at_no_rate_where_none_kept_the_promise(self):
        drawing = offered.draw(search(epoll=knee(40e3, 42e3, "p99 20.0 ms"),
                                      serial=knee(0, 1, "no request was answered")).result())[0]
        self.assertEqual(of_marker(drawing.figure.axes[0], "serial"), [])
        self.assertIn("at no rate that was tried", texts(drawing))
        alone = offered.draw(search(serial=knee(0, 1, "no request was answered")).result())[0]
        self.assertEqual(list(alone.figure.axes[0].get_xticks()), [])

    def test_without_a_higher_rate_says_so(self):
        drawing = offered.draw(search(epoll=knee(40e3)).result())[0]
        self.assertIn("kept up to the highest rate there is", texts(drawing))

    def test_stands_beside_a_sweep_of_the_same_file(self):
        document = search(epoll=knee(40e3, 42e3, "p99 20.0 ms"))
        self.assertEqual([drawing.suffix for drawing in offered.draw(sweep(document).result())], ["", "knee"])


class Missing(unittest.TestCase):
    def test_without_either_there_is_no_chart(self):
        for document in (Document().service("echo", {"epoll": ServiceFigures()}),
                         Document().job("cpu", {"serial": [1e6]})):
            with self.assertRaisesRegex(Skip, "nor was its highest rate searched for"):
                offered.draw(document.result())


if __name__ == "__main__":
    unittest.main()
