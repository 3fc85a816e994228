"""The chart of speed-up against workers, and the fit of the universal scalability law."""
import math
import unittest

import numpy as np

from plots import style, workers
from plots.errors import Skip
from tests.plots.drawn import all_text, cut_off, marks, texts, titled
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()

TASKS = 10
NUMBERS = (1, 2, 4, 8, 16, 32)
RATE, CONTENTION, COHERENCY = 1000.0, 0.05, 0.002  # its peak: N = 21.8


def law(number, rate=RATE, contention=CONTENTION, coherency=COHERENCY):
    return rate * number / (1 + contention * (number - 1) + coherency * number * (number - 1))


def pool(numbers=NUMBERS, runs=6, noise=0.0, model="thread-pool", **constants):
    """Times of a batch in ns that follow the law, with runs that differ by up to `noise`."""
    random = np.random.default_rng(5)
    return {(model, number): [TASKS * 1e9 / law(number, **constants) * (1 + noise * random.uniform(-1, 1))
                              for _ in range(runs)] for number in numbers}


def job(times, **more):
    return Document().job("io", times, tasks=TASKS, **more).result()


def fit(times):
    cells = workers.series_of(job(times).groups[0])[0].cells
    return workers.fit(cells)


class Fit(unittest.TestCase):
    def test_recovers_the_constants(self):
        found = fit(pool())
        self.assertAlmostEqual(found.rate.median, RATE, delta=1e-6 * RATE)
        self.assertAlmostEqual(found.contention.median, CONTENTION, delta=1e-6)
        self.assertAlmostEqual(found.coherency.median, COHERENCY, delta=1e-7)
        self.assertAlmostEqual(found.peak.median, math.sqrt((1 - CONTENTION) / COHERENCY), delta=0.01)

    def test_intervals_hold_the_constants_where_runs_differ(self):
        found = fit(pool(noise=0.05))
        for value, true in ((found.rate, RATE), (found.contention, CONTENTION), (found.coherency, COHERENCY)):
            self.assertLess(value.low, value.high)
            self.assertTrue(value.low <= true <= value.high, (value, true))
        self.assertLess(found.peak.high, 32)

    def test_perfect_scaling_has_neither_contention_nor_coherency(self):
        found = fit(pool(contention=0.0, coherency=0.0))
        self.assertAlmostEqual(found.contention.median, 0)
        self.assertAlmostEqual(found.coherency.median, 0)
        self.assertEqual(found.peak.median, math.inf)

    def test_constants_are_never_negative_and_contention_at_most_all(self):
        faster = workers.constants(np.array([1.0, 2.0, 4.0]), np.array([10.0, 25.0, 70.0]))  # more than linear
        self.assertEqual(faster[1:3], (0, 0))
        slower = workers.constants(np.array([1.0, 2.0, 4.0]), np.array([10.0, 6.0, 2.0]))
        self.assertTrue(0 <= slower[1] <= 1 and slower[2] > 0, slower)
        self.assertGreaterEqual(slower[3], 1)

    def test_one_worker_need_not_be_measured(self):
        self.assertAlmostEqual(fit(pool(numbers=(2, 3, 5, 9))).rate.median, RATE, delta=1e-6 * RATE)

    def test_the_same_file_gives_the_same_intervals(self):
        self.assertEqual(fit(pool(noise=0.1)), fit(pool(noise=0.1)))

    def test_fewer_than_six_runs_have_no_interval(self):
        self.assertEqual((fit(pool(runs=5, noise=0.1)).rate.low, fit(pool(runs=5)).rate.bounded), (None, False))


