#!/usr/bin/env bash
# Fails where bash does not complete what it should, by the script that the program prints for it.
#
#   tests/harness/options/completion_test.sh BENCH
set -euo pipefail
script=$("$1" help completion)
# shellcheck disable=SC1091  # it is not known before
source /dev/stdin <<<"$script"
compopt() { :; }   # there is no completion under way that it could be about

# expect WORD…: what completes the last of the words, in one line.
completions() {
  COMP_WORDS=("$@")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _bench
  echo "${COMPREPLY[*]}"
}

expect() {
  local wanted=$1 found
  shift
  found=$(completions "$@")
  if [[ " $found " != *" $wanted "* ]]; then
    echo "completion of '$*': '$wanted' is not among '$found'" >&2
    exit 1
  fi
}

expect compare bench com
expect --model= bench --mod
expect --insecure bench load --ins
expect epoll-et bench --model = epoll-
expect threads,fibers bench --model = threads,fib
expect lifo bench --order = l
expect measuring bench help me
expect ftp bench serve --workload = f
[[ $(completions bench serve --workload =) != *cpu* ]] || { echo "serve offers jobs" >&2; exit 1; }
[[ -z $(completions bench show "") ]] || { echo "show offers something in the place of files" >&2; exit 1; }
expect --details bench show --d
expect markdown bench show --format = m
expect poisson bench load --arrivals = p
expect junit bench export --format = j
[[ $(completions bench run --format =) != *junit* ]] || { echo "run offers junit" >&2; exit 1; }
[[ -z $(completions bench load --mod) ]] || { echo "load does not take --model" >&2; exit 1; }
