"""A result file as charts read it: groups of cells, each with its samples and what the program made of them.

The file's schema (results/schema.json) is the contract. Nothing that the file holds is worked out again here.
"""
import functools
import gzip
import json
import pathlib
import zlib
from dataclasses import dataclass, field

import fastjsonschema

from plots.errors import PlotError

PERCENTILES = ("p50", "p90", "p99", "p99_9")

# Parameters of a service that follow from others, so that they differ along a sweep: a window is as long as it takes.
DERIVED = ("workers", "stack_bytes", "service_compute_steps", "duration_ns", "warmup_ns")

# Why a cell has no place, by its loop and what its limit was: in a few words, and what that means.
FLAWS = {
    ("open", "server"): ("rate not met", "the server was busy before all that was offered was answered"),
    ("open", "latency"): ("rate not met", "not all that was offered was answered, though neither side was busy"),
    ("open", "generator"): ("rate not met", "the load generator was the limit"),
    ("open", "keeps its promise at no rate"): ("promise not kept", "at no rate that was tried"),
    ("closed", "latency"): ("server not busy", "the rate shows how long both sides waited for each other"),
    ("closed", "generator"): ("server not busy", "the load generator was the limit"),
    ("closed", "rate"): ("server not busy", "the rate was not its limit"),
}

SCHEMA_FILE = pathlib.Path(__file__).resolve().parent.parent / "results" / "schema.json"


@dataclass(frozen=True)
class Value:
    """A median with its 95% interval, in the unit of the key it was read from. Where `bounded` is false there were
    fewer than 6 runs: the interval is then their range and promises nothing. Without an interval, both ends are None."""

    median: float
    low: float | None = None
    high: float | None = None
    bounded: bool = False


@dataclass
class Cell:
    """One model × workload × parameters of one file."""

    name: str
    workload: str
    model: str
    label: str  # in its group: the model, with its workers or stack where the group has several of that model
    parameters: dict = field(default_factory=dict)
    samples: list = field(default_factory=list)  # rows of runs that went well, in the order of the rounds
    median: dict | None = None  # the aggregate row
    percentiles: dict = field(default_factory=dict)  # "p50", "p90", "p99", "p99_9": aggregate rows
    failure: str | None = None
    skipped: str | None = None
    unranked: str | None = None  # why it has no place in the group's ranking, as the file has it

    @property
    def measured(self):
        return self.median is not None

    @property
    def figures(self):
        """What lies under the median row's `bench`; empty where nothing was measured."""
        return self.median["bench"] if self.median else {}

    @property
    def limit(self):
        return self.figures.get("limit")

    @property
    def flaw(self):
        """Why the figures of this cell are not to be ranked, in a few words; None where they are sound."""
        if self.failure:
            return "failed"
        if self.figures.get("valid") is False:
            return "invalid"
        if self.unranked in (None, "starved", "errors"):
            return self.unranked
        return FLAWS.get((self.parameters.get("loop"), self.unranked), ("not ranked", ""))[0]

    @property
    def flaw_reason(self):
        """The flaw in full; None where there is none."""
        if self.failure:
            return f"failed: {self.failure}"
        flaw = self.flaw
        if flaw == "invalid":
            runs = self.figures.get("invalid_samples", 0)
            of = "" if runs == len(self.samples) else f" in {runs} of {len(self.samples)} runs"
            return f"invalid{of}: {self.figures['invalid_reason']}"
        if flaw == "starved":
            return (f"starved: served {self.figures['connections_served']:,} of "
                    f"{self.figures['connections_due']:,} connections")
        if flaw == "errors":
            counted = [f"{many:,} {kind.replace('_', ' ')}" for kind, many in self.figures["errors"].items() if many]
            return f"errors: {', '.join(counted)}"
        if flaw:
            why = FLAWS.get((self.parameters.get("loop"), self.unranked), ("", self.unranked))[1]
            return f"{flaw}: {why}"
        return None

    # The figures that several charts show.

    def time_ns(self):
        """Of a batch, a request (mean latency) or an operation."""
        return self._value(self.median["real_time"], self.figures["real_time_interval_ns"])

    def cpu_ns(self):
        """CPU time per batch, request or operation; 0 where no request was answered."""
        if self.median["items_per_second"] == 0:
            return Value(0.0)
        return self._value(self.median["cpu_time"], self.figures["cpu_time_interval_ns"])

    def rate(self):
        """Requests answered per second."""
        return self._value(self.median["items_per_second"], self.figures["rate_interval_per_second"])

    def knee_rate(self):
        """Requests per second, the highest that kept a search's promise; 0 where none did."""
        return self._value(self.figures["knee_rate_per_second"], self.figures["knee_rate_interval_per_second"])

    def latency_ns(self, percentile):
        """The median of the runs' percentiles: "p50", "p90", "p99", "p99_9"."""
        row = self.percentiles[percentile]
        return self._value(row["real_time"], row["bench"]["latency_interval_ns"])

    def class_p99_ns(self):
        """By class of requests, in the file's order: the median of the runs' p99, with their range, since the file has no
        interval of it. Empty where requests were not told apart; without those classes of which there was none."""
        values = {}
        for name, p99 in _class_p99_ns(self.figures).items():
            runs = [found[name] for found in (_class_p99_ns(sample["bench"]) for sample in self.samples) if name in found]
            values[name] = Value(p99, min(runs), max(runs)) if runs else Value(p99)
        return values

    def ratio(self, key):
        """A ratio of the median row such as "over_ideal" or "speedup_over_serial"; None where it is absent."""
        found = self.figures.get(key)
        return found and Value(found["effect"], found["low"], found["high"], found["bounded"])

    def unit_bytes(self):
        """Memory per unit or connection in all, bytes; what is below 0 within the noise counts as 0. None where it was
        not measured."""
        return None if self.units() is None else sum(max(part, 0) for part in self.units())

    def units(self):
        """Memory per unit or connection as (user, kernel) in bytes; None where it was not measured."""
        for unit in ("connection", "unit"):
            if f"user_bytes_per_{unit}" in self.figures:
                return self.figures[f"user_bytes_per_{unit}"], self.figures[f"kernel_bytes_per_{unit}"]
        return None

    @staticmethod
    def _value(median, interval):
        return Value(median, interval["low"], interval["high"], interval["bounded"])


