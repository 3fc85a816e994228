"""The page: its sentences, its structure, what it refuses, and the way back to the result file."""
import contextlib
import functools
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser

from plots import answers, charts, embed, report, result, style, tables, validity
from plots.errors import PlotError
from plots.marks import plain
from tests.plots.fixtures import Document, ServiceFigures
from tests.plots.test_charts import crowded

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)></title></svg></script><!--"
VOID = ("meta", "link", "br", "img", "input", "hr")

style.prepare()


@functools.cache
def crowded_document():
    document = crowded()
    claim = {"id": "one", "topic": "B", "heading": "What a unit costs", "claim": "Threads win <b>.", "notes": "3 against 2",
             "verdict": "refuted", "found": "threads 1.00× processes", "otherwise": "They do not.",
             "again": "bench claims --claim=one"}
    document.claims = [claim, claim | {"id": "two", "verdict": "confirmed here, if", "condition": "from 40 on"}]
    return document


@functools.cache
def crowded_page():
    """The page of a result with everything in it, which takes seconds to draw."""
    return report.page([crowded_document().result()])


def small(**about):
    """A document with a group of each kind."""
    document = Document(**about).job("cpu", {"serial": [2e6] * 6, "threads": [1e6] * 6, "processes+epoll": [1.1e6] * 6})
    document.service("echo", {"epoll": ServiceFigures(), "serial": ServiceFigures(limit="starved", served=1),
                              "poll": ServiceFigures(invalid={2: "no request was answered"})})
    return document.primitive("spawn", {("threads", "clone", 1): [12e3] * 6, ("coroutines", "call", 1): [9.0] * 6})


def answer_of(document, index=0):
    """The answer for a group as texts: [headline, sentence, …]."""
    answer = answers.answers(document.result())[index]
    return [plain(answer["headline"]), *map(plain, answer["sentences"])]


def changed(document, change):
    """The result of a document that `change` has twisted."""
    twisted = json.loads(document.text())
    change(twisted)
    return result.parse(json.dumps(twisted).encode(), "twisted.json")


class Page(HTMLParser):
    """What a page consists of; raises ValueError where its elements are not nested rightly."""

    def __init__(self, text):
        super().__init__()
        self.elements = []  # [name, attributes, text within]
        self.stack = []
        self.feed(text)
        self.close()
        if self.stack:
            raise ValueError(f"not closed: {self.stack}")

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in VOID:
            self.stack.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_data(self, data):
        for element in self.stack:
            element[2] += data

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            raise ValueError(f"</{tag}> within {[element[0] for element in self.stack]}")
        self.stack.pop()

    def all(self, *tags):
        return [element for element in self.elements if element[0] in tags]


