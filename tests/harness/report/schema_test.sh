#!/usr/bin/env bash
# Real result files of every kind obey results/schema.json, which in turn refuses files that are not right: a schema
# that accepts everything would pass too.
#
#   tests/harness/report/schema_test.sh BENCH FAULTY_BENCH
set -euo pipefail
bench=$(readlink -f -- "${1:?usage: tests/harness/report/schema_test.sh BENCH FAULTY_BENCH}")
faulty_bench=$(readlink -f -- "${2:?usage: tests/harness/report/schema_test.sh BENCH FAULTY_BENCH}")
schema=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../../results/schema.json
scripts=$(dirname -- "$schema")/../scripts
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
run 0 own "$faulty_bench" --model=serial --workload=told --tasks=4 --capacity=2,3 --queue-order=lifo --reads=50% --repetitions=1
run 0 counted "$bench" --model=threads --workload=deadlock,counter --tasks=4 --repetitions=1
run 0 skipped "$faulty_bench" --model=unavailable,serial --workload=io --tasks=4 --wait=1ms --repetitions=1
run 1 nothing "$faulty_bench" --model=unavailable --workload=io --repetitions=1

# Every workload, and a page of them all.
mapfile -t workloads < <("$bench" list | awk '/^[A-Z]/ { kind = $1 } /^  [a-z]/ && kind ~ /^(Jobs|Services):/ { print $1 }')
((${#workloads[@]} > 20)) || fail "bench list names ${#workloads[@]} jobs and services"
run 0 every "$bench" --model=threads,thread-pool --workload="$(IFS=, && echo "${workloads[*]}")" --connections=4 \
  --duration=50ms --repetitions=1
"$scripts/report" every.json --out=every.html >/dev/null || fail "no page of every workload"

# Primitives, and a model that has none.
run 0 primitives "$bench" --model=all --workload=spawn,lock,idle --tasks=8 --stack=64KiB,16KiB --repetitions=1
run 0 unmeasured "$bench" --model=serial --workload=spawn,io --tasks=4 --wait=1ms --repetitions=1

# What was claimed, with the runs that tell.
run 0 claimed "$bench" claims --quick --claim=semaphore-admits-k,zombies-need-reaping

# Services. A search takes up to 40 tries, so its windows are short.
short=(--connections=4 --warmup=20ms)
run 0 services "$bench" --model=all --workload=echo "${short[@]}" --duration=150ms --repetitions=2
run 0 open "$bench" --model=epoll,thread-pool --workload=echo --workers=2 --rate=2000 --service-wait=1ms --heavy=50% \
  "${short[@]}" --active=2 --duration=150ms --repetitions=2
run 0 common "$bench" --model=epoll,threads --workload=http "${short[@]}" --rate=common --duration=50ms --repetitions=1
run 0 search "$bench" --model=epoll --workload=echo "${short[@]}" --rate=search --slo="p90<10ms" --duration=50ms \
  --repetitions=1
run 1 faulty "$faulty_bench" --model=epoll,throws-at-start --workload=aborts,wrong-reply,silent,closes "${short[@]}" \
  --duration=50ms --timeout=300ms --repetitions=1
run 0 silent "$faulty_bench" --model=epoll --workload=silent "${short[@]}" --rate=100 --duration=50ms \
  --timeout=300ms --repetitions=1

# The load alone, on a server that knows nothing of it.
"$bench" serve --model=epoll --workload=http --port=0 >serve.out 2>serve.err </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
until grep -q '127\.0\.0\.1:[0-9]' serve.out serve.err || ! kill -0 "$server" 2>/dev/null; do sleep 0.05; done
url=http://$(grep -oh '127\.0\.0\.1:[0-9]*' serve.out serve.err | head -n 1)/
run 0 load "$bench" load "$url" "${short[@]}" --duration=50ms
run 0 watched "$bench" load "$url" "${short[@]}" --duration=50ms --server-pid="$server"
# Under a server whose processes end in the window, and of a process that is no server.
"$bench" serve --model=processes --workload=http --port=0 >forks.out 2>forks.err </dev/null &
forks=$!
until grep -q '127\.0\.0\.1:[0-9]' forks.out forks.err || ! kill -0 "$forks" 2>/dev/null; do sleep 0.05; done
forks_url=http://$(grep -oh '127\.0\.0\.1:[0-9]*' forks.out forks.err | head -n 1)/
run 0 reaped "$bench" load "$forks_url" "${short[@]}" --duration=50ms --requests-per-connection=5 --server-pid="$forks"
run 0 unknown "$bench" load "$url" "${short[@]}" --duration=50ms --server-pid="$forks"
kill "$forks"
kill "$server"

# Interrupted once a first run has been written.
"$bench" --model=serial --workload=io --tasks=4 --wait=1ms --repetitions=1000 --quiet --out=interrupted.json </dev/null 2>interrupted.err &
harness=$!
until grep -qs '"iteration"' interrupted.json || ! kill -0 "$harness" 2>/dev/null; do sleep 0.05; done
kill -TERM "$harness"
status=0
wait "$harness" || status=$?
[[ $status == 130 ]] || fail "interrupted: status $status instead of 130"

files="single normal failed own counted skipped nothing primitives unmeasured services open common search faulty silent load watched reaped unknown interrupted"
for file in $files; do
  "$python" -m jsonschema -i "$file.json" "$schema" || fail "$file.json does not obey the schema"
done

"$python" - "$schema" "$files" <<'PYTHON'
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


files = {name: load(name) for name in sys.argv[2].split()}
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


def samples(name):
    return [row for row in rows[name] if row["run_type"] == "iteration" and "error_occurred" not in row]


assert {key for row in samples("counted") for key in row["bench"]["tallies"]} == {"deadlocks", "retries", "updates_lost"}
assert {row["bench"]["parameters"]["capacity"] for row in samples("own")} == {2, 3}
assert {row["bench"]["parameters"]["queue_order"] for row in samples("own")} == {"lifo"}
assert {row["bench"]["parameters"]["reads_percent"] for row in samples("own")} == {50}


def parts(name):  # what lies under the samples' "bench"
    return [row["bench"] for row in samples(name)]


assert len({part["model"] for part in parts("services")}) > 5
assert {part["parameters"]["loop"] for part in parts("services")} == {"closed"}
assert all(part["units_peak"] > 0 and part["ideal_ns"] > 0 for part in parts("services") + parts("search"))
assert {part["parameters"]["offered_rate_per_second"] for part in parts("open")} == {2000}
for part in parts("open"):
    assert [each["name"] for each in part["classes"]] == ["light", "heavy"]
    for key in ("requests_completed", "requests_drained", "requests_failed"):
        assert sum(each[key] for each in part["classes"]) == part[key], key
assert all("classes" not in part for part in parts("services"))
assert files["common"]["context"]["bench"]["services"]["common_rates"]
assert all("knee" in part for part in parts("search"))
assert files["search"]["context"]["bench"]["services"]["slo"]
assert all("services" not in files[name]["context"]["bench"] for name in ("single", "normal", "nothing"))
assert any(part["valid"] is False and part["invalid_reason"] for part in parts("faulty"))
assert any(part["errors"]["wrong_reply"] > 0 for part in parts("faulty"))
assert any(part["errors"]["closed"] > 0 for part in parts("faulty"))
assert any(row.get("error_occurred") for row in rows["faulty"])
assert all(row["iterations"] == 0 and row["items_per_second"] == 0 for row in samples("silent"))
assert all("server_cpu_percent" not in part and "target" in part["parameters"] for part in parts("load"))
assert all("server_cpu_percent" in part and "ideal_ns" not in part for part in parts("watched"))
assert all("server_cpu_percent" not in part and part["server_cpu_unknown"] for part in parts("unknown"))

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
    "another version": lambda d: context(d).update(schema_version=3),
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
    "a parameter that is no value": lambda d: row_of(d, "sample")["bench"]["parameters"].update(sleep_ns=None),
    "a parameter by the name of its flag": lambda d: row_of(d, "sample")["bench"]["parameters"].update({"idle-time": 1}),
    "a job with connections": lambda d: row_of(d, "sample")["bench"]["parameters"].update(connections=4),
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


def services(document):
    return context(document)["services"]


def measured(document):
    return row_of(document, "sample")["bench"]


def request_class(**more):
    counts = dict.fromkeys(("requests_completed", "requests_drained", "requests_unfinished", "requests_failed"), 1)
    return {"name": "light"} | counts | more


def distrust(part):
    part.update(valid=False)


service_mutations = {
    "a service with tasks": lambda d: measured(d)["parameters"].update(tasks=4),
    "a service without connections": lambda d: measured(d)["parameters"].pop("connections"),
    "a loop that is neither open nor closed": lambda d: measured(d)["parameters"].update(loop="ajar"),
    "a closed loop with a rate": lambda d: measured(d)["parameters"].update(offered_rate_per_second=5),
    "an open loop without its arrivals": lambda d: measured(d)["parameters"].update(loop="open", rate_mode="fixed"),
    "more heavy connections than all": lambda d: measured(d)["parameters"].update(heavy_percent=101),
    "a service of our own at an address": lambda d: measured(d)["parameters"].update(target="192.0.2.1:80"),
    "a service of our own on no CPU": lambda d: measured(d)["parameters"].pop("server_cpus"),
    "a service in batches": lambda d: measured(d).update(batches=1),
    "a service that is a task": lambda d: measured(d).update(start_delay_p50_ns=1),
    "no limit": lambda d: measured(d).pop("limit"),
    "an unknown limit": lambda d: measured(d).update(limit="weather"),
    "no word on validity": lambda d: measured(d).pop("valid"),
    "an invalid sample without a reason": lambda d: distrust(measured(d)),
    "a valid sample with a reason against it": lambda d: measured(d).update(invalid_reason="none"),
    "a server whose CPU is both known and not": lambda d: measured(d).update(server_cpu_unknown="it ended"),
    "a server that gave CPU time back": lambda d: measured(d).update(server_cpu_ns_per_request=-546),
    "a quota that stopped a run 0 times": lambda d: measured(d).update(throttled_times=0),
    "a quota of no CPU": lambda d: context(d)["machine"].update(cpu_quota={"cpus": 0, "limit": "cpu.max"}),
    "a service without its switches": lambda d: measured(d).pop("voluntary_switches_per_request"),
    "a rate that is infinite": lambda d: row_of(d, "sample").update(items_per_second="Infinity"),
    "a service without a rate": lambda d: row_of(d, "sample").pop("items_per_second"),
    "half a request": lambda d: measured(d).update(requests_completed=0.5),
    "a fairness above 1": lambda d: measured(d).update(fairness=2),
    "an unknown error": lambda d: measured(d)["errors"].update(boredom=1),
    "an error that is not counted": lambda d: measured(d)["errors"].pop("reset"),
    "an empty error text": lambda d: measured(d).update(error_text=""),
    "a single class of requests": lambda d: measured(d).update(classes=[request_class()]),
    "a class without a name": lambda d: measured(d).update(classes=[request_class(), request_class(name="")]),
    "a class that counts nothing": lambda d: measured(d).update(classes=[request_class(), {"name": "heavy"}]),
    "half a tail of a class": lambda d: measured(d).update(classes=[request_class(), request_class(latency_p50_ns=1)]),
    "an unknown measure of a service": lambda d: measured(d).update(more=1),
    "a knee after no try": lambda d: measured(d).update(knee={"rate_per_second": 1, "tries": 0}),
    "a knee that was not found and may be believed": lambda d: measured(d).update(
        knee={"rate_per_second": 1, "tries": 1, "why_not_found": "the load generator was the limit"}
    ),
    "a rate that broke for no reason": lambda d: measured(d).update(
        knee={"rate_per_second": 1, "tries": 1, "above_rate_per_second": 2, "above_quantile_ns": 3}
    ),
    "a median without the rate's interval": lambda d: row_of(d, "median")["bench"].pop("rate_interval_per_second"),
    "a median that counts no invalid samples": lambda d: row_of(d, "median")["bench"].pop("invalid_samples"),
    "an invalid median without a reason": lambda d: distrust(row_of(d, "median")["bench"]),
    "memory on one side only": lambda d: row_of(d, "median")["bench"].update(user_bytes_per_connection=1),
    "a median of a job's measure": lambda d: row_of(d, "median")["bench"].update(speedup_over_serial={}),
    "a knee's rate without its interval": lambda d: row_of(d, "median")["bench"].update(knee_rate_per_second=1),
    "a tail with a service time": lambda d: row_of(d, "p99")["bench"].update(service_ns=1),
    "a tail without its limit": lambda d: row_of(d, "p99")["bench"].pop("limit"),
    "a failed service without connections": lambda d: row_of(d, "failure")["bench"]["parameters"].pop("connections"),
    "a job's name with a service's figures": lambda d: row_of(d, "sample").update(run_name="io/serial/tasks:4"),
    "a service's name with a parameter of no value": lambda d: row_of(d, "sample").update(
        name="echo/epoll/connections:4/message:64/mood"
    ),
    "no word on halting": lambda d: services(d).pop("no_halt"),
    "an unknown key of services": lambda d: services(d).update(more=1),
    "a promise without a limit": lambda d: services(d).update(slo={"quantile_percent": 99}),
    "a common rate of 0": lambda d: services(d).update(
        common_rates=[{"title": "t", "offered_rate_per_second": 0, "cells": ["echo/epoll/connections:4/message:64"]}]
    ),
    "a common rate of a job": lambda d: services(d).update(
        common_rates=[{"title": "t", "offered_rate_per_second": 1, "cells": ["io/serial/tasks:4"]}]
    ),
}


def check(base, failed, mutations):
    base["benchmarks"].append(row_of(failed, "failure"))
    validator.validate(base)
    for what, mutate in mutations.items():
        document = copy.deepcopy(base)
        mutate(document)
        assert document != base, f"nothing changes by {what}"
        assert not validator.is_valid(document), f"the schema accepts {what}"


def parameters(document):
    return row_of(document, "sample")["bench"]["parameters"]


primitive_mutations = {
    "a primitive through nothing": lambda d: parameters(d).pop("via"),
    "a primitive on no CPU": lambda d: parameters(d).update(cpus=0),
    "a primitive with a parameter that is no value": lambda d: parameters(d).update(mood=True),
    "a primitive of time 0": lambda d: row_of(d, "sample").update(real_time=0),
    "a primitive that did nothing": lambda d: row_of(d, "sample").update(iterations=0),
    "a primitive without its switches": lambda d: row_of(d, "sample")["bench"].pop("voluntary_switches_per_operation"),
    "a primitive in batches": lambda d: row_of(d, "sample")["bench"].update(batches=1),
    "a unit's memory on one side only": lambda d: row_of(d, "median")["bench"].update(user_bytes_per_unit=1),
    "a median of a primitive without its interval": lambda d: row_of(d, "median")["bench"].pop("cpu_time_interval_ns"),
    "a tail of a primitive": lambda d: row_of(d, "median").update(aggregate_name="p99"),
    "a primitive's name without its CPUs": lambda d: row_of(d, "sample").update(
        name="spawn/threads/via:clone/mood:1"
    ),
    "a skipped primitive without a reason": lambda d: context(d)["skipped"].append({"name": "spawn/epoll", "reason": ""}),
}

assert sum("kernel_bytes_per_unit" in part for part in parts("primitives")) == 5  # one of each kind, and of a second stack
assert {row["reason"] for row in files["unmeasured"]["context"]["bench"]["skipped"]}
failed_primitive = row_of(files["failed"], "failure") | {"run_name": "spawn/threads/via:clone/cpus:1"}
failed_primitive["name"] = failed_primitive["run_name"]
failed_primitive["bench"] = {"workload": "spawn", "model": "threads", "parameters": {"via": "clone", "cpus": 1}}

check(files["primitives"], {"benchmarks": [failed_primitive]}, primitive_mutations)
check(files["normal"], files["failed"], mutations)
check(files["services"], files["faulty"], service_mutations)
wrong = len(mutations) + len(primitive_mutations) + len(service_mutations)
print(f"schema_test: {len(files)} files passed, {wrong} wrong ones were refused")
PYTHON
