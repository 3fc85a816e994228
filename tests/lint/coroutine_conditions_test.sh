#!/usr/bin/env bash
# Fails when co_await or co_yield stands in the parentheses of an if, while, switch or for: g++ 12 miscompiles
# that (a crash on resume), and no compiler warns. Await into a named variable first.
#
#   tests/lint/coroutine_conditions_test.sh [FOLDER…]
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.."
if (($# == 0)); then set -- harness measure models primitives tests workloads; fi

# A condition may span lines and hold nested parentheses, hence a recursive pattern over the whole file, with
# comments, strings and characters blanked out first.
# shellcheck disable=SC2016  # the program is perl's
findings=$(find "$@" \( -name '*.h' -o -name '*.cpp' \) -type f -print0 | sort -z | xargs -0r perl -0777 -ne '
  s{//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | \x27(?:\\.|[^\x27\\\n])\x27}{$& =~ s/[^\n]//gr}gsex;
  while (/\b(if|while|switch|for)\s*(?:constexpr\s*)?(\((?:[^()]++|(?2))*\))/g) {
    my ($keyword, $at, $condition) = ($1, $-[0], $2);
    next unless $condition =~ /\bco_(?:await|yield)\b/;
    my $line = 1 + (substr($_, 0, $at) =~ tr/\n//);
    print "$ARGV:$line: co_await or co_yield inside the parentheses of this $keyword\n";
  }')
if [[ -n $findings ]]; then
  printf '%s\n' "$findings" "Name the result first, then test it: g++ 12 miscompiles this."
  exit 1
fi