class Sentences(unittest.TestCase):
    def test_the_best_one_and_how_far_the_next_and_the_last_are(self):
        document = Document().job("io", {"serial": [100e6] * 6, "epoll": [10e6] * 6, "threads": [12e6] * 6},
                                  ideal_ns=10e6, waits_ns=[10_000_000])
        answer = answers.answers(document.result())[0]
        self.assertEqual(answer["work"], "10 tasks that wait 10 ms, on 2 CPUs")
        self.assertEqual(answer_of(document), [
            "Fastest: epoll.", "Next is threads: 1.20× as long as epoll (1.20 to 1.20).",
            "Last is serial: 10.0× as long as epoll (10.0 to 10.0).",
            "A batch under epoll takes 1.00× the ideal time (1.00 to 1.00), which is that of the longest task or of "
            "all computation spread evenly over the CPUs, whichever is more."])
        self.assertEqual([f"{step['name']} {step['ratio']}" for step in answer["ladder"]],
                         ["epoll 1.00×", "threads 1.20×", "serial 10.0×"])

    def test_ties_are_called_ties(self):
        times = {"serial": [40e6] * 6, "threads": [20e6] * 6, "processes": [20e6] * 6}
        self.assertEqual(answer_of(Document().job("cpu", times, ties=[("threads", "processes")]))[:2], [
            "Fastest: threads and processes, a tie: the data cannot tell them apart.",
            "Next is serial: 2.00× as long as threads (2.00 to 2.00)."])
        self.assertEqual(answer_of(Document().job("cpu", times, ties=[("threads", "processes", "serial")]))[0],
                         "No winner: threads, processes and serial cannot be told apart.")
        times |= {"epoll": [40e6] * 6, "poll": [30e6] * 6}
        last = answer_of(Document().job("cpu", times, ties=[("serial", "epoll")]))
        self.assertIn("Last are serial and epoll, a tie: 2.00× as long as threads.", last)

    def test_fewer_than_six_rounds_decide_nothing(self):
        document = Document(command=("bench", "--suite=c10k", "--repetitions", "2", "--seed=3", "--out=x.json"))
        document.job("cpu", {"serial": [2e6] * 2, "threads": [1e6] * 2})
        self.assertEqual(answer_of(document)[:2], [
            "Not decided: threads came first in 2 rounds, but fewer than 6 cannot tell models apart.",
            "--repetitions=6 would tell."])
        self.assertEqual(answers.command_for_intervals(document.result()), "scripts/bench --suite=c10k --repetitions=6")
        text = report.page([document.result()]).decode()
        self.assertIn("scripts/bench --suite=c10k --repetitions=6", text)
        self.assertNotIn("Next is", text)

    def test_enough_rounds_need_no_command(self):
        document = Document().job("cpu", {"serial": [2e6] * 6, "threads": [1e6] * 6})
        self.assertNotIn("--repetitions=6", report.page([document.result()]).decode())

    def test_why_services_are_not_ranked(self):
        figures = {"epoll": ServiceFigures(), "threads": ServiceFigures(cpu_ns=9680.0),
                   "serial": ServiceFigures(limit="starved", served=1), "poll": ServiceFigures(limit="latency"),
                   "select": ServiceFigures(invalid={1: "3 wrong replies", 2: "no request was answered"}),
                   "nonblocking": ServiceFigures(limit="server")}
        document = Document().service("echo", figures, connections=50, failed={"fibers": "no stack"},
                                      skipped={"io-uring": "no rings here"})
        self.assertEqual(answers.answers(document.result())[0]["work"],
                         "A TCP echo server: 50 connections, 30,000 requests/s in all")
        self.assertEqual(answer_of(document), [
            "Least CPU per request: epoll.", "Next is threads: 1.21× the CPU of epoll (1.21 to 1.21).",
            "The server under epoll uses 4.00× the ideal CPU time (4.00 to 4.00), which is that of the bare system "
            "calls of a request.",
            "Both kept up with the rate that was offered; so what counts is how much CPU that took.",
            "Not ranked: serial, since some connections never got a reply (served: 1 of 50).",
            "Not ranked: poll, since not every request that was offered was answered, though neither the server nor "
            "the load generator was busy: each waited for the other.",
            "Not ranked: select, since its figures are invalid: 3 wrong replies (runs: 2 of 6).",
            "Not ranked: nonblocking, since the server's CPUs were busy before every request that was offered was "
            "answered.",
            "Failed: fibers (no stack).", "Could not run here: io-uring (no rings here)."])

    def test_errors_are_counted_by_kind(self):
        def err(document):
            for row in document["benchmarks"]:
                if row.get("aggregate_name") == "median" and row["bench"]["model"] == "poll":
                    row["bench"]["errors"] |= {"reset": 1200, "connect_timeout": 3}
                    row["bench"]["error_text"] = "Connection reset by peer"
        document = Document().service("echo", {"epoll": ServiceFigures(), "poll": ServiceFigures(limit="errors")})
        sentences = [plain(sentence) for sentence in answers.answers(changed(document, err))[0]["sentences"]]
        self.assertIn("Not ranked: poll, since connections failed (1,200 reset, 3 connect timeout, Connection reset by "
                      "peer).", sentences)

    def test_a_closed_loop_goes_by_rate(self):
        figures = {"epoll": ServiceFigures(limit="server", rate=50000.0), "poll": ServiceFigures(limit="latency"),
                   "threads": ServiceFigures(limit="server", rate=31000.0)}
        texts = answer_of(Document().service("echo", figures, rate_mode=None))
        self.assertEqual(texts[:3], [
            "Most requests per second: epoll.", "Next is threads: 0.62× the rate of epoll (0.62 to 0.62).",
            "The server under epoll answers 50,000 requests/s."])
        self.assertIn("Both kept the server's CPUs busy: more requests than that cannot be answered.", texts)
        self.assertIn("Not ranked: poll, since neither the server nor the load generator was busy: the rate shows how "
                      "long they waited for each other, not what the server could bear.", texts)
        self.assertIn("--rate=common offers all models the same rate, and compares the CPU they take for it.", texts)

    def test_a_search_tells_the_rate_and_what_broke(self):
        knee = {"rate_per_second": 12000.0, "tries": 9, "above_rate_per_second": 12600.0, "above_quantile_ns": 12e6,
                "above_why": "p99 12.0 ms"}
        document = Document()
        document.slo = {"quantile_percent": 99, "limit_ns": 10_000_000}
        document.service("http", {"epoll": ServiceFigures(rate=12000.0, knee=knee),
                                  "threads": ServiceFigures(rate=7440.0, knee=knee)},
                         rate_mode="search")
        texts = answer_of(document)
        self.assertEqual(texts[:2], ["Highest rate that keeps the promise: epoll.",
                                     "Next is threads: 0.62× the rate of epoll (0.62 to 0.62)."])
        self.assertIn("The server under epoll keeps p99 below 10 ms up to 12,000 requests/s.", texts)
        self.assertIn("At 12,600 it does not: p99 12.0 ms.", texts)
        knee["above_why"] = "the load generator was the limit"
        self.assertIn("Higher rates could not be tried: at 12,600 the load generator was the limit.",
                      answer_of(document))

    def test_nothing_to_rank(self):
        self.assertEqual(answer_of(Document().job("cpu", {"serial": [1e6] * 6}))[0],
                         "serial is the only one measured, so there is nothing to compare it with.")
        self.assertEqual(answer_of(Document().service("echo", {"epoll": ServiceFigures(),
                                                               "poll": ServiceFigures(limit="latency")}))[0],
                         "epoll is the only one that can be ranked.")
        self.assertEqual(answer_of(Document().service("echo", {"poll": ServiceFigures(limit="latency")}))[0],
                         "No model can be ranked here.")
        self.assertEqual(answer_of(Document().job("cpu", {}, skipped={"fibers": "no stack"})),
                         ["Nothing was measured.", "Could not run here: fibers (no stack)."])

    def test_a_model_that_failed_later_is_told_with_its_reason(self):
        document = Document().job("cpu", {"serial": [1e6] * 6, "threads": [1e6] * 6}, failed={"poll": "lost a task"})

        def later(twisted):
            ranking = twisted["context"]["bench"]["groups"][0]["ranking"]
            ranking["order"] = ranking["order"][:1]
            ranking["best"] = []
            ranking.pop("next", None)
            name = twisted["context"]["bench"]["groups"][0]["cells"][1]
            ranking["unranked"] = [{"name": name, "reason": "failed"}]
            failure = next(row for row in twisted["benchmarks"] if row.get("error_occurred"))
            twisted["benchmarks"].append(failure | {"name": name + "/failed", "run_name": name})
        sentences = [plain(one) for one in answers.answers(changed(document, later))[0]["sentences"]]
        self.assertIn("Not ranked: threads, since a run failed: lost a task.", sentences)

    def test_units_are_dearer_only_where_intervals_do_not_overlap(self):
        times = {("coroutines", "call", 1): [9, 10, 10, 10, 10, 11],
                 ("threads", "clone", 1): [900, 1000, 1000, 1000, 1000, 1100],
                 ("processes", "fork", 1): [1000, 1200, 1200, 1200, 1200, 1300],
                 ("threads", "clone", 2): [2000, 2000, 2000, 2000, 2000, 2200]}
        document = Document().primitive("spawn", {key: [float(time) for time in value] for key, value in times.items()})
        self.assertEqual(answer_of(document), [
            "Cheapest: coroutines (10.0 ns, call).",
            "threads (1.00 µs, clone): dearer, 100× as much as coroutines (81.8 to 122).",
            "processes (1.20 µs, fork) cannot be told apart from threads: their intervals overlap.",
            "Spread over 2 CPUs instead of 1: threads 2.00× dearer (1.82 to 2.44)."])

    def test_units_in_few_rounds_are_not_compared(self):
        document = Document().primitive("spawn", {("threads", "clone", 1): [9e3], ("coroutines", "call", 1): [9.0]})
        texts = answer_of(document)
        self.assertEqual(texts[0], "Not decided: 1 round cannot tell units apart; that takes 6.")
        self.assertNotIn("dearer", " ".join(texts))

    def test_the_memory_of_units_that_wait(self):
        memory = {("threads", "sleep", 1): (1024.0, 1024.0), ("fibers", "parked", 1): (512.0, -3.0)}
        document = Document().primitive("idle", {key: [1e4] * 6 for key in memory}, tasks=100, memory=memory)
        self.assertEqual(answer_of(document), [
            "fibers 512 B, threads 2.00 KiB for each that waits, in user space and in the kernel together."])

    def test_groups_of_the_same_work_are_told_apart(self):
        document = Document().job("io", {"serial": [1e6] * 6}, waits_ns=[1_000_000])
        document.job("io", {("thread-pool", 2): [1e6] * 6, ("thread-pool", 4): [2e6] * 6}, waits_ns=[1_000_000])
        made = answers.answers(document.result())
        self.assertEqual([answer["work"] for answer in made], [
            "10 tasks that wait 1 ms, on 2 CPUs (serial)", "10 tasks that wait 1 ms, on 2 CPUs (thread-pool)"])
        self.assertIn("In brackets behind a model: how many workers its pool has.",
                      [plain(sentence) for sentence in made[1]["sentences"]])

    def test_an_interval_that_ends_near_one_does_not_look_like_one(self):
        self.assertEqual(answers.range_text(result.Value(1.1, 1.0038, 1.3, True)), "1.004 to 1.30")
        self.assertEqual(answers.range_text(result.Value(1.1, 0.9997, 12345.0, True)), "0.9997 to 12,300")


