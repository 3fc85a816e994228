#!/usr/bin/env bash
# Our result files are read by others as they are: Google Benchmark's compare.py compares two of them, and they
# obey results/schema.json.
#
#   tests/harness/report/compare_py_test.sh BENCH
set -euo pipefail
bench=${1:?usage: tests/harness/report/compare_py_test.sh BENCH}
repo=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../..
python=/usr/bin/python3 # the one that Debian's packages serve

fail() {
  echo "compare_py_test: $*" >&2
  exit 1
}

compare_py=$(dpkg -L libbenchmark-tools 2>/dev/null | grep '/compare\.py$' || true)
if ! "$python" "$compare_py" --help >/dev/null || ! "$python" -c 'import jsonschema'; then
  fail "needs Google Benchmark's compare.py, scipy and jsonschema: run scripts/setup --tests"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# compare WORKLOAD MODEL,MODEL… OPTION…: runs it twice with two repetitions and holds the results against each other.
compare() {
  local workload=$1 file model cells
  for file in a b; do
    "$bench" --workload="$workload" --model="$2" "${@:3}" --repetitions=2 --out="$dir/$file.json" --force --quiet \
      </dev/null || fail "$bench ended with status $?"
    [[ -s $dir/$file.json ]] || fail "$bench wrote no $file.json"
  done

  "$python" "$compare_py" --no-color benchmarks "$dir/a.json" "$dir/b.json" >"$dir/report" ||
    fail "compare.py ended with status $?"
  cat "$dir/report"

  # One row for each repetition, all under the cell's own name; aggregates and p-values have names of their own.
  for model in ${2//,/ }; do
    cells=$(awk -v model="^$workload/$model(/|$)" '
      $1 ~ model && $2 ~ /^[+-]/ { ++rows[$1] }
      END { for (name in rows) cells += rows[name] == 2; print cells + 0 }' "$dir/report")
    ((cells == 1)) || fail "compare.py does not show $workload/$model with two repetitions"
  done
  grep -q 'U Test, Repetitions: 2 vs 2' "$dir/report" || fail "compare.py made no U test"

  for file in a b; do
    "$python" -m jsonschema -i "$dir/$file.json" "$repo/results/schema.json" ||
      fail "$file.json does not obey results/schema.json"
  done
}

compare io serial,threads --tasks=20 --wait=1ms
compare echo threads,epoll --connections=4 --duration=150ms --warmup=20ms
echo "compare_py_test: passed"