class Picture(unittest.TestCase):
    def test_shows_speed_up_over_the_fitted_rate_of_one_worker(self):
        axes = titled(workers.draw(job(pool()))[0], "thread-pool")
        points = [(x, y) for x, y, marker, _ in marks(axes)]
        self.assertEqual([x for x, _ in points], list(NUMBERS))
        for number, speed_up in points:
            self.assertAlmostEqual(speed_up, law(number) / RATE, delta=1e-3)

    def test_shows_speed_up_over_one_worker_where_that_was_not_measured(self):
        axes = titled(workers.draw(job(pool(numbers=(2, 3, 5))))[0], "thread-pool")
        self.assertAlmostEqual(marks(axes)[0][1], law(2) / RATE, delta=1e-3)

    def test_shows_the_law_and_the_ideal(self):
        axes = titled(workers.draw(job(pool()))[0], "thread-pool")
        lines = {line.get_label(): line for line in axes.lines}
        self.assertEqual(list(lines["ideal"].get_xdata()), list(lines["ideal"].get_ydata()))
        self.assertTrue(lines["ideal"].is_dashed())
        xs, ys = lines["law"].get_data()
        self.assertEqual((round(xs[0], 6), round(xs[-1], 6)), (1, 32))
        np.testing.assert_allclose(ys, law(xs) / RATE, rtol=1e-5)
        self.assertGreater(axes.get_ylim()[1], 32)

    def test_shows_intervals_over_the_same_rate(self):
        times = pool(contention=0.0, coherency=0.0)
        times["thread-pool", 4] = [share * times["thread-pool", 4][0] for share in (0.8, 0.9, 1, 1, 1.1, 1.25)]
        axes = titled(workers.draw(job(times))[0], "thread-pool")
        ends = next(list(line.get_ydata()) for line in axes.lines if list(line.get_xdata()) == [4, 4])
        np.testing.assert_allclose(ends, [4 / 1.25, 4 / 0.8], rtol=1e-3)

    def test_says_the_constants_with_intervals_and_the_peak(self):
        drawing = workers.draw(job(pool(noise=0.01)))[0]
        block = next(text for text in texts(drawing) if text.startswith("one worker"))
        self.assertRegex(block, r"one worker λ = 1,?\d+ \[.*\] tasks/s\ncontention σ = 0\.0\d+ \[.*\]\n"
                                r"coherency κ = 0\.00\d+ \[.*\]\npeak: at N = 2\d \[2\d, 2\d\]$")
        self.assertIn("over λ, that of one worker as fitted", all_text(drawing).replace("\n", " "))
        self.assertIn("contention σ = 0.0", drawing.alt)
        self.assertEqual(cut_off(drawing), [])

    def test_a_peak_beyond_what_was_measured_is_none_within_the_range(self):
        self.assertIn("peak: none within the range", all_text(workers.draw(job(pool(numbers=(1, 2, 4, 8))))[0]))

    def test_three_numbers_leave_no_degree_of_freedom(self):
        self.assertIn("no degree of freedom left", all_text(workers.draw(job(pool(numbers=(1, 2, 4))))[0]))
        self.assertNotIn("degree of freedom", all_text(workers.draw(job(pool(numbers=(1, 2, 4, 8))))[0]))

    def test_fewer_than_six_runs_are_said_to_give_no_intervals(self):
        text = all_text(workers.draw(job(pool(runs=2)))[0])
        self.assertIn("fewer than 6 runs: no intervals", text)
        self.assertIn("λ = 1,000 tasks/s", text)

    def test_models_have_panels_of_their_own_on_one_scale(self):
        uneven = pool(model="process-pool")
        uneven["process-pool", 1] = [share * uneven["process-pool", 1][0] for share in (0.9, 1, 1, 1, 1, 9)]
        drawing = workers.draw(job(pool() | uneven))[0]
        threads, processes = titled(drawing, "thread-pool"), titled(drawing, "process-pool")
        self.assertEqual(threads.get_ylim(), processes.get_ylim())
        self.assertEqual(len(drawing.figure.axes), 2)


class Services(unittest.TestCase):
    def service(self, rate_mode=None, limits=(), invalid=(), numbers=(1, 2, 4, 8)):
        figures = {}
        for index, number in enumerate(numbers):
            figures["thread-pool", number] = ServiceFigures(
                rate=law(number), limit=limits[index] if limits else "server",
                invalid={0: "others were busy"} if number in invalid else {})
        return Document().service("echo", figures, rate_mode=rate_mode).result()

    def test_in_the_closed_loop_are_fitted_by_their_rate(self):
        drawing = workers.draw(self.service())[0]
        self.assertIn("λ = 1,000 [1,000, 1,000] requests/s", all_text(drawing))
        self.assertEqual([hollow for *_, hollow in marks(titled(drawing, "thread-pool"))], [False] * 4)

    def test_that_starve_connections_count_but_are_hollow(self):
        drawing = workers.draw(self.service(limits=["starved"] * 3 + ["server"]))[0]
        self.assertEqual([hollow for *_, hollow in marks(titled(drawing, "thread-pool"))], [True, True, True, False])
        self.assertIn("hollow at 1, 2, 4: starved", all_text(drawing))

    def test_that_are_invalid_or_not_busy_are_hollow_and_left_out_of_the_fit(self):
        drawing = workers.draw(self.service(numbers=(1, 2, 4, 8, 16), invalid=(8,),
                                            limits=["server"] * 4 + ["latency"]))[0]
        text = all_text(drawing)
        self.assertIn("hollow at 8: invalid", text)
        self.assertIn("hollow at 16: server not busy", text)
        self.assertIn("no degree of freedom left", text)  # of the other three

    def test_at_an_offered_rate_say_nothing_about_workers(self):
        with self.assertRaises(Skip):
            workers.draw(self.service(rate_mode="common"))


class Missing(unittest.TestCase):
    def test_with_two_numbers_of_workers_there_is_no_chart(self):
        for result in (job(pool(numbers=(1, 2))), job({"serial": [1e6] * 6}), Document().result()):
            with self.assertRaisesRegex(Skip, "3 or more numbers of workers"):
                workers.draw(result)


if __name__ == "__main__":
    unittest.main()