class Tables(unittest.TestCase):
    def test_numbers_behind_the_texts(self):
        document = Document().job("cpu", {"serial": [40e6] * 6, "threads": [2e6] * 6}, failed={"fibers": "lost <b>"},
                                  skipped={"poll": "no"})
        table = tables.tables(document.result())[0]
        heads = [column.head for column in table["columns"]]
        self.assertEqual(heads[:4], ["time", "95% interval", "over ideal", "CPU"])
        self.assertEqual([row["cells"] and row["cells"][0] for row in table["rows"]],
                         [("40.0 ms", 40e6), ("2.00 ms", 2e6), None, None])
        self.assertEqual([row["message"] for row in table["rows"]][2:], ["failed: lost <b>", "skipped: no"])
        self.assertEqual([row["best"] for row in table["rows"]], ["", "best", "", ""])

    def test_few_runs_have_a_range_and_no_interval(self):
        document = Document().job("cpu", {"serial": [40e6, 50e6]})
        self.assertEqual(tables.tables(document.result())[0]["rows"][0]["cells"][1][0], "range 40.0 to 50.0 ms")

    def test_flaws_stand_beside_their_rows(self):
        document = Document().service("echo", {"epoll": ServiceFigures(),
                                               "serial": ServiceFigures(limit="starved", served=1)})
        row = tables.tables(document.result())[0]["rows"][1]
        self.assertEqual((row["flaw"], row["remark"]), ("starved", "starved: served 1 of 10 connections"))

    def test_classes_of_requests_have_a_column_each(self):
        document = Document().service("echo", {"epoll": ServiceFigures(class_p99_ns={"list": 1e6, "get": 2e6, "put": None}),
                                               "serial": ServiceFigures()})
        table = tables.tables(document.result())[0]
        heads = [column.head for column in table["columns"]]
        at = heads.index("p99.9") + 1
        self.assertEqual(heads[at:at + 3], ["p99 of list", "p99 of get", "CPU/request"])
        self.assertEqual([row["cells"][at + 1] for row in table["rows"]], [("2.00 ms", 2e6), ("–", None)])


