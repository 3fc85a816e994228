"""The chart of head-of-line blocking: light and heavy requests of each model, beside what a heavy one takes alone."""
import unittest

from plots import classes, style
from plots.errors import Skip
from plots.palette import look
from tests.plots.drawn import all_text, cut_off, texts
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()


def mixed(document=None, connections=50, **more):
    figures = {"epoll": ServiceFigures(class_p99_ns={"light": 3.6e6, "heavy": 5.7e6}),
               "threads": ServiceFigures(class_p99_ns={"light": 400e3, "heavy": 5.5e6})} | more
    return (document or Document()).service("echo", figures, connections=connections, rate_mode="fixed", offered=500.0,
                                            service_cpu_ns=5_000_000, heavy_percent=2.0)


def spread_light(document, values):
    """Gives the runs of the document's threads these p99 of light requests."""
    runs = [row for row in document.rows if row["run_type"] == "iteration" and row["bench"]["model"] == "threads"]
    for row, value in zip(runs, values):
        row["bench"]["classes"][0]["latency_p99_ns"] = value
    return document


def marks_of(axes):
    """{"light:epoll": (x, y, size, hollow)}."""
    return {line.get_gid(): (line.get_xdata()[0], line.get_ydata()[0], line.get_markersize(),
                             line.get_markerfacecolor() != line.get_markeredgecolor())
            for line in axes.lines if line.get_gid() and line.get_gid().startswith(("light:", "heavy:"))}


class Rows(unittest.TestCase):
    def test_have_a_small_mark_for_light_and_a_large_one_for_heavy(self):
        shown = marks_of(classes.draw(mixed().result())[0].figure.axes[0])
        self.assertEqual({name: mark[0] for name, mark in shown.items()},
                         {"light:threads": 400e3, "heavy:threads": 5.5e6, "light:epoll": 3.6e6, "heavy:epoll": 5.7e6})
        self.assertGreater(shown["heavy:epoll"][2], 1.5 * shown["light:epoll"][2])
        self.assertEqual(shown["heavy:epoll"][1], shown["light:epoll"][1])

    def test_stand_in_the_order_of_the_light_ones(self):
        shown = marks_of(classes.draw(mixed().result())[0].figure.axes[0])
        self.assertGreater(shown["light:threads"][1], shown["light:epoll"][1])

    def test_say_both_in_words_on_their_outer_sides(self):
        drawing = classes.draw(mixed().result())[0]
        found = {text.get_text(): text.get_ha() for text in drawing.figure.axes[0].texts}
        self.assertEqual(found["light 400 µs"], "right")
        self.assertEqual(found["heavy 5.50 ms"], "left")
        self.assertIn("threads: light 400 µs, heavy 5.50 ms; epoll: light 3.60 ms, heavy 5.70 ms.", drawing.alt)

    def test_that_are_reversed_keep_their_words_outside(self):
        drawing = classes.draw(mixed(threads=ServiceFigures(class_p99_ns={"light": 9e6, "heavy": 6e6})).result())[0]
        found = {text.get_text(): text.get_ha() for text in drawing.figure.axes[0].texts}
        self.assertEqual((found["light 9.00 ms"], found["heavy 6.00 ms"]), ("left", "right"))

    def test_show_the_range_of_the_runs_as_dots(self):
        document = spread_light(mixed(), [300e3, 400e3, 400e3, 400e3, 500e3, 1.5e6])
        axes = classes.draw(document.result())[0].figure.axes[0]
        ranges = {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith("range:")}
        self.assertEqual(list(ranges), ["range:threads:light"])  # the others do not differ
        self.assertEqual(list(ranges["range:threads:light"].get_xdata()), [300e3, 1.5e6])
        self.assertNotEqual(ranges["range:threads:light"].get_linestyle(), "-")

    def test_with_a_flaw_are_hollow_and_say_why(self):
        epoll = ServiceFigures(class_p99_ns={"light": 3.6e6, "heavy": 5.7e6},
                               invalid={0: "the load generator was the limit"})
        drawing = classes.draw(mixed(epoll=epoll).result())[0]
        shown = marks_of(drawing.figure.axes[0])
        hollow = [shown[name][3] for name in ("light:epoll", "heavy:epoll", "light:threads")]
        self.assertEqual(hollow, [True, True, False])
        self.assertIn("heavy 5.70 ms (invalid)", texts(drawing))
        self.assertRegex(all_text(drawing).replace("\n", " "), "Hollow marks .*epoll: invalid.*the load generator")


