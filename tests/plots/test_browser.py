"""The page in a browser: what only one that lays it out and runs its scripts can tell."""
import pathlib
import tempfile
import unittest

from plots import report
from tests.plots.browser import CHROMEDRIVER, CHROMIUM, Browser
from tests.plots.test_report import HOSTILE, changed, crowded_page, small

ENTER, TAB = "\ue007", "\ue004"

# [what a text is, its contrast, how much there has to be] of all texts that can be seen. What lies beneath a text is
# asked of the browser, in paint order: backgrounds of elements, and fills of shapes that the text's middle lies in.
CONTRASTS = """
  const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number).concat(1).slice(0, 4);
  const over = (top, bottom) => [0, 1, 2].map(i => top[i] * top[3] + bottom[i] * (1 - top[3]));
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const contrast = (a, b) => ratio(luminance(a), luminance(b));
  const opacity = element => element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
  const layer = (element, x, y) => {
    const style = getComputedStyle(element);
    if (element instanceof SVGGeometryElement) {
      const at = new DOMPoint(x, y).matrixTransform(element.getScreenCTM().inverse());
      if (style.fill === "none" || !element.isPointInFill(at)) return null;
      const colour = parse(style.fill);
      return [...colour.slice(0, 3), colour[3] * Number(style.fillOpacity) * opacity(element)];
    }
    return element instanceof HTMLElement ? parse(style.backgroundColor) : null;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const drawn = element instanceof SVGElement;
    if (!texts.currentNode.data.trim() || ["SCRIPT", "STYLE", "title", "desc"].includes(element.nodeName)) continue;
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const box = drawn ? element.getBoundingClientRect() : range.getClientRects()[0];
    if (!box || !box.width) continue;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const style = getComputedStyle(element);
    let ground = parse(getComputedStyle(document.body).backgroundColor);
    const stack = document.elementsFromPoint(x, y);
    if (!drawn && !stack.some(one => one === element || element.contains(one))) continue;
    for (const below of stack.reverse()) {
      const colour = below === element && drawn ? null : layer(below, x, y);
      if (colour) ground = over(colour, ground);
    }
    const ink = parse(drawn ? style.fill : style.color);
    ink[3] *= opacity(element);
    const size = parseFloat(style.fontSize);
    const large = !drawn && (size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700));
    found.push([(drawn ? "drawn: " : "") + texts.currentNode.data.trim().slice(0, 60),
                contrast(over(ink, ground), ground), large ? 3 : 4.5]);
  }
  return found;
"""

COLUMN = """
  const table = document.querySelectorAll("table.sortable")[arguments[0]];
  return [...table.tBodies[0].rows].map(row => (row.cells[arguments[1]] || {dataset: {sort: ""}}).dataset.sort);
"""