class Validity(unittest.TestCase):
    def test_what_speaks_against_the_file_is_told_with_its_remedy(self):
        def damage(document):
            document["context"]["library_build_type"] = "debug"
            document["context"]["cpu_scaling_enabled"] = True
            document["context"]["bench"]["interrupted"] = True
            document["context"]["bench"]["groups"][0]["warnings"] = ["4 of 4 cells lean; prop them up"]
            document["context"]["bench"]["groups"][1]["warnings"] = ["7 of 7 cells lean; prop them up"]
            document["context"]["bench"]["notes"] = [{"name": document["context"]["bench"]["groups"][1]["cells"][0],
                                                      "note": "spawns nothing"}]
        document = Document(revision="0123456789-dirty")
        document.job("cpu", {"serial": [1e6] * 6}, regimes=["usual"] * 4 + ["slow"] * 2)
        document.service("echo", {"epoll": ServiceFigures(), "poll": ServiceFigures(invalid={0: "no request was due"})},
                         skipped={"io-uring": "no rings"})
        found = validity.validity(changed(document, damage))
        matters = " ".join(found["matters"])
        for part in ("interrupted", "changed sources: revision 0123456789 alone", "without optimisation",
                     "change their clock"):
            self.assertIn(part, matters)
        self.assertEqual(len(found["warnings"]), 1)
        self.assertEqual(found["warnings"][0]["text"], "4 of 4 cells lean; prop them up.")
        self.assertEqual([len(found["warnings"][0][key]) for key in ("groups", "likewise")], [1, 1])
        self.assertEqual([f"{plain(cell['names'])}: {cell['text']}" for cell in found["cells"]], [
            "epoll: here it spawns nothing", "poll: invalid in 1 of 6 runs: no request was due",
            "io-uring: skipped: no rings"])
        self.assertEqual(found["regimes"][0], {"workload": "cpu", "counts": [4, 2, 0, 0, 0]})
        self.assertIn("±1.0% for the trip of a cache line", found["noise"])

    def test_a_sound_file(self):
        found = validity.validity(Document().job("cpu", {"serial": [1e6] * 6}).result())
        self.assertEqual((found["matters"], found["warnings"], found["cells"]), ([], [], []))


