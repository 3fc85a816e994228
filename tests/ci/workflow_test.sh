#!/usr/bin/env bash
# Runs the commands of the CI workflow that can run here, taken out of the file: against this build in the place of
# main's, with few pairs, and with files in the place of what GitHub hands on.
#
# usage: tests/ci/workflow_test.sh BENCH
set -euo pipefail
bench=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
workflow=$PWD/.github/workflows/bench.yml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# shellcheck disable=SC2016  # as it stands in the file
matrix_runner='${{ matrix.runner }}'

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

# The shell commands of the step of this name, without their indentation.
commands_of() {
  awk -v name="$1" '
    $0 ~ "- name: " name "$" { inside = 1; next }
    inside && /^ *- / { exit }
    inside && /^ *run: \|$/ { block = 1; match($0, /^ */); indent = RLENGTH + 2; next }
    inside && /^ *run: / { sub(/^ *run: /, ""); print; exit }
    block && substr($0, 1, indent) ~ /^ *$/ { print substr($0, indent + 1); next }
    block { exit }' "$workflow"
}

# Runs a step as GitHub does, with what stands for its variables and for this checkout's scripts.
run_step() {
  local commands
  commands=$(commands_of "$1")
  [[ -n $commands ]] || fail "the workflow has no step '$1'"
  commands=${commands//"$matrix_runner"/$runner}
  commands=${commands//scripts\/bench/$bench}
  commands=${commands//--baseline-rev=origin\/main/--baseline=$bench --pairs=6}
  commands=${commands//--suite=quick/--model=serial,threads,epoll --workload=io,echo --tasks=4 --wait=1ms --rate=1k --repetitions=6}
  commands=${commands//scripts\/report/$PWD/scripts/report}
  (cd "$folder" && GITHUB_STEP_SUMMARY=$folder/summary.md PLAN=$plan bash -e -o pipefail -c "$commands")
}

plan=$(sed -n 's/^  PLAN: //p' "$workflow")
[[ $plan == *--workload=* ]] || fail "the workflow has no PLAN"
read -ra words <<<"${plan//--threshold=5%/}"
"$bench" "${words[@]}" --dry-run >/dev/null || fail "PLAN is no plan"
plan='--model=serial --workload=io --tasks=2 --wait=50ms --threshold=5%'

runner=here
run_step 'Look at the machine' >"$folder/doctor.txt"
for about in 'descriptor limit' 'listen queue' 'steal time' io_uring 'noise floor of cpu' 'noise floor of io' \
             'noise floor of echo'; do
  grep -qE "^(ok|warn|bad) +$about  " "$folder/doctor.txt" || fail "doctor says nothing of: $about"
done

# 3: by chance.
run_step 'Hold this change against main' || [[ $? -eq 3 ]] || fail "ab"
grep -q '^### candidate against baseline: ' "$folder/summary.md" || fail "no summary of ab"
cmp -s "$folder/ab.md" "$folder/summary.md" || fail "the comment is not the summary"

# What is slower stops it: of waits so long that no neighbour hides it.
plan="$plan --inject=slowdown:100%"
status=0
run_step 'Hold this change against main' || status=$?
[[ $status -eq 3 ]] || fail "a change that is slower ends with $status"

for runner in ubuntu-24.04 ubuntu-24.04-arm; do run_step Measure; done
sed -i 's/"cpu_model": "[^"]*"/"cpu_model": "another one"/' "$folder/ubuntu-24.04-arm.json"
runner=ubuntu-24.04
run_step 'Make the report'
[[ -s $folder/ubuntu-24.04.html ]] || fail "no report"
grep -q '^### ' "$folder/summary.md" || fail "no summary of the run"
run_step 'Compare the machines'
grep -q 'x86-64 against arm64 differs in: CPU: ' "$folder/summary.md" || fail "machines are not compared"
echo "every step that can run here does"