@unittest.skipUnless(CHROMIUM and CHROMEDRIVER, "no chromium with its driver: apt-get install chromium-driver")
class InTheBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.page = pathlib.Path(folder.name) / "report.html"
        cls.page.write_bytes(crowded_page())
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def show(self, **how):
        self.browser.open(self.page, **how)
        return self.browser

    def test_nothing_is_logged_and_nothing_is_fetched(self):
        for scheme in ("light", "dark"):
            browser = self.show(scheme=scheme)
            self.assertEqual(browser.console(), [])
            self.assertEqual(browser.run("return performance.getEntriesByType('resource').map(one => one.name)"), [])

    def sorted_column(self, table, column, ascending):
        """Waits for the library, which sorts a moment after the click."""
        direction = "ascending" if ascending else "descending"
        for _ in range(100):
            values = self.browser.run(COLUMN, table, column)
            numbers = [float(value) for value in values if value]
            if numbers == sorted(numbers, reverse=not ascending):
                break
        head = f"document.querySelectorAll('table.sortable')[{table}].tHead.rows[0].cells[{column}]"
        self.assertEqual(self.browser.run(f"return {head}.getAttribute('aria-sort')"), direction)
        self.assertEqual(numbers, sorted(numbers, reverse=not ascending))
        self.assertEqual(values, [value for value in values if value] + [""] * values.count(""))  # reasons stay last
        return values

    def test_a_click_sorts_by_the_numbers(self):
        browser = self.show()
        before = browser.run(COLUMN, 0, 1)
        self.assertNotEqual(before, sorted(before))
        self.assertIn("", before)
        for ascending in (True, False, True):
            browser.click("#table-1 thead th:nth-child(2)")
            values = self.sorted_column(0, 1, ascending)
            self.assertCountEqual(values, before)
        browser.click("#table-1 thead th:first-child")
        self.sorted_column(0, 0, True)
        self.assertEqual(browser.run(COLUMN, 0, 1), before)  # the order of the program

    def test_enter_sorts_too(self):
        browser = self.show()
        browser.run("document.querySelector('#table-1 thead th:nth-child(2)').focus()")
        browser.press(ENTER)
        self.sorted_column(0, 1, True)
        browser.press(ENTER)
        self.sorted_column(0, 1, False)
        self.assertEqual(browser.run("return document.querySelectorAll('tbody th[aria-label]').length"), 0)

    def test_a_narrow_screen_needs_no_sideways_scrolling(self):
        for width in (360, 768, 1280):
            browser = self.show(width=width)
            self.assertLessEqual(browser.run("return document.scrollingElement.scrollWidth"), width)
            self.assertGreater(browser.run("return document.querySelectorAll('.scroll').length"), 10)
        self.show(width=360)
        # Whatever is wider than the screen lies in a container that scrolls and that the keyboard reaches.
        wide = self.browser.run("""
          return [...document.querySelectorAll("main *")]
            .filter(one => one.getBoundingClientRect().right > 361 && !one.closest(".scroll, pre"))
            .map(one => one.outerHTML.slice(0, 80))""")
        self.assertEqual(wide, [])

    def test_every_text_can_be_read_in_both_schemes(self):
        for scheme in ("light", "dark"):
            with self.subTest(scheme):
                browser = self.show(scheme=scheme)
                browser.run("for (const one of document.querySelectorAll('details')) one.open = true;"
                            "for (const one of document.querySelectorAll('.scroll')) one.style.overflow = 'visible'")
                height = browser.run("return document.scrollingElement.scrollHeight")
                browser.resize(1900, height + 100)
                found = browser.run(CONTRASTS)
                drawn = [entry for entry in found if entry[0].startswith("drawn: ")]
                self.assertGreater(len(drawn), 500)
                self.assertGreater(len(found) - len(drawn), 1000)
                self.assertEqual([entry for entry in found if entry[1] < entry[2]], [])

    def colours(self):
        return self.browser.run("""
          const fill = document.querySelector("figure svg path");
          return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                  getComputedStyle(fill).fill, getComputedStyle(document.querySelector(".mark")).color]""")

    def test_light_and_dark_differ(self):
        self.show(scheme="light")
        light = self.colours()
        self.show(scheme="dark")
        dark = self.colours()
        for one, other in zip(light, dark):
            self.assertNotEqual(one, other)
        self.assertEqual(light[0], light[2])  # charts lie on the ground of the page
        self.assertEqual(dark[0], dark[2])

    def test_paper_is_light_and_shows_all(self):
        self.show(scheme="light")
        light = self.colours()
        browser = self.show(scheme="dark")
        closed = browser.run("return document.querySelectorAll('details:not([open])').length")
        self.assertGreater(closed, 0)
        browser.media("dark", "print")
        self.assertEqual(self.colours(), light)
        for selector, name, value in (("nav", "display", "none"), ("tbody tr", "breakInside", "avoid"),
                                      (".scroll", "overflowX", "visible"), (".copy", "display", "none")):
            script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
            self.assertEqual(browser.run(script, selector, name), value, selector)
        browser.run("addEventListener('beforeprint', () => {"
                    "  window.closed_on_paper = document.querySelectorAll('details:not([open])').length })")
        self.assertGreater(len(browser.devtools("Page.printToPDF")["data"]), 100_000)
        self.assertEqual(browser.run("return window.closed_on_paper"), 0)
        self.assertEqual(browser.run("return document.querySelectorAll('details:not([open])').length"), closed)

    def test_the_keyboard_finds_its_way(self):
        browser = self.show()
        browser.press(TAB)
        first = browser.run("""
          const one = document.activeElement;
          return [one.className, one.getBoundingClientRect().top, getComputedStyle(one).outlineStyle]""")
        self.assertEqual(first[0], "skip")
        self.assertGreaterEqual(first[1], 0)
        self.assertEqual(first[2], "solid")
        browser.press(ENTER)
        self.assertEqual(browser.run("return document.activeElement.id"), "main")

    def test_the_command_can_be_copied(self):
        browser = self.show()
        browser.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        browser.click("#again .copy")
        for _ in range(100):
            if browser.run("return document.querySelector('#again .copy').textContent") == "Copied":
                break
        copied = browser.run("return navigator.clipboard.readText()")
        self.assertEqual(copied, browser.run("return document.querySelector('#again pre').textContent"))
        self.assertTrue(copied.startswith("scripts/bench "))

    def test_no_script_of_a_file_runs(self):
        def poison(document):
            document["context"]["bench"]["flags"] = HOSTILE.replace("alert", "window.taken=")
            document["context"]["bench"]["groups"][0]["title"] = HOSTILE.replace("alert", "window.taken=")
        path = self.page.with_name("hostile.html")
        path.write_bytes(report.page([changed(small(), poison)]))
        self.browser.open(path)
        self.assertEqual(self.browser.console(), [])
        # Even if a text were not escaped, the policy would stop it.
        self.browser.run("const one = document.createElement('script'); one.textContent = 'window.taken = 1';"
                         "document.body.append(one)")
        self.assertIsNone(self.browser.run("return window.taken === undefined ? null : window.taken"))
        self.assertIn("Content Security Policy", self.browser.console()[0]["message"])


if __name__ == "__main__":
    unittest.main()
