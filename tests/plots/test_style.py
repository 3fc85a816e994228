"""Colours, scales, labels and files that all charts share."""
import os
import pathlib
import tempfile
import unittest

from plots import jobs, palette, quantities, style
from plots.errors import PlotError
from tests.plots.fixtures import TEXTBOOK, Document

style.prepare()


def luminance(colour):
    channels = [int(colour[index:index + 2], 16) / 255 for index in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    """WCAG 2.1, contrast ratio."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class Palette(unittest.TestCase):
    def test_every_textbook_model_has_a_look_of_its_own(self):
        for model in TEXTBOOK:
            self.assertIn(model, palette.LOOKS)
        self.assertEqual(len({look.colour for look in palette.LOOKS.values()}), len(palette.LOOKS))
        self.assertEqual(len({look.marker for look in palette.LOOKS.values()}), len(palette.LOOKS))

    def test_no_colour_stands_for_two_things(self):
        colours = [light for light, _ in palette.variables().values()]
        self.assertEqual(len(set(colours)), len(colours))

    def test_marks_and_words_stand_out_in_light_and_dark(self):
        dark_ground = palette.DARK[palette.SURFACE]
        for model, look in palette.LOOKS.items():
            self.assertGreaterEqual(contrast(look.colour, palette.SURFACE), 3, model)
            self.assertGreaterEqual(contrast(look.dark, dark_ground), 3, model)
        for ink in (palette.INK, palette.MUTED, palette.WORSE, palette.BETTER):
            self.assertGreaterEqual(contrast(ink, palette.SURFACE), 4.5, ink)
            self.assertGreaterEqual(contrast(palette.DARK[ink], dark_ground), 4.5, ink)

    def test_a_hybrid_is_told_from_its_parts(self):
        hybrid = palette.look("processes+epoll")
        self.assertEqual(hybrid.colour, palette.look("epoll").colour)
        self.assertEqual(hybrid.marker, palette.look("processes").marker)
        self.assertNotEqual(hybrid.line, palette.look("epoll").line)
        self.assertEqual(palette.look("a-model-of-tomorrow"), palette.OTHER)


class Quantities(unittest.TestCase):
    def test_are_printed_as_the_program_prints_them(self):
        self.assertEqual([quantities.duration(ns) for ns in (0, 0.25, 9.93, 999.6, 10_100_000, 1.3e9, 59.96e9)],
                         ["0.00 ns", "0.250 ns", "9.93 ns", "1.00 µs", "10.1 ms", "1.30 s", "1 min"])
        self.assertEqual([quantities.size(count) for count in (8, 8800, 1024**2)], ["8 B", "8.59 KiB", "1.00 MiB"])
        self.assertEqual([quantities.count(value) for value in (0.5, 30_000, 2_500_000)], ["0.500", "30,000", "2.50 M"])
        self.assertEqual([quantities.ratio(value) for value in (0.0321, 0.997, 1.206, 40.23)],
                         ["0.032×", "1.00×", "1.21×", "40.2×"])
        self.assertEqual([quantities.change(value) for value in (1.206, 0.8, 1.004)], ["+21%", "−20%", "+0.4%"])
        self.assertEqual([quantities.percent(value) for value in (0, 4.8, 45.2, 100)], ["0%", "4.8%", "45%", "100%"])


class Labels(unittest.TestCase):
    def test_spread_keeps_what_is_far_apart(self):
        self.assertEqual(style.spread([10, 50, 90], 10, 0, 100), [10, 50, 90])

    def test_spread_parts_what_is_close_around_its_middle(self):
        self.assertEqual(style.spread([50, 50, 50], 10, 0, 100), [40, 50, 60])

    def test_spread_stays_within_its_bounds(self):
        self.assertEqual(style.spread([98, 99, 100], 10, 0, 100), [80, 90, 100])
        self.assertEqual(style.spread([0, 1], 10, 0, 100), [0, 10])

    def test_spread_without_room_keeps_the_distance(self):
        places = style.spread([5] * 8, 10, 0, 30)
        self.assertEqual(places, [0, 10, 20, 30, 40, 50, 60, 70])


class Scales(unittest.TestCase):
    def axes(self):
        return style.Frame("title", "subtitle", []).axes[0]

    def test_a_log_scale_needs_something_positive(self):
        axes = self.axes()
        self.assertFalse(style.log_scale(axes.yaxis, [0, None, -1], str))
        self.assertEqual(axes.get_yscale(), "linear")

    def test_a_log_scale_holds_all_values_and_has_ticks_at_decades(self):
        axes = self.axes()
        self.assertTrue(style.log_scale(axes.yaxis, [3, 50_000], quantities.short_count))
        low, high = axes.get_ylim()
        self.assertLess(low, 3)
        self.assertGreater(high, 50_000)
        self.assertEqual(list(axes.get_yticks()), [10, 100, 1000, 10_000])

    def test_a_narrow_log_scale_still_has_ticks(self):
        axes = self.axes()
        style.log_scale(axes.yaxis, [100, 110], quantities.short_count)
        self.assertGreaterEqual(len(axes.get_yticks()), 1)

    def test_memory_has_ticks_at_powers_of_two(self):
        axes = self.axes()
        style.log_scale(axes.yaxis, [3000, 5e8], quantities.short_size, base=2)
        self.assertTrue(all(float(tick).hex().startswith("0x1.0000000000000p") for tick in axes.get_yticks()))
        self.assertGreaterEqual(len(axes.get_yticks()), 3)


class Files(unittest.TestCase):
    def drawing(self):
        return jobs.draw(Document().job("cpu", {"serial": [4e6] * 6, "threads": [2e6] * 6}).result())[0]

    def test_the_same_data_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a", "b"):
                style.save(self.drawing(), folder, name)
            for kind in ("svg", "png"):
                self.assertEqual(pathlib.Path(folder, f"a.{kind}").read_bytes(), pathlib.Path(folder, f"b.{kind}").read_bytes())
                self.assertGreater(os.path.getsize(pathlib.Path(folder, f"a.{kind}")), 1000)

    def test_svg_holds_text_as_text_and_says_what_it_shows(self):
        svg = style.svg_bytes(self.drawing()).decode()
        self.assertIn(">threads</text>", svg)
        self.assertIn("threads 2.00 ms", svg)  # of the alternative text

    def test_a_folder_that_is_not_there_is_one_clear_line(self):
        with self.assertRaisesRegex(PlotError, r"^write /nowhere/x.svg: No such file or directory: choose another .*--out"):
            style.save(self.drawing(), "/nowhere", "x")

    def test_a_missing_font_is_one_clear_line(self):
        font, style.FONT = style.FONT, "No Such Font"
        try:
            with self.assertRaisesRegex(PlotError, "the font No Such Font is missing: apt-get install fonts-dejavu-core"):
                style.prepare()
        finally:
            style.FONT = font

    def test_inline_svg_takes_its_colours_from_the_page(self):
        svg = style.inline_svg(self.drawing(), "chart-1")
        self.assertIn("var(--m-threads)", svg)
        self.assertIn("var(--ink)", svg)
        self.assertNotIn(palette.LOOKS["threads"].colour, svg)
        self.assertNotIn("<?xml", svg)
        self.assertRegex(svg, r'^<svg[^>]*role="img"[^>]*aria-labelledby="chart-1-title chart-1-alt"')


if __name__ == "__main__":
    unittest.main()
