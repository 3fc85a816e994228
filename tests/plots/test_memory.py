"""The chart of memory: bars from zero, user and kernel apart without colour, the small ones again on a finer scale."""
import unittest

from plots import memory, style
from plots.errors import Skip
from tests.plots.drawn import all_text, cut_off, texts
from tests.plots.fixtures import Document, ServiceFigures

style.prepare()

IDLE = {("processes", "futex", 1): (32 * 1024, 112 * 1024), ("threads", "futex", 1): (8 * 1024, 27 * 1024),
        ("coroutines", "suspended", 1): (300, -20), ("fibers", "parked", 1): (4096, 128)}


def idle(memory_of=None):
    memory_of = IDLE if memory_of is None else memory_of
    return Document().primitive("idle", {key: [1000.0] * 6 for key in memory_of}, tasks=1000, memory=memory_of)


def echo(connections, **bytes_of):
    return {"workload": "echo", "connections": connections,
            "figures": {model: ServiceFigures(memory=pair) for model, pair in bytes_of.items()}}


def bars(axes):
    """{"user:threads": (start, width, hatched)} of the axes."""
    return {patch.get_gid(): (patch.get_x(), patch.get_width(), bool(patch.get_hatch())) for patch in axes.patches}


def rows(axes):
    """Labels from top to bottom."""
    ticks = sorted(zip(axes.get_yticks(), axes.get_yticklabels()), key=lambda tick: -tick[0])
    return [label.get_text() for _, label in ticks]


class Bars(unittest.TestCase):
    def test_start_at_zero_and_are_as_long_as_the_memory(self):
        axes = memory.draw(idle().result())[0].figure.axes[0]
        self.assertEqual(axes.get_xlim()[0], 0)
        self.assertEqual(axes.get_xscale(), "linear")
        shown = bars(axes)
        self.assertEqual(shown["user:threads"], (0, 8 * 1024, False))
        self.assertEqual(shown["kernel:threads"], (8 * 1024, 27 * 1024, True))
        self.assertGreater(axes.get_xlim()[1], 144 * 1024)

    def test_stand_in_the_order_of_their_sum(self):
        axes = memory.draw(idle().result())[0].figure.axes[0]
        self.assertEqual(rows(axes), ["coroutines", "fibers", "threads", "processes"])

    def test_a_slope_below_zero_is_noise(self):
        drawing = memory.draw(idle().result())[0]
        self.assertEqual(bars(drawing.figure.axes[0])["kernel:coroutines"], (300, 0, True))
        self.assertIn("300 B user + below noise kernel", texts(drawing))
        self.assertIn("coroutines 300 B user + below noise kernel", drawing.alt)

    def test_all_below_noise_is_drawn_and_said(self):
        drawing = memory.draw(idle({("coroutines", "suspended", 1): (-3, -5)}).result())[0]
        self.assertEqual(bars(drawing.figure.axes[0])["user:coroutines"][1], 0)
        self.assertIn("below noise user + below noise kernel", texts(drawing))

    def test_user_and_kernel_are_named(self):
        legend = memory.draw(idle().result())[0].figure.axes[0].get_legend()
        self.assertEqual([text.get_text() for text in legend.get_texts()], ["user space", "kernel"])
        self.assertEqual([bool(patch.get_hatch()) for patch in legend.get_patches()], [False, True])


class Zoom(unittest.TestCase):
    def test_shows_the_small_ones_from_zero_and_marks_those_that_run_on(self):
        drawing = memory.draw(idle().result())[0]
        wide, fine = drawing.figure.axes
        self.assertEqual(rows(wide), rows(fine))
        self.assertEqual(fine.get_xlim()[0], 0)
        self.assertAlmostEqual(fine.get_xlim()[1], 4224 * 1.04)
        running_on = [text.get_text() for text in fine.texts if text.get_text().startswith("→")]
        self.assertEqual(running_on, ["→ 8.00 KiB user + 27.0 KiB kernel", "→ 32.0 KiB user + 112 KiB kernel"])
        self.assertFalse(any(text.get_text().startswith("→") for text in wide.texts))

    def test_is_left_out_where_none_is_small(self):
        alike = {("threads", "futex", 1): (8000, 27000), ("fibers", "parked", 1): (5000, 100)}
        drawing = memory.draw(idle(alike).result())[0]
        self.assertEqual(len(drawing.figure.axes), 1)
        self.assertNotIn("finer", all_text(drawing))


class Connections(unittest.TestCase):
    def test_of_one_kind_are_shown_once_as_measured_with_the_most(self):
        document = Document()
        document.service(**echo(10, epoll=(200, 6000), threads=(13000, 35000)))
        document.service(**echo(1000, epoll=(210, 6100), threads=None))
        drawings = memory.draw(document.result())
        self.assertEqual([drawing.title for drawing in drawings], ["Memory of a connection: echo · 64 B"])
        shown = bars(drawings[0].figure.axes[0])
        self.assertEqual(shown["user:epoll"][1], 210)
        self.assertEqual(shown["user:threads"][1], 13000)

    def test_that_do_something_else_have_a_drawing_of_their_own(self):
        document = Document()
        document.service(**echo(10, epoll=(200, 6000)))
        document.service(**echo(20, epoll=(300, 6000)), service_cpu_ns=5_000_000, heavy_percent=2)
        first, second = memory.draw(document.result())
        self.assertEqual((first.suffix, second.suffix), ("", "echo-2"))
        self.assertIn("computes 5 ms on 2% of the connections", second.title)

    def test_without_a_figure_are_named(self):
        drawing = memory.draw(Document().service(**echo(10, epoll=(200, 6000), select=None)).result())[0]
        self.assertIn("Not known of select.", all_text(drawing).replace("\n", " "))
        self.assertEqual(rows(drawing.figure.axes[0]), ["epoll"])


class Whole(unittest.TestCase):
    def test_units_come_before_connections_and_nothing_is_cut_off(self):
        drawings = memory.draw(idle().service(**echo(10, epoll=(200, 6000), processes=(52000, 120000))).result())
        self.assertEqual([drawing.suffix for drawing in drawings], ["", "echo-2"])
        for drawing in drawings:
            self.assertEqual(cut_off(drawing), [])

    def test_without_memory_there_is_no_chart(self):
        with self.assertRaisesRegex(Skip, "primitive idle.*--memory"):
            memory.draw(Document().service("echo", {"epoll": ServiceFigures()}).job("cpu", {"serial": [1e6]}).result())


if __name__ == "__main__":
    unittest.main()