def _class_p99_ns(bench):
    if "classes" in bench:
        found = {each["name"]: each.get("latency_p99_ns") for each in bench["classes"]}
    else:  # version 1 of the schema
        found = {name: bench.get(f"{name}_latency_p99_ns") for name in ("light", "heavy")}
    return {name: p99 for name, p99 in found.items() if p99}


@dataclass
class Group:
    """Cells that are compared with each other."""

    title: str
    workload: str
    kind: str  # "job", "service", "primitive"
    cells: list  # in the order of the program's tables
    ranking: dict | None
    verdict: str | None
    warnings: list

    @property
    def measured(self):
        return [cell for cell in self.cells if cell.measured]

    def parameter(self, name, default=None):
        """What all cells of the group were told; from the first that says it."""
        for cell in self.cells:
            if name in cell.parameters:
                return cell.parameters[name]
        return default

    def ranked(self):
        """Measured cells: those with a place, best first, then the others in table order."""
        by_name = {cell.name: cell for cell in self.measured}
        order = [place["name"] for place in (self.ranking or {}).get("order", [])]
        ranked = [by_name.pop(name) for name in order if name in by_name]
        return ranked + list(by_name.values())

    def ties(self):
        """Lists of cells that follow each other in `ranked()` and that the data cannot tell apart."""
        by_name = {cell.name: cell for cell in self.cells}
        return [[by_name[name] for name in tie] for tie in (self.ranking or {}).get("ties", [])]


@dataclass
class Result:
    """One result file."""

    path: str
    label: str  # the file's name without its suffix, or as the user calls it
    text: bytes  # the file as it is
    document: dict
    groups: list

    @property
    def context(self):
        return self.document["context"]

    @property
    def bench(self):
        return self.document["context"]["bench"]

    @property
    def machine_name(self):
        """The machine in a few words, for footers and headings."""
        machine = self.bench["machine"]
        cpus = machine["cpus_available"]
        where = {"none": "", "unknown vendor": ", virtual machine"}.get(machine["hypervisor"],
                                                                        f", virtual machine ({machine['hypervisor']})")
        return f"{machine['cpu_model']}, {cpus} CPU{'' if cpus == 1 else 's'}{where}, {machine['kernel']}"

    @property
    def command(self):
        """The command line that made it, with the program called by its name."""
        words = ["bench", *self.bench["command_line"][1:]]
        return " ".join(quote(word) for word in words)

    @property
    def rerun(self):
        """The command that measures the same again, in the same random order."""
        words = self.bench["command_line"][1:]
        drop = ("--out=", "--seed=", "--force")
        kept = []
        skip_next = False
        for word in words:
            if skip_next:
                skip_next = False
            elif word in ("--out", "--seed"):
                skip_next = True
            elif not word.startswith(drop):
                kept.append(word)
        return " ".join(["scripts/bench", *map(quote, kept), f"--seed={self.bench['seed']}"])

    def groups_of(self, kind, workload=None):
        return [group for group in self.groups if group.kind == kind and workload in (None, group.workload)]