class Structure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.result = crowded_document().result()
        cls.text = crowded_page().decode()
        cls.page = Page(cls.text)
        cls.several = report.page([small().result("one"), small().result("two")]).decode()

    def test_the_same_file_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "example.json"
            path.write_bytes(small().text())
            made = []
            for seed in ("1", "2"):
                out = pathlib.Path(folder) / f"{seed}.html"
                environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}"}
                subprocess.run([sys.executable, "-m", "plots.report", str(path), f"--out={out}"], cwd=ROOT, check=True,
                               env=environment, stdout=subprocess.DEVNULL)
                made.append(out.read_bytes())
            self.assertEqual(made[0], made[1])
            self.assertEqual(made[0], report.page([result.load(str(path))]))

    def test_nothing_comes_from_elsewhere(self):
        for page in (self.page, Page(self.several)):
            for tag, attributes, text in page.elements:
                for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                    if name in attributes:
                        self.assertRegex(attributes[name], r"^(#.+|data:,)$", f"{name} of {tag}")
                if tag == "style":
                    self.assertNotIn("@import", text)
                    self.assertNotIn("url(", text)
        self.assertEqual(set(re.findall(r"url\(([^)]{2})", self.text)), {"#c"})  # clip paths of the charts
        self.assertNotRegex(self.text, r"(src|href)=[\"']?https?:|url\([\"']?https?:")

    def test_scripts_are_those_that_the_policy_names(self):
        policy = next(attributes["content"] for _, attributes, _ in self.page.all("meta")
                      if attributes.get("http-equiv") == "Content-Security-Policy")
        scripts = [text for _, attributes, text in self.page.all("script") if "type" not in attributes]
        self.assertEqual(len(scripts), 3)
        self.assertEqual(policy, report.content_policy(scripts))
        self.assertTrue(policy.startswith("default-src 'none';"))

    def test_ids_are_unique_and_links_lead_somewhere(self):
        for text in (self.text, self.several):
            page = Page(text)
            ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
            self.assertEqual(len(ids), len(set(ids)))
            for _, attributes, _ in page.elements:
                for name in ("href", "xlink:href"):
                    if attributes.get(name, "").startswith("#"):
                        self.assertIn(attributes[name][1:], ids)
                for one in attributes.get("aria-labelledby", "").split():
                    self.assertIn(one, ids)

    def test_headings_are_in_order_and_there_are_landmarks(self):
        levels = [int(tag[1]) for tag, _, _ in self.page.all("h1", "h2", "h3", "h4")]
        self.assertEqual(levels.count(1), 1)
        self.assertEqual(levels[0], 1)
        self.assertTrue(all(after - before <= 1 for before, after in zip(levels, levels[1:])))
        for tag in ("header", "nav", "main", "footer"):
            self.assertEqual(len(self.page.all(tag)), 1, tag)
        self.assertEqual([text for _, _, text in self.page.all("h2")], [
            "What teaching notes claim", "Which model for this work?", "Charts", "Tables", "Validity", "Run it again",
            "Data"])

    def test_figures_say_in_words_what_they_show(self):
        figures = self.page.all("figure")
        self.assertGreater(len(figures), 3)
        drawings = [element for element in self.page.all("svg") if element[1].get("role") == "img"]
        self.assertEqual(len(drawings), len(figures))
        by_id = {attributes["id"]: text for _, attributes, text in self.page.elements if "id" in attributes}
        for _, attributes, _ in drawings:
            title, alt = attributes["aria-labelledby"].split()
            self.assertGreater(len(by_id[title].strip()), 10)
            self.assertGreater(len(by_id[alt].strip()), 20)
        captions = [text for _, _, text in self.page.all("figcaption")]
        self.assertEqual(len(captions), len(figures))
        self.assertTrue(all(captions))

    def test_tables_have_captions_and_heads_with_a_scope(self):
        found = self.page.all("table")
        self.assertGreaterEqual(len(found), len(self.result.groups) + 3)
        self.assertEqual(len(self.page.all("caption")), len(found))
        for _, attributes, _ in self.page.all("th"):
            self.assertIn(attributes["scope"], ("row", "col"))
        captions = [text.strip() for _, _, text in self.page.all("caption")]
        for group in self.result.groups:
            self.assertTrue(any(caption.startswith(group.title) for caption in captions), group.title)

    def test_whatever_scrolls_can_be_reached_by_keyboard(self):
        scrolling = [attributes for _, attributes, _ in self.page.elements
                     if "scroll" in attributes.get("class", "").split()]
        self.assertGreater(len(scrolling), 10)
        for attributes in scrolling:
            self.assertEqual((attributes["tabindex"], attributes["role"]), ("0", "region"))
            self.assertTrue(attributes["aria-label"])

    def test_rows_without_figures_tell_why(self):
        self.assertIn("failed: wrong outcome", self.text)
        self.assertIn("skipped: no rings here", self.text)
        self.assertIn("starved: served 1 of 10 connections", self.text)
        self.assertIn("the load generator was the limit", self.text)

    def test_claims_are_told(self):
        self.assertIn("Threads win &lt;b&gt;.", self.text)
        for told in ("B. What a unit costs", "3 against 2", "threads 1.00× processes", "They do not.",
                     "confirmed here, if from 40 on", "2 claims: 1 confirmed under a condition, 1 refuted."):
            self.assertIn(told, self.text)
        without = report.page([Document().job("cpu", {"serial": [1e6] * 6}).result()]).decode()
        self.assertNotIn("Claims", without)

    def test_charts_without_data_name_the_command_that_fills_them(self):
        text = report.page([Document().job("cpu", {"serial": [1e6] * 6}).result()]).decode()
        self.assertIn("To fill it: <code>bench --suite=c10k", text)

    def test_several_results_make_a_page_of_what_was_run_where(self):
        page = Page(self.several)
        self.assertLessEqual({"What was run where", "Charts", "Data"}, {text for _, _, text in page.all("h2")})
        self.assertEqual([text for _, _, text in page.all("h3")], ["one", "two"])
        self.assertEqual([name for name, _ in embed.extract(self.several.encode(), "x.html")], ["one.json", "two.json"])

    def test_size(self):
        self.assertLess(len(self.text), 3 << 20)


