#!/usr/bin/env bash
# Runs plans over MPI on machines that it makes itself, and what may go wrong with one of them.
#
#   machines_test.sh BENCH_MPI
set -euo pipefail
bench=$(readlink -f -- "$1")
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=tests/harness/ranks/machines.sh
source "$here/machines.sh"
machines_or_skip A B C
work=$(mktemp -d "${TMPDIR:-/tmp}/bench-ranks-XXXXXX")
trap 'machines_down; rm -rf "$work"' EXIT

failed=0
fail() {
  printf 'FAILED: %s\n' "$*"
  failed=1
}

# check NAME PYTHON…: whether the expression holds of the result file $work/NAME.json, as `bench` and `rows`
check() {
  /usr/bin/python3 - "$work/$1.json" "$2" <<'END' || fail "$1: $2"
import json
import sys

document = json.load(open(sys.argv[1]))
bench = document["context"]["bench"]
rows = [row for row in document["benchmarks"] if row.get("run_type") == "iteration"]
by_model = {}
for row in rows:
    by_model.setdefault(row["bench"]["model"], []).append(row["bench"])
sys.exit(0 if eval(sys.argv[2]) else 1)
END
}

says() {
  grep -qF -- "$2" "$work/$1.err" "$work/$1.out" || {
    fail "$1 does not say: $2"
    cat "$work/$1.err" "$work/$1.out"
  }
}

# run NAME STATUS COUNT HOSTS ARGS…
run() {
  local name=$1 wanted=$2 status=0
  shift 2
  over "$@" >"$work/$name.out" 2>"$work/$name.err" || status=$?
  if [[ $wanted == any && $status != 0 ]] || [[ $wanted == "$status" ]]; then return; fi
  fail "$name: exit $status where $wanted was due"
  cat "$work/$name.err"
}

nobody_left() {
  local machine tries
  for machine in A B C; do
    for ((tries = 0; tries < 100; ++tries)); do
      [[ -z $(everything_on "$machine") ]] && break
      sleep 0.1
    done
    [[ -z $(everything_on "$machine") ]] || {
      fail "$1: processes are left on $machine"
      ps -o pid,comm,args -p "$(everything_on "$machine" | paste -sd,)" || true
    }
  done
}

plan=(run --over=mpi --workload=echo --connections=20 --duration=200ms --repetitions=1 --no-progress)

echo 'two generators and a server'
mkdir "$work/raw"
run three 0 3 A,B,C "${plan[@]}" --rate=400 --model=epoll,threads --out="$work/three.json" --raw-latencies="$work/raw"
says three 'served by A, load from B and C'
check three '[h["host_name"] for h in bench["hosts"]] == ["A", "B", "C"]'
check three 'bench["hosts"][0]["address"] == "10.77.0.1"'
check three 'set(by_model) == {"network", "epoll", "threads"}'
check three 'all(r["connections_established"] == 20 and r["errors"] == {k: 0 for k in r["errors"]} for rs in by_model.values() for r in rs)'
check three 'all(r["server_accepted"] == r["connections_begun"] for rs in by_model.values() for r in rs)'
check three 'all([g["host_name"] for g in r["generators"]] == ["B", "C"] for rs in by_model.values() for r in rs)'
check three 'all(sum(g["requests_completed"] for g in r["generators"]) == r["requests_completed"] for rs in by_model.values() for r in rs)'
# 400/s over 200 ms: what is due in the last instant may still be under way at the stop.
check three 'all(r["requests_completed"] + r["requests_drained"] == 80 for rs in by_model.values() for r in rs)'
check three 'any("/network/" in row["name"] for row in bench["groups"][0]["ranking"]["unranked"])'
nobody_left three

