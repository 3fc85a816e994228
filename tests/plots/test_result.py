"""Reading result files: what is refused says which file and which key."""
import gzip
import json
import pathlib
import tempfile
import unittest

from plots import result
from plots.errors import PlotError
from tests.plots.fixtures import Document, ServiceFigures


def example():
    return (Document()
            .job("cpu", {"serial": [40e6] * 6, "threads": [20e6] * 6, "processes": [20e6] * 6}, ideal_ns=19e6,
                 ties=[("threads", "processes")], failed={"fibers": "wrong outcome"}, skipped={"io-uring": "no rings here"})
            .service("echo", {"epoll": ServiceFigures(), "serial": ServiceFigures(limit="starved", served=1)}))


class Reading(unittest.TestCase):
    def test_groups_hold_their_cells_in_order(self):
        cpu, echo = example().result().groups
        self.assertEqual([cell.model for cell in cpu.cells], ["serial", "threads", "processes", "fibers", "io-uring"])
        self.assertEqual([cell.label for cell in cpu.ranked()], ["threads", "processes", "serial"])
        self.assertEqual([[cell.label for cell in tie] for tie in cpu.ties()], [["threads", "processes"]])
        self.assertEqual(cpu.cells[3].flaw_reason, "failed: wrong outcome")
        self.assertEqual(cpu.cells[4].skipped, "no rings here")
        self.assertEqual(echo.cells[1].flaw_reason, "starved: served 1 of 10 connections")
        self.assertEqual(len(echo.cells[0].samples), 6)

    def test_cells_of_one_model_are_told_apart(self):
        document = Document().job("io", {("thread-pool", 2): [1e6], ("thread-pool", 8): [1e6], "serial": [1e6]})
        self.assertEqual([cell.label for cell in document.result().groups[0].cells],
                         ["thread-pool (2)", "thread-pool (8)", "serial"])

    def test_an_interval_of_few_runs_promises_nothing(self):
        document = Document().job("io", {"serial": [1e6, 3e6]})
        self.assertEqual(document.result().groups[0].cells[0].time_ns(), result.Value(2e6, 1e6, 3e6, False))

    def test_rerun_keeps_the_seed_and_drops_the_file(self):
        document = Document(command=("/somewhere/bench", "--model=all", "--out", "x.json", "--slo=p99<1ms", "--force"), seed=9)
        self.assertEqual(document.result().rerun, "scripts/bench --model=all '--slo=p99<1ms' --seed=9")

    def test_labels_of_files_are_made_different(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            path.write_bytes(example().text())
            results = result.load_all([str(path), str(path), f"old={path}"])
            self.assertEqual([one.label for one in results], ["r", "r-2", "old"])


class Flaws(unittest.TestCase):
    """Whatever has no place in the ranking has a flaw, and nothing else."""

    def flaws(self, rate_mode, **figures):
        document = Document().service("echo", {"epoll": ServiceFigures(limit="rate" if rate_mode else "server"),
                                               "threads": ServiceFigures(**figures)}, rate_mode=rate_mode)
        sound, cell = document.result().groups[0].cells
        self.assertIsNone(sound.flaw)
        self.assertIsNone(sound.flaw_reason)
        return cell.flaw, cell.flaw_reason

    def test_of_an_offered_rate(self):
        self.assertEqual(self.flaws("common", limit="server"),
                         ("rate not met", "rate not met: the server was busy before all that was offered was answered"))
        self.assertEqual(self.flaws("fixed", limit="latency")[0], "rate not met")
        self.assertEqual(self.flaws("common", limit="starved", served=3),
                         ("starved", "starved: served 3 of 10 connections"))
        self.assertEqual(self.flaws("common", invalid={1: "late"}), ("invalid", "invalid in 1 of 6 runs: late"))

    def test_of_a_closed_loop(self):
        self.assertEqual(self.flaws(None, limit="latency")[0], "server not busy")

    def test_served_are_held_against_those_that_had_a_request(self):
        self.assertEqual(self.flaws("common", limit="starved", served=3, due=4)[1], "starved: served 3 of 4 connections")


class Refusing(unittest.TestCase):
    def refusal(self, text):
        with self.assertRaises(PlotError) as caught:
            result.parse(text if isinstance(text, bytes) else text.encode(), "r.json")
        message = str(caught.exception)
        self.assertTrue(message.startswith("r.json: "), message)
        self.assertNotIn("\n", message)
        return message

    def changed(self, change):
        document = json.loads(example().text())
        change(document)
        return self.refusal(json.dumps(document))

    def test_text_that_is_no_json(self):
        self.assertIn("not JSON: line 1, column 2", self.refusal("{nonsense"))
        self.assertIn("was it cut off?", self.refusal(example().text()[:5000]))
        self.assertIn("not JSON", self.refusal(b"\xff\xfe\x00"))
        self.assertIn("not JSON", self.refusal(""))
        self.assertIn("not JSON", self.refusal('{"context": NaN}'))
        self.assertIn("not JSON", self.refusal("[" * 100_000))

    def test_a_foreign_file(self):
        self.assertIn("no key context:", self.refusal("[]"))
        self.assertIn("no key context:", self.refusal("7"))
        self.assertIn("no key context.bench:", self.refusal('{"context": {"date": "x"}, "benchmarks": []}'))

    def test_a_file_of_the_future(self):
        def later(document):
            document["context"]["bench"]["schema_version"] = 3
        self.assertIn("context.bench.schema_version is 3, and these scripts read 2", self.changed(later))

    def test_a_file_of_the_first_version_has_light_and_heavy_requests(self):
        document = Document().service("echo", {"epoll": ServiceFigures(class_p99_ns={"light": 2e6, "heavy": 3e6})}).document()
        expected = result.parse(json.dumps(document).encode(), "r.json").groups[0].cells[0].class_p99_ns()
        document["context"]["bench"]["schema_version"] = 1
        for row in document["benchmarks"]:
            for each in row["bench"].pop("classes", []):
                row["bench"][f"{each['name']}_latency_p99_ns"] = each["latency_p99_ns"]
        old = result.parse(json.dumps(document).encode(), "r.json").groups[0].cells[0].class_p99_ns()
        self.assertEqual(old, {"light": result.Value(2e6, 2e6, 2e6), "heavy": result.Value(3e6, 3e6, 3e6)})
        self.assertEqual(old, expected)

    def test_keys_of_a_newer_program_are_no_fault(self):
        document = json.loads(example().text())
        document["context"]["bench"]["new"] = 1
        document["benchmarks"][0]["bench"]["new_ns"] = 2
        result.parse(json.dumps(document).encode(), "r.json")

    def test_damage_is_named_by_its_key(self):
        def lose(document):
            del document["benchmarks"][2]["real_time"]
        self.assertEqual(self.changed(lose), "r.json: benchmarks[2]: no key real_time: damaged, or of another version of bench: measure again")

        def twist(document):
            document["context"]["bench"]["machine"]["cpus_available"] = "two"
        self.assertIn('context.bench.machine.cpus_available: "two" must be integer', self.changed(twist))

        def ungroup(document):
            document["context"]["bench"]["groups"].pop()
        self.assertIn("is in no group of context.bench.groups", self.changed(ungroup))

        def double(document):
            document["context"]["bench"]["groups"].append(document["context"]["bench"]["groups"][0])
        self.assertIn("cpu/serial/tasks:10 is there twice", self.changed(double))

        def old(document):
            del document["context"]["bench"]["groups"]
        self.assertIn("r.json: context.bench: no key groups: damaged, or of another version of bench", self.changed(old))

        def misname(document):
            document["context"]["bench"]["groups"][0]["ranking"]["best"] = ["cpu/poll/tasks:10"]
        self.assertIn("groups[0].ranking.best: cpu/poll/tasks:10 is no cell of the group that was measured",
                      self.changed(misname))

        def lose_tail(document):
            document["benchmarks"] = [row for row in document["benchmarks"] if row["name"] != "echo/epoll/connections:10"
                                      "/message:64/rate:common_p99"]
        self.assertIn("groups[1]: echo/epoll/connections:10/message:64/rate:common has no row", self.changed(lose_tail))

    def test_a_compressed_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json.gz"
            path.write_bytes(gzip.compress(example().text()))
            self.assertEqual(result.load(str(path)).label, "r")
            self.assertEqual(result.load(str(path)).text, example().text())
            path.write_bytes(gzip.compress(example().text())[:200])
            with self.assertRaisesRegex(PlotError, "r.json.gz: damaged as a gzip file: "):
                result.load(str(path))

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(PlotError, "^/nowhere/r.json: cannot be read: No such file"):
            result.load("/nowhere/r.json")
        with self.assertRaisesRegex(PlotError, "^/: cannot be read: Is a directory"):
            result.load("/")


if __name__ == "__main__":
    unittest.main()
