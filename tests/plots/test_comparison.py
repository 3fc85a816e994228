"""Ratios between results: their intervals against values worked out otherwise, and what the page says of them."""
import math
import unittest

from plots import comparison, differences, report, style
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()


def by_round(values):
    return dict(enumerate(values))


class Intervals(unittest.TestCase):
    def test_the_median_s_interval_has_the_ranks_of_the_sign_test(self):
        # Conover, table A3: 6 and 8 samples take the ends, 9 and 12 one and two in from them, 20 five, 30 nine.
        for samples, rank in ((6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (30, 10)):
            ratio = comparison.paired(by_round(range(1, samples + 1)), by_round([1] * samples))
            self.assertAlmostEqual(ratio.low, rank)
            self.assertAlmostEqual(ratio.high, samples + 1 - rank)
            self.assertTrue(ratio.bounded)

    def test_fewer_than_six_pairs_bound_nothing(self):
        ratio = comparison.paired(by_round([2, 4, 3]), by_round([1, 1, 1]))
        self.assertEqual((round(ratio.effect, 9), round(ratio.low, 9), round(ratio.high, 9), ratio.bounded), (3, 2, 4, False))
        self.assertFalse(ratio.differs)

    def test_pairs_are_those_of_the_same_round(self):
        self.assertAlmostEqual(comparison.paired({0: 10.0, 7: 4.0}, {7: 2.0, 9: 1.0}).effect, 2)
        self.assertIsNone(comparison.paired({0: 1.0}, {1: 1.0}))

    def test_rank_sums_are_counted_as_in_the_tables(self):
        # Conover, table A7, w at 0.025: the least U that is not significant; of 5 and 5 it is 2 + 1, of 6 and 6 5 + 1.
        for n, m, rank in ((3, 3, 0), (4, 4, 1), (5, 5, 3), (6, 6, 6), (10, 10, 24)):
            self.assertEqual(comparison._rank_sum_rank(n, m), rank, (n, m))
        self.assertEqual(sum(comparison._rank_sum_counts(6, 4)), math.comb(10, 4))

    def test_unpaired_samples_give_the_median_of_all_ratios(self):
        ratio = comparison.unpaired(by_round([2.0] * 6), by_round([1.0] * 6))
        self.assertAlmostEqual(ratio.effect, 2)
        self.assertTrue(ratio.differs)
        same = comparison.unpaired(by_round([1, 2, 3, 4, 5, 6]), by_round([1.5, 2.5, 3.5, 4.5, 5.5, 0.5]))
        self.assertFalse(same.differs)

    def test_invalid_runs_have_no_say(self):
        document = Document().service("echo", {"epoll": ServiceFigures(cpu_ns=[1, 2, 3, 4, 5, 6], invalid={1: "late"})})
        group = document.result().groups[0]
        cost, _ = comparison.cost_of(group)
        self.assertEqual(comparison.costs(group.cells[0], cost), {0: 1, 2: 3, 3: 4, 4: 5, 5: 6})


class Page(unittest.TestCase):
    def results(self, **other):
        times = {"serial": [100e6] * 6, "threads": [20e6] * 6}
        return [Document().job("io", times).result("old"),
                Document(**other).job("io", times | {"threads": [30e6] * 6, "epoll": [10e6] * 6}).result("new")]

    def test_counts_what_costs_more(self):
        results = self.results(revision="fedcba9876")
        found = differences.differences(results, [report.run(one) for one in results])
        pair, = found["pairs"]
        self.assertEqual(pair["summary"], "In new against old, of 2 cells: 1 costs more, 1 cannot be told apart.")
        self.assertEqual([(row["name"], row["change"], row["verdict"]) for row in pair["rows"]],
                         [("io/threads/tasks:10", "+50%", "costs more"), ("io/serial/tasks:10", "+0.0%", "cannot be told apart")])
        self.assertEqual(pair["left_out"], [("io/epoll/tasks:10", "measured in one of them only")])
        self.assertEqual(found["facts"], [("git revision", ["0123456789", "fedcba9876"])])

    def test_each_of_several_is_held_against_the_first(self):
        results = [*self.results(), *self.results()[1:]]
        results[2].label = "newest"
        found = differences.differences(results, [report.run(one) for one in results])
        self.assertEqual([pair["labels"] for pair in found["pairs"]], [["old", "new"], ["old", "newest"]])

    def test_holds_machines_against_their_own_reference(self):
        results = self.results(cpu_model="Other CPU")
        found = differences.differences(results, [report.run(one) for one in results])
        self.assertEqual(found["pairs"], [])
        self.assertEqual(found["panels"][0]["reference"], "serial")
        self.assertEqual(found["panels"][0]["rows"][1],
                         ("threads", ["0.20× (0.20× to 0.20×), place 1", "0.30× (0.30× to 0.30×), place 1"]))

    def test_of_two_results_says_what_differs_and_holds_both(self):
        page = report.page(self.results()).decode()
        for part in ('id="compare"', "1 costs more", "not interleaved", 'data-name="old.json"', 'data-name="new.json"'):
            self.assertIn(part, page)
        self.assertNotIn("Which model for this work?", page)
        self.assertLess(page.index("What costs more in the one result"), page.index("How long each model takes"))


if __name__ == "__main__":
    unittest.main()