def quote(word):
    """`word` as a shell takes it."""
    plain = all(c.isalnum() or c in "-_=+,.:/%@" for c in word)
    return word if plain and word else "'" + word.replace("'", "'\\''") + "'"


def load(argument):
    """The result file that `argument` names, PATH or NAME=PATH, compressed by gzip or not. Throws PlotError with one line that names the file and,
    where there is one, the key."""
    label, path = _split_label(argument)
    try:
        text = pathlib.Path(path).read_bytes()
        if text.startswith(b"\x1f\x8b"):
            text = gzip.decompress(text)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PlotError(f"{path}: damaged as a gzip file: {error}") from None
    except OSError as error:
        raise PlotError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(text, path, label)


def load_all(arguments):
    """The result files that the arguments name, with different labels. Throws PlotError."""
    results = [load(argument) for argument in arguments]
    seen = {}
    for result in results:
        seen[result.label] = seen.get(result.label, 0) + 1
        if seen[result.label] > 1:
            result.label += f"-{seen[result.label]}"
    return results


def _split_label(argument):
    name, equals, path = argument.partition("=")
    if equals and "/" not in name and not pathlib.Path(argument).exists():
        return name, path
    return _stem(argument), argument


def _stem(path):
    return pathlib.Path(path).name.removesuffix(".gz").removesuffix(".json")