echo 'merged percentiles are those of all latencies pooled'
rm -f "$work"/raw/*
run pooled 0 3 A,B,C "${plan[@]}" --model=epoll --rate=4k --out="$work/pooled.json" --raw-latencies="$work/raw"
cat >"$work/pool.py" <<'END'
import glob
import json
import math
import sys

folder, path = sys.argv[1:]
# The rows run in random order, and each leaves its own in the place of the one before: the last one's are here.
pooled = sorted(int(line) for name in glob.glob(folder + "/*.txt") for line in open(name))
rows = [r["bench"] for r in json.load(open(path))["benchmarks"] if r.get("run_type") == "iteration"]
last = [r for r in rows if r["requests_completed"] + r["requests_drained"] == len(pooled)]
exact = lambda p: pooled[max(math.ceil(round(p * len(pooled) / 100, 6)) - 1, 0)]
names = {50: "latency_p50_ns", 90: "latency_p90_ns", 99: "latency_p99_ns", 99.9: "latency_p99_9_ns"}
fits = lambda r: all(exact(p) <= r[n] <= exact(p) * (1 + 1 / 1024) for p, n in names.items())
if len(glob.glob(folder + "/*.txt")) != 2 or not any(fits(r) for r in last):
    print(len(pooled), {p: exact(p) for p in names}, [{n: r[n] for n in names.values()} for r in last])
    sys.exit(1)
END
/usr/bin/python3 "$work/pool.py" "$work/raw" "$work/pooled.json" || fail 'pooled: percentiles differ'

echo 'another rank serves, and two of them'
run other 0 3 A,B,C "${plan[@]}" --rate=400 --model=epoll --server-rank=2 --out="$work/other.json"
check other '[h["role"] for h in bench["hosts"]] == ["load generator", "load generator", "server"]'
check other 'bench["hosts"][2]["address"] == "10.77.0.3"'
check other '[g["host_name"] for g in by_model["epoll"][0]["generators"]] == ["A", "B"]'
run both 0 3 A,B,C "${plan[@]}" --rate=400 --model=epoll --servers=2 --out="$work/both.json"
check both 'sorted(r["name"].split("/server:")[1][0] for r in rows if r["bench"]["model"] == "epoll") == ["0", "1"]'
says both 'epoll on A'
says both 'epoll on B'

echo 'UDP: the server counts as many datagrams as all generators sent'
run udp 0 3 A,B,C run --over=mpi --workload=udp-echo --model=epoll --connections=4 --rate=400 --duration=200ms --warmup=0ms \
  --repetitions=1 --no-progress --out="$work/udp.json"
check udp 'all(r["requests_completed"] + r["requests_drained"] == 80 == r["server_accepted"] for rs in by_model.values() for r in rs)'

echo 'any server is loaded from all ranks'
ip netns exec "$machines_prefix-A" "$bench" serve --model=epoll --workload=http --bind=10.77.0.1 --port=8080 >"$work/serve.out" &
server=$!
for ((tries = 0; tries < 100; ++tries)); do
  grep -q serving "$work/serve.out" && break
  sleep 0.05
done
run load 0 2 B,C load http://10.77.0.1:8080/ --over=mpi --connections=10 --rate=200 --duration=300ms --no-progress \
  --out="$work/load.json"
kill "$server"
wait "$server" || true
check load '[g["host_name"] for g in by_model["server"][0]["generators"]] == ["B", "C"]'
check load 'by_model["server"][0]["requests_completed"] + by_model["server"][0]["requests_drained"] == 60'

echo 'what does not fit together is refused, with the host'
cp "$bench" "$work/bench-mpi"
printf x >>"$work/bench-mpi"
# shellcheck disable=SC2016  # "$@" is for the script
printf '#!/bin/sh\nif [ "$(hostname)" = B ]; then exec %s "$@"; fi\nexec %s "$@"\n' "$work/bench-mpi" "$bench" >"$work/either"
chmod +x "$work/either"
bench=$work/either run build any 2 A,B "${plan[@]}" --rate=400 --model=epoll --out="$work/build.json"
says build 'rank 1 on host B cannot take part: its program is another build of the same sources'
[[ ! -e $work/build.json ]] || fail 'build: a refused plan left a file'
run alone any 1 A "${plan[@]}" --rate=400 --model=epoll --out="$work/alone.json"
says alone 'mpirun -n N starts N'
run usage any 2 A,B run --over=mpi --model=epoll --workload=cpu
says usage 'jobs and primitives run on one'
[[ $(grep -c 'jobs and primitives' "$work/usage.err") == 1 ]] || fail 'usage: said more than once'
nobody_left refused

run local any 2 B,C load http://127.0.0.1:8080/ --over=mpi --connections=10 --no-progress --out="$work/local.json"
says local '127.0.0.1:8080 is host B itself as seen from there'
nobody_left local

# begin NAME ROUNDS ARGS…: a plan in the background, once its ranks are at work
begin() {
  local name=$1 rounds=$2 tries
  shift 2
  over 3 A,B,C run --over=mpi --workload=echo --model=epoll --connections=20 --rate=400 --duration=300ms \
    --repetitions="$rounds" --out="$work/$name.json" "$@" >"$work/$name.out" 2>"$work/$name.err" &
  plan_process=$!
  for ((tries = 0; tries < 200; ++tries)); do
    grep -q 'round 1 took' "$work/$name.err" 2>/dev/null && return
    sleep 0.1
  done
  fail "$name: the plan does not begin"
}

ends() { # NAME: within 10 s, of which the program may take 5
  local begun=$SECONDS status=0
  wait "$plan_process" || status=$?
  ((SECONDS - begun <= 10)) || fail "$1: took $((SECONDS - begun)) s to end"
  [[ $status != 0 ]] || fail "$1: exit 0"
}

echo 'a file that is there already is refused, and nobody waits for the others'
run taken 2 3 A,B,C "${plan[@]}" --rate=400 --model=epoll --out="$work/three.json"
says taken 'three.json: exists already'
nobody_left taken

echo 'a rank is killed'
begin killed 100
kill -KILL "$(ranks_on C)"
ends killed
says killed 'rank 2 on host C was lost'
check killed 'len(rows) > 0 and not bench["interrupted"]'
nobody_left killed

echo 'a rank is stopped'
begin stopped 100
kill -STOP "$(ranks_on B)"
ends stopped
says stopped 'rank 1 on host B was lost: it has not been heard of'
check stopped 'len(rows) > 0'
nobody_left stopped

echo 'the leader is killed'
begin led 100
kill -KILL "$(ranks_on A)"
ends led
/usr/bin/python3 -m json.tool "$work/led.json" >/dev/null || fail 'led: the file is broken'
nobody_left led

# generation PROCESS: how many of its ancestors are ours: a rank has none, its launcher one, a run two, a server three
generation() {
  local process=$1 ancestors=0
  while process=$(awk '/^PPid/ {print $2}' "/proc/$process/status" 2>/dev/null) &&
    [[ $(cat "/proc/$process/comm" 2>/dev/null) == bench-mpi ]]; do
    ancestors=$((ancestors + 1))
  done
  echo "$ancestors"
}

is_server() { [[ $(generation "$1") == 3 ]]; }
is_generator() { [[ $(cat "/proc/$1/comm" 2>/dev/null) == bench-load ]]; }

# some_on HOST WHAT: a process there that is one, waited for
some_on() {
  local process tries
  for ((tries = 0; tries < 500; ++tries)); do
    for process in $(everything_on "$1"); do
      if "$2" "$process"; then
        echo "$process"
        return
      fi
    done
    sleep 0.01
  done
  fail "there is nothing on $1 that $2"
}

echo 'a server dies, and the other goes on'
begin dies 4 --servers=2
kill -KILL "$(some_on A is_server)"
status=0
wait "$plan_process" || status=$?
[[ $status != 0 ]] || fail 'dies: exit 0'
says dies 'failed: rank 0 on host A: the server'
# Of two rows each, the empty network's and the model's.
check dies 'len([r for r in rows if "/server:1" in r["name"]]) == 8'
check dies '4 <= len([r for r in rows if "/server:0" in r["name"]]) < 8'
nobody_left dies

echo 'a generator is late'
begin late 3
late=$(some_on C is_generator)
kill -STOP "$late"
sleep 1
kill -CONT "$late" || fail 'late: it was not waited for'
status=0
wait "$plan_process" || status=$?
[[ $status == 0 ]] || fail "late: exit $status"
check late 'len([r for r in rows if r["bench"]["model"] == "epoll"]) == 3'

if ((failed)); then exit 1; fi
echo passed