class Hostile(unittest.TestCase):
    def test_no_text_of_a_file_becomes_markup(self):
        def poison(document):
            bench = document["context"]["bench"]
            bench["compiler"] = bench["flags"] = HOSTILE
            bench["command_line"] += [HOSTILE, f"--suite={HOSTILE}"]
            bench["libraries"][HOSTILE] = "1.0"
            for key in ("kernel", "cpu_model", "governor", "hypervisor", "clock_source"):
                bench["machine"][key] = HOSTILE
            bench["machine"]["limits"][0]["limit"] = HOSTILE
            document["context"]["host_name"] = HOSTILE
            document["context"]["caches"] = [{"type": HOSTILE, "level": 1, "size": 1, "num_sharing": 1}]
            for skipped in bench["skipped"]:
                skipped["reason"] = HOSTILE
            bench["claims"] = [{"id": "a", "topic": "A", "verdict": "confirmed"} | {
                key: HOSTILE for key in ("heading", "claim", "notes", "condition", "found", "why", "otherwise", "again")}]
            for group in bench["groups"]:
                group["title"] = group["title"].split(" ·")[0] + HOSTILE
                group["verdict" if group["kind"] != "primitive" else "title"] = HOSTILE
                group["warnings"] = [HOSTILE]
                for entry in group.get("ranking", {}).get("unranked", []):
                    entry["reason"] = HOSTILE
            bench["notes"] = [{"name": bench["groups"][0]["cells"][0], "note": HOSTILE}]
            for row in document["benchmarks"]:
                if row.get("error_occurred"):
                    row["error_message"] = HOSTILE
                if "invalid_reason" in row["bench"]:
                    row["bench"]["invalid_reason"] = HOSTILE
                for each in row["bench"].get("classes", [])[:1]:
                    each["name"] = HOSTILE
                if "via" in row["bench"].get("parameters", {}):
                    row["bench"]["parameters"]["via"] = HOSTILE
                if row.get("aggregate_name") == "median" and "errors" in row["bench"]:
                    row["bench"]["error_text"] = HOSTILE
        twisted = changed(crowded(), poison)
        little = changed(small(), poison)
        for results in ([twisted], [little, result.parse(little.text, "x.json", HOSTILE.replace("/", ""))]):
            text = report.page(results).decode()
            page = Page(text)
            self.assertEqual([attributes.get("type") for _, attributes, _ in page.all("script")],
                             [embed.TYPE] * len(results) + [None] * 3)
            self.assertEqual(page.all("img"), [])
            names = {name for _, attributes, _ in page.elements for name in attributes}
            self.assertFalse([name for name in names if name.startswith("on")])
            self.assertGreater(page.elements[0][2].count("<script>alert(1)</script>"), 3)


