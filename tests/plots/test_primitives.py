"""The chart of primitives: a panel for each, all on the same decades, with a row for each way."""
import unittest

from plots import primitives, style
from plots.errors import Skip
from tests.plots.drawn import cut_off, marks, texts, titled
from tests.plots.fixtures import Document

style.prepare()


def document():
    return (Document()
            .primitive("switch", {("threads", "futex", 1): [1200.0] * 6, ("threads", "futex", 2): [5800.0] * 6,
                                  ("coroutines", "resume", 1): [1.5] * 6})
            .primitive("spawn", {("processes", "fork", 1): [130e3, 131e3, 132e3, 133e3, 134e3, 150e3],
                                 ("coroutines", "call", 1): [9.8] * 6})
            .primitive("idle", {("threads", "futex", 1): [2e4] * 6}, tasks=1000))


def rows(axes):
    ticks = sorted(zip(axes.get_yticks(), axes.get_yticklabels()), key=lambda tick: -tick[0])
    return [label.get_text() for _, label in ticks]


class Panels(unittest.TestCase):
    def drawing(self):
        drawings = primitives.draw(document().result())
        self.assertEqual(len(drawings), 1)
        return drawings[0]

    def test_there_is_one_for_each_primitive_in_a_fixed_order(self):
        titles = [axes.get_title("left") for axes in self.drawing().figure.axes]
        self.assertEqual(titles, ["spawn · one operation", "switch · one operation"])  # idle is about memory

    def test_all_have_the_same_log_scale(self):
        spawn, switch = self.drawing().figure.axes
        self.assertEqual((spawn.get_xscale(), switch.get_xscale()), ("log", "log"))
        self.assertEqual(spawn.get_xlim(), switch.get_xlim())
        self.assertEqual(list(spawn.get_xticks()), list(switch.get_xticks()))
        low, high = spawn.get_xlim()
        self.assertLess(low, 1.5)
        self.assertGreater(high, 150e3)

    def test_rows_name_the_unit_and_the_way_in_table_order(self):
        self.assertEqual(rows(titled(self.drawing(), "switch")),
                         ["threads (futex, 1 CPU)", "threads (futex, 2 CPUs)", "coroutines (resume)"])
        self.assertEqual(rows(titled(self.drawing(), "spawn")), ["processes (fork)", "coroutines (call)"])

    def test_rows_are_equally_high_in_all_panels(self):
        spawn, switch = self.drawing().figure.axes
        heights = [axes.get_window_extent().height - 0.15 * axes.figure.dpi for axes in (spawn, switch)]
        self.assertAlmostEqual(heights[0] / 2, heights[1] / 3)

    def test_dots_stand_at_the_medians_with_their_intervals(self):
        spawn = titled(self.drawing(), "spawn")
        self.assertEqual([(round(x, 3), y) for x, y, _, _ in marks(spawn)], [(132.5e3, 1), (9.8, 0)])
        self.assertIn([130e3, 150e3], [list(line.get_xdata()) for line in spawn.lines])

    def test_times_are_said_in_words(self):
        drawing = self.drawing()
        for words in ("132 µs", "9.80 ns", "5.80 µs"):
            self.assertIn(words, texts(drawing))
        self.assertIn("switch · one operation: threads (futex, 1 CPU) 1.20 µs to threads (futex, 2 CPUs) 5.80 µs; "
                      "coroutines (resume) 1.50 ns.", drawing.alt)

    def test_the_longest_row_is_not_cut_off(self):
        wide = Document().primitive("lock", {("processes", "semaphore", cpus): [20.0] * 6 for cpus in (1, 2)})
        for row in wide.rows:
            if "parameters" in row["bench"]:
                row["bench"]["parameters"]["units"] = row["bench"]["parameters"]["cpus"]
        self.assertEqual(rows(primitives.draw(wide.result())[0].figure.axes[0]),
                         ["processes (semaphore, 1 CPU, 1 unit)", "processes (semaphore, 2 CPUs, 2 units)"])
        for each in (wide, document()):
            self.assertEqual(cut_off(primitives.draw(each.result())[0]), [])


class Missing(unittest.TestCase):
    def test_without_primitives_there_is_no_chart(self):
        document = Document().primitive("idle", {("threads", "futex", 1): [2e4] * 6}).job("cpu", {"serial": [1e6]})
        with self.assertRaisesRegex(Skip, "none of the primitives spawn, switch, lock, queue, wake"):
            primitives.draw(document.result())


if __name__ == "__main__":
    unittest.main()