def parse(text, path, label=None):
    """As `load`, from the bytes of a file."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise PlotError(f"{path}: not JSON: byte {error.start} is no UTF-8") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        hint = "; it ends too early: was it cut off?" if cut else ""
        raise PlotError(f"{path}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}{hint}") from None
    except (ValueError, RecursionError) as error:
        raise PlotError(f"{path}: not JSON: {error}") from None
    _check(document, path)
    return Result(path=path, label=label or _stem(path), text=text, document=document,
                  groups=_make_groups(document, path))


def _refuse_constant(word):
    raise ValueError(f"{word} is no number")


def _check(document, path):
    """Against the schema, but for keys that a newer program may have added."""
    known, validate = _schema()
    found = document
    for key in ("context", "bench", "schema_version"):
        if not isinstance(found, dict) or key not in found:
            where = {"context": "context", "bench": "context.bench"}.get(key, "context.bench.schema_version")
            other = "Google Benchmark wrote it?" if key == "bench" else "is it a result of bench?"
            raise PlotError(f"{path}: no key {where}: {other}")
        found = found[key]
    if isinstance(found, int) and found > known:
        raise PlotError(f"{path}: context.bench.schema_version is {found}, and these scripts read {known}: "
                        "use those of the program that wrote it")
    try:
        validate(document)
    except fastjsonschema.JsonSchemaValueException as error:
        raise PlotError(f"{path}: {_key(error.path[1:])}: {_problem(error)}") from None


@functools.cache
def _schema():
    """(the version of the schema, a function that holds a document against it)."""
    with open(SCHEMA_FILE, encoding="utf-8") as file:
        schema = json.load(file)
    properties = schema["$defs"]["context_bench"]["properties"]
    known = properties["schema_version"]["const"]
    properties["schema_version"] = {"type": "integer", "minimum": 1}  # the keys of earlier ones are known here
    return known, fastjsonschema.compile(_reader_schema(schema))


def _reader_schema(part):
    """The schema without its refusal of further keys, and with dependencies as the validator knows them (of draft 7)."""
    if isinstance(part, list):
        return [_reader_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {"dependencies" if key == "dependentRequired" else key: _reader_schema(value) for key, value in part.items()
            if not (key == "additionalProperties" and value is False)}


def _problem(error):
    if error.rule == "required" and isinstance(error.value, dict):
        missing = next(key for key in error.rule_definition if key not in error.value)
        return f"no key {missing}: damaged, or of another version of bench: measure again"
    said = error.message.removeprefix(error.name).strip()
    return _shorten(f"{json.dumps(error.value, ensure_ascii=False)} {said}" if not isinstance(
        error.value, (dict, list)) else said)


def _key(path):
    """["benchmarks", "2", "bench"] → "benchmarks[2].bench"."""
    text = ""
    for part in path:
        text += f"[{part}]" if part.isdecimal() else f".{part}" if text else part
    return text or "the document"


def _shorten(text):
    text = " ".join(text.split())
    return text if len(text) <= 160 else text[:79] + " … " + text[-78:]


def _make_groups(document, path):
    context = document["context"]["bench"]
    skipped = {entry["name"]: entry["reason"] for entry in context["skipped"]}
    cells = {}
    groups = []
    for entry in context["groups"]:
        group = Group(title=entry["title"], workload=entry["workload"], kind=entry["kind"], cells=[],
                      ranking=entry.get("ranking"), verdict=entry.get("verdict"), warnings=entry["warnings"])
        for name in entry["cells"]:
            model = name.split("/")[1]
            if name in cells:
                raise PlotError(f"{path}: context.bench.groups: {name} is there twice, so that its rows cannot be told apart")
            cell = Cell(name=name, workload=entry["workload"], model=model, label=model, skipped=skipped.get(name))
            cells[name] = cell
            group.cells.append(cell)
        groups.append(group)
    for index, row in enumerate(document["benchmarks"]):
        cell = cells.get(row["run_name"])
        if cell is None:
            raise PlotError(f"{path}: benchmarks[{index}].run_name: {row['run_name']} is in no group of "
                            "context.bench.groups")
        _add_row(cell, row)
    for index, group in enumerate(groups):
        _check_group(group, f"{path}: context.bench.groups[{index}]")
        _label(group)
    return groups


def _check_group(group, where):
    """What the schema cannot say: names of the ranking are those of cells, and a cell has all of its rows."""
    cells = {cell.name: cell for cell in group.cells}
    ranking = group.ranking or {}
    named = [("order", place["name"]) for place in ranking.get("order", [])]
    named += [("best", name) for name in ranking.get("best", [])]
    named += [("next", ranking["next"])] if "next" in ranking else []
    named += [("ties", name) for tie in ranking.get("ties", []) for name in tie]
    named += [("unranked", entry["name"]) for entry in ranking.get("unranked", [])]
    for key, name in named:
        if name not in cells or not cells[name].measured:
            raise PlotError(f"{where}.ranking.{key}: {name} is no cell of the group that was measured")
    for entry in ranking.get("unranked", []):
        cells[entry["name"]].unranked = entry["reason"]
    for cell in group.measured:
        missing = [name for name in PERCENTILES if name not in cell.percentiles]
        if group.kind != "primitive" and missing:
            raise PlotError(f"{where}: {cell.name} has no row {cell.name}_{missing[0]}")
        if not cell.samples:
            raise PlotError(f"{where}: {cell.name} has a median and no samples")


def _add_row(cell, row):
    cell.parameters = row["bench"].get("parameters", cell.parameters)
    if row["run_type"] == "aggregate":
        if row["aggregate_name"] == "median":
            cell.median = row
        else:
            cell.percentiles[row["aggregate_name"]] = row
    elif row.get("error_occurred"):
        cell.failure = row["error_message"]
    else:
        cell.samples.append(row)


def _label(group):
    """Tells cells of the same model apart by the parameters in which they differ."""
    for cell in group.cells:
        others = [other for other in group.cells if other.model == cell.model and other is not cell]
        parts = [_parameter_text(key, value) for key, value in cell.parameters.items()
                 if any(other.parameters.get(key) != value for other in others if other.parameters)]
        if parts:
            cell.label = f"{cell.model} ({', '.join(parts)})"


def _parameter_text(key, value):
    if key == "cpus":
        return f"{value} CPU{'' if value == 1 else 's'}"
    if key == "stack_bytes":
        return f"{value // 1024} KiB stack"
    if key in ("workers", "via"):
        return str(value)
    return f"{value} {key[:-1] if value == 1 and key.endswith('s') else key}"
