#!/usr/bin/env bash
# Real result files of every kind obey results/schema.json, which in turn refuses files that are not right: a schema
# that accepts everything would pass too.
#
#   tests/schema_test.sh BENCH FAULTY_BENCH
set -euo pipefail
bench=$(readlink -f -- "${1:?usage: tests/schema_test.sh BENCH FAULTY_BENCH}")
faulty_bench=$(readlink -f -- "${2:?usage: tests/schema_test.sh BENCH FAULTY_BENCH}")
schema=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../results/schema.json
python=/usr/bin/python3 # the one that Debian's packages serve

fail() {
  echo "schema_test: $*" >&2
  exit 1
}

"$python" -c 'import jsonschema' || fail "needs jsonschema: run scripts/setup --tests"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

run() { # run STATUS FILE PROGRAM ARGS…: writes FILE.json and ends with STATUS
  local status=0
  "$3" "${@:4}" --quiet --out="$2.json" </dev/null 2>"$2.err" || status=$?
  [[ $status == "$1" ]] || fail "$2: status $status instead of $1: $(cat "$2.err")"
}

small=(--tasks=4 --work=2000 --wait=1ms:2ms)
run 0 single "$bench" --model=all --workload=mixed "${small[@]}" --repetitions=1
run 0 normal "$bench" --model=serial,thread-pool --workload=sum "${small[@]::2}" --workers=1,2 --cpus=1 --repetitions=6
run 1 failed "$faulty_bench" --model=serial,processes --workload=throws,dies,wrong,quick --repetitions=1
run 0 skipped "$faulty_bench" --model=unavailable,serial --workload=io --tasks=4 --wait=1ms --repetitions=1
run 1 nothing "$faulty_bench" --model=unavailable --workload=io --repetitions=1

# Interrupted once a first run has been written.
"$bench" --model=serial --workload=io --tasks=4 --wait=1ms --repetitions=1000 --quiet --out=interrupted.json </dev/null 2>interrupted.err &
harness=$!
until [[ -s interrupted.json ]] || ! kill -0 "$harness" 2>/dev/null; do sleep 0.05; done
kill -TERM "$harness"
status=0
wait "$harness" || status=$?
[[ $status == 130 ]] || fail "interrupted: status $status instead of 130"

for file in single normal failed skipped nothing interrupted; do
  "$python" -m jsonschema -i "$file.json" "$schema" || fail "$file.json does not obey the schema"
done

"$python" - "$schema" <<'PYTHON'
import copy, json, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
validator = validator(schema)


def refuse(token):
    sys.exit(f"schema_test: {token} is no JSON")


def load(name):  # refuses NaN and Infinity, which Python would read
    return json.load(open(name + ".json"), parse_constant=refuse)


def nulls(value):
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    if isinstance(value, list):
        return any(map(nulls, value))
    return value is None


files = {name: load(name) for name in "single normal failed skipped nothing interrupted".split()}
for name, document in files.items():
    assert not nulls(document), f"{name}.json holds a null"

# The files are what they are meant to be.
rows = {name: document["benchmarks"] for name, document in files.items()}
assert {row["repetitions"] for row in rows["single"]} == {1}
assert any(row["bench"].get("real_time_interval_ns", {}).get("bounded") for row in rows["normal"])
assert any("checkpoint_ns" in row["bench"] for row in rows["normal"])
assert any(row.get("error_occurred") for row in rows["failed"])
assert any("items_per_second" in row for row in rows["failed"])
assert files["skipped"]["context"]["bench"]["skipped"] and rows["skipped"]
assert files["nothing"]["context"]["bench"]["skipped"] and not rows["nothing"]
assert files["interrupted"]["context"]["bench"]["interrupted"] is True and rows["interrupted"]

# The schema refuses what is wrong.
def row_of(document, kind):
    kinds = {
        "sample": lambda row: row["run_type"] == "iteration" and "error_occurred" not in row,
        "failure": lambda row: "error_occurred" in row,
        "median": lambda row: row.get("aggregate_name") == "median",
        "p99": lambda row: row.get("aggregate_name") == "p99",
    }
    return next(filter(kinds[kind], document["benchmarks"]))


def context(document):
    return document["context"]["bench"]


mutations = {
    "no context": lambda d: d.pop("context"),
    "an unknown key beside context": lambda d: d.update(more=1),
    "no seed": lambda d: context(d).pop("seed"),
    "a seed that is text": lambda d: context(d).update(seed="7"),
    "another version": lambda d: context(d).update(schema_version=2),
    "an unknown key in context.bench": lambda d: context(d).update(more=1),
    "a null in the machine": lambda d: context(d)["machine"].update(memory_bytes=None),
    "a turbo that is no answer": lambda d: context(d)["machine"].update(turbo="maybe"),
    "no limits": lambda d: context(d)["machine"].update(limits=[]),
    "a ruler without a probe": lambda d: context(d)["rulers"][0].pop("spin_ns"),
    "a local date": lambda d: d["context"].update(date="31.1.2026"),
    "a sample without a time": lambda d: row_of(d, "sample").pop("real_time"),
    "a sample of time 0": lambda d: row_of(d, "sample").update(real_time=0),
    "a time that is null": lambda d: row_of(d, "sample").update(real_time=None),
    "a time that is text": lambda d: row_of(d, "sample").update(real_time="1"),
    "a time in seconds": lambda d: row_of(d, "sample").update(time_unit="s"),
    "a name with blanks": lambda d: row_of(d, "sample").update(name="io/serial with 4 tasks"),
    "a sample without its round": lambda d: row_of(d, "sample")["bench"].pop("round"),
    "an unknown regime": lambda d: row_of(d, "sample")["bench"].update(regime="fine"),
    "an unknown measure of a sample": lambda d: row_of(d, "sample")["bench"].update(latency_p42_ns=1),
    "an unknown parameter": lambda d: row_of(d, "sample")["bench"]["parameters"].update(sleep=1),
    "another histogram": lambda d: row_of(d, "sample")["bench"]["latency_histogram"].update(kind="linear"),
    "a negative count": lambda d: row_of(d, "sample")["bench"].update(batches=-1),
    "a failure without a reason": lambda d: row_of(d, "failure").update(error_message=""),
    "a failure with a rate": lambda d: row_of(d, "failure").update(items_per_second=1),
    "a failure that did not occur": lambda d: row_of(d, "failure").update(error_occurred=False),
    "a median without its interval": lambda d: row_of(d, "median")["bench"].pop("real_time_interval_ns"),
    "half an interval": lambda d: row_of(d, "median")["bench"]["real_time_interval_ns"].pop("low"),
    "a ratio of 0": lambda d: row_of(d, "median")["bench"]["over_ideal"].update(effect=0),
    "a share above 100%": lambda d: row_of(d, "median")["bench"].update(user_cpu_percent=101),
    "a median by another name": lambda d: row_of(d, "median").update(aggregate_name="mean"),
    "an unknown measure of a tail": lambda d: row_of(d, "p99")["bench"].update(more=1),
    "a tail without its interval": lambda d: row_of(d, "p99")["bench"].pop("latency_interval_ns"),
    "an unknown kind of row": lambda d: row_of(d, "p99").update(run_type="guess"),
}
base = files["normal"]
base["benchmarks"].append(row_of(files["failed"], "failure"))
validator.validate(base)
for what, mutate in mutations.items():
    document = copy.deepcopy(base)
    mutate(document)
    assert not validator.is_valid(document), f"the schema accepts {what}"
print(f"schema_test: {len(files)} files passed, {len(mutations)} wrong ones were refused")
PYTHON