class Extracting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        # Bytes that no JSON library would write again.
        document = Document().job("cpu", {"serial": [1e6] * 6}).document()
        self.bytes = b" \n" + json.dumps(document, indent=3).encode() + b"\n\t\n"
        pathlib.Path("r.json").write_bytes(self.bytes)
        self.main("r.json", "--out=page.html")

    def main(self, *arguments):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            report.main(arguments)
        return printed.getvalue()

    def refusal(self, *arguments):
        with self.assertRaises(PlotError) as caught:
            self.main(*arguments)
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)

    def test_the_very_bytes_come_back(self):
        self.assertEqual(self.main("--extract=page.html", "--out=again.json"), "again.json\n")
        self.assertEqual(pathlib.Path("again.json").read_bytes(), self.bytes)
        os.remove("r.json")
        self.assertEqual(self.main("--extract", "page.html"), "r.json\n")
        self.assertEqual(pathlib.Path("r.json").read_bytes(), self.bytes)

    def test_a_browser_may_have_saved_the_page(self):
        page = pathlib.Path("page.html").read_text()
        page = re.sub(r'<script type="([^"]*base64)" data-name="([^"]*)">', r"<SCRIPT data-name='\2'  type='\1'>\n",
                      page)
        pathlib.Path("page.html").write_text(page)
        self.main("--extract=page.html", "--force")
        self.assertEqual(pathlib.Path("r.json").read_bytes(), self.bytes)

    def test_no_file_is_replaced_unasked(self):
        pathlib.Path("r.json").write_text("precious")
        self.assertIn("extract r.json: it exists already; --force", self.refusal("--extract=page.html"))
        self.assertEqual(pathlib.Path("r.json").read_text(), "precious")
        self.main("--extract=page.html", "--force")
        self.assertEqual(pathlib.Path("r.json").read_bytes(), self.bytes)

    def test_several_files(self):
        pathlib.Path("s.json").write_bytes(self.bytes + b" ")
        self.main("r.json", "s.json", "--out=both.html")
        os.remove("r.json")
        os.remove("s.json")
        self.assertIn("there are 2 result files", self.refusal("--extract=both.html", "--out=one.json"))
        self.main("--extract=both.html")
        self.assertEqual(pathlib.Path("s.json").read_bytes(), self.bytes + b" ")
        self.assertIn("two of the pages have a file of this name",
                      self.refusal("--extract=both.html", "--extract=page.html", "--force"))

    def test_pages_that_hold_nothing_or_are_damaged(self):
        page = pathlib.Path("page.html").read_text()
        start = page.index('data-name="r.json">') + len('data-name="r.json">')
        damaged = {
            "holds no result file": "<p>hello</p>", "": page[:start], "r.json in it": page[:start + 400],
            "cannot be unpacked": page[:start + 100] + "AAAA" + page[start + 104:],
            "is empty": page[:start] + page[page.index("</script>", start):],
            "no usable name": page.replace('data-name="r.json"', 'data-name=".."'),
        }
        for expected, text in damaged.items():
            with self.subTest(expected):
                pathlib.Path("damaged.html").write_text(text)
                message = self.refusal("--extract=damaged.html", "--force")
                self.assertTrue(message.startswith("damaged.html: "), message)
                self.assertIn(expected, message)
        self.assertEqual(pathlib.Path("r.json").read_bytes(), self.bytes)
        self.assertIn("nowhere.html: cannot be read", self.refusal("--extract=nowhere.html"))
        self.assertIn("write nowhere/x: No such file", self.refusal("--extract=page.html", "--out=nowhere/x"))

    def test_a_name_leads_to_no_other_folder(self):
        page = pathlib.Path("page.html").read_text().replace('data-name="r.json"', 'data-name="../../evil.json"')
        os.mkdir("inner")
        os.chdir("inner")
        pathlib.Path("page.html").write_text(page)
        self.assertEqual(self.main("--extract=page.html"), "evil.json\n")
        self.assertTrue(pathlib.Path("evil.json").exists())


