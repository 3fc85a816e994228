#!/usr/bin/env bash
# Kills a rank at random moments, from its start on: the plan has to end within 5 s of it, with the name of the host, a whole
# result file or none, and no process left on any machine. Not among the tests that run by themselves: it takes minutes.
#
#   kill_test.sh BENCH_MPI [TIMES]
set -euo pipefail
bench=$(readlink -f -- "$1")
times=${2:-20}
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=tests/harness/ranks/machines.sh
source "$here/machines.sh"
machines_or_skip A B C
work=$(mktemp -d "${TMPDIR:-/tmp}/bench-ranks-XXXXXX")
trap 'machines_down; rm -rf "$work"' EXIT

now_ms() { echo $(($(date +%s%N) / 1000000)); }

failed=0
for ((time = 1; time <= times; ++time)); do
  host=$(printf 'A\nB\nC\n' | shuf -n 1)
  rm -f "$work"/*
  over 3 A,B,C run --over=mpi --workload=echo --model=epoll,threads --connections=20 --rate=400 --duration=300ms \
    --repetitions=100 --out="$work/r.json" >"$work/out" 2>"$work/err" &
  plan=$!
  until rank=$(ranks_on "$host") && [[ -n $rank ]]; do sleep 0.01; done
  leader=$(ranks_on A)
  wait_ms=$(shuf -i 0-3000 -n 1)
  sleep "$((wait_ms / 1000)).$(printf '%03d' $((wait_ms % 1000)))"
  begun=$(now_ms)
  kill -KILL "$rank"
  while [[ -e /proc/$leader && $(($(now_ms) - begun)) -lt 20000 ]]; do sleep 0.01; done
  took=$(($(now_ms) - begun))
  wait "$plan" || true
  left=
  for ((tries = 0; tries < 50; ++tries)); do
    left=$(everything_on A; everything_on B; everything_on C)
    [[ -z $left ]] && break
    sleep 0.1
  done
  file=none
  if [[ -e $work/r.json ]]; then
    file=$(/usr/bin/python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["benchmarks"]), "rows")' "$work/r.json") ||
      file=broken
  fi
  named=no
  if grep -qF "on host $host was lost" "$work/err"; then named=yes; fi
  printf '%2d: %s after %4d ms: ended in %4d ms, host named: %s, file: %s, left: %s\n' \
    "$time" "$host" "$wait_ms" "$took" "$named" "$file" "${left:-nobody}"
  # Before the ranks have found each other there is nobody who could name it, and nobody but mpirun who could name the
  # leader.
  if [[ $host == A ]]; then named=mpirun; fi
  if ((took > 5000)) || [[ -n $left || $file == broken ]] || { [[ $named == no && $file != none ]]; }; then failed=1; fi
done
exit "$failed"