class OtherClasses(unittest.TestCase):
    def setUp(self):
        figures = {"threads": ServiceFigures(class_p99_ns={"list": 1e6, "get": 9e6, "put": 5e6}),
                   "epoll": ServiceFigures(class_p99_ns={"list": 2e6, "get": 3e6, "put": 4e6})}
        self.drawing = classes.draw(Document().service("echo", figures).result())[0]

    def test_have_marks_of_rising_size_in_the_order_of_the_file(self):
        lines = {line.get_gid(): line.get_markersize() for line in self.drawing.figure.axes[0].lines if line.get_gid()}
        sizes = [lines[f"{name}:threads"] for name in ("list", "get", "put")]
        self.assertEqual(sizes, sorted(set(sizes)))

    def test_have_the_shortest_and_the_longest_in_words(self):
        found = {text.get_text(): text.get_ha() for text in self.drawing.figure.axes[0].texts}
        self.assertEqual((found["list 1.00 ms"], found["get 9.00 ms"]), ("right", "left"))
        self.assertNotIn("put 5.00 ms", found)

    def test_are_not_called_heavy(self):
        self.assertNotIn("heavy", all_text(self.drawing) + self.drawing.alt)
        self.assertIn("list, get and put requests, the shortest of list ones first: threads: list 1.00 ms, get 9.00 ms, "
                      "put 5.00 ms; epoll", self.drawing.alt)


class Scale(unittest.TestCase):
    def test_is_logarithmic_and_holds_the_reference(self):
        drawing = classes.draw(mixed().result())[0]
        axes = drawing.figure.axes[0]
        self.assertEqual(axes.get_xscale(), "log")
        reference = [line for line in axes.lines if list(line.get_xdata()) == [5e6, 5e6]]
        self.assertEqual(len(reference), 1)
        self.assertNotEqual(reference[0].get_linestyle(), "-")
        self.assertNotIn(reference[0].get_color(), (look("epoll").colour, look("threads").colour))
        self.assertIn("a heavy request alone: 5.00 ms", texts(drawing))

    def test_has_room_for_the_words(self):
        drawing = classes.draw(mixed().result())[0]
        self.assertEqual(cut_off(drawing), [])
        left = drawing.figure.axes[0].get_window_extent().x0
        words = next(text for text in drawing.figure.axes[0].texts if text.get_text() == "light 400 µs")
        self.assertGreater(words.get_window_extent().x0, left)


class Groups(unittest.TestCase):
    def test_have_a_drawing_each(self):
        drawings = classes.draw(mixed(mixed(), connections=100).result())
        self.assertEqual([drawing.suffix for drawing in drawings], ["", "echo-2"])

    def test_without_two_classes_are_no_chart(self):
        with self.assertRaisesRegex(Skip, "light and heavy"):
            classes.draw(Document().service("echo", {"epoll": ServiceFigures()}, service_cpu_ns=5_000_000).result())

    def test_leave_out_a_model_that_has_but_one_class(self):
        document = mixed(select=ServiceFigures(class_p99_ns={"light": None, "heavy": 5.7e6}))
        self.assertNotIn("heavy:select", marks_of(classes.draw(document.result())[0].figure.axes[0]))


if __name__ == "__main__":
    unittest.main()