class Running(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.result = self.folder / "r.json"
        self.result.write_bytes(Document().job("cpu", {"serial": [1e6] * 6}).text())

    def report(self, *arguments, **environment):
        environment = os.environ | {"BENCH_PYTHON": sys.executable, "BROWSER": ""} | environment
        return subprocess.run([ROOT / "scripts" / "report", *arguments], cwd=self.folder, capture_output=True,
                              text=True, env=environment)

    def test_the_path_is_printed(self):
        done = self.report("r.json")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "report.html\n", ""))
        done = self.report("r.json", "--out=a/b/page.html")
        self.assertEqual(done.stdout, "a/b/page.html\n")
        self.assertTrue((self.folder / "a/b/page.html").exists())

    def test_what_goes_wrong_is_told_in_a_line(self):
        (self.folder / "broken.json").write_bytes(self.result.read_bytes()[:300])
        (self.folder / "folder.html").mkdir()
        for arguments, expected in ((["broken.json"], "broken.json: not JSON"),
                                    (["none.json"], "none.json: cannot be read"),
                                    (["r.json", "--out=folder.html"], "write folder.html: Is a directory"),
                                    (["r.json", "--out=r.json/x.html"], "--out=r.json: cannot be written"),
                                    (["--extract=r.json"], "r.json: holds no result file")):
            with self.subTest(expected):
                done = self.report(*arguments)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertTrue(done.stderr.startswith(f"scripts/report: {expected}"), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
        for arguments in ([], ["r.json", "--extract=x.html"], ["--run="]):
            self.assertEqual(self.report(*arguments).returncode, 2)

    def test_open_calls_the_browser_or_says_where_the_page_is(self):
        browser = self.folder / "browser"
        browser.write_text('#!/bin/sh\necho "$1" >opened\n')
        browser.chmod(0o755)
        address = (self.folder / "report.html").resolve().as_uri()
        done = self.report("r.json", "--open", BROWSER=str(browser))
        self.assertEqual((done.returncode, done.stdout), (0, "report.html\n"))
        self.assertEqual((self.folder / "opened").read_text().strip(), address)
        tools = self.folder / "tools"
        tools.mkdir()
        for tool in ("bash", "env", "dirname", "readlink"):
            (tools / tool).symlink_to(shutil.which(tool))
        done = self.report("r.json", "--open", PATH=str(tools), DISPLAY="", WAYLAND_DISPLAY="")
        self.assertEqual((done.returncode, done.stdout), (0, f"report.html\n{address}\n"))

    def test_run_measures_and_makes_the_page_beside_the_result(self):
        scripts = self.folder / "scripts"
        scripts.mkdir()
        shutil.copy(ROOT / "scripts" / "report", scripts)
        for name, body in (("setup", 'echo "setup $*" >>log'), ("plot-python", 'echo "$*" >>log'), ("bench", (
                'echo "bench $*" >>log; for a in "$@"; do case $a in --out=*) echo x >"${a#--out=}";; esac; done; '
                'exit "${BENCH_STATUS-0}"'))):
            (scripts / name).write_text(f"#!/bin/bash\n{body}\n")
            (scripts / name).chmod(0o755)
        (self.folder / "results").mkdir()
        for status in (0, 1):
            done = subprocess.run([scripts / "report", "--open", "--run=quick"], cwd=self.folder,
                                  env=os.environ | {"BENCH_STATUS": str(status)})
            self.assertEqual(done.returncode, status)
        lines = (self.folder / "log").read_text().splitlines()
        self.assertEqual(lines[0], "setup --charts")
        name = re.fullmatch(r"bench --suite=quick --out=(.*/results/quick-\d{8}T\d{6}Z)\.json", lines[1])[1]
        self.assertEqual(lines[2], f"plots.report {name}.json --out={name}.html --open")
        self.assertEqual(len({line for line in lines if line.startswith("bench")}), 2)  # a fresh name each time

    def test_a_suite_that_there_is_not_makes_no_page(self):
        scripts = self.folder / "scripts"
        scripts.mkdir()
        shutil.copy(ROOT / "scripts" / "report", scripts)
        for name, body in (("setup", ""), ("bench", "exit 2"), ("plot-python", "echo drawn")):
            (scripts / name).write_text(f"#!/bin/bash\n{body}\n")
            (scripts / name).chmod(0o755)
        done = subprocess.run([scripts / "report", "--run=nothing"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))


if __name__ == "__main__":
    unittest.main()
