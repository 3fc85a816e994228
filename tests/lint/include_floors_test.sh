#!/usr/bin/env bash
# Fails when a file includes one of a floor above its own, with file and line. The floors, from the ground up; those
# named on one line know nothing of each other.
#
#   tests/lint/include_floors_test.sh [FOLDER]      FOLDER: the root of the sources, by default that of this project
set -euo pipefail
cd "${1:-$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..}"

floors='
workloads
measure
models/talk
models/blocking
models/loop
models/ring
models/resumable
models
models/references
primitives
harness/text
harness/load
harness/options
harness/plan
harness/summary
harness/run harness/report
harness/session
harness/ranks
harness/ranks/mpi
harness/compare
harness/doctor
harness/claims
harness/app
'

# shellcheck disable=SC2016  # the program is perl's
findings=$(find workloads measure models primitives harness \( -name '*.h' -o -name '*.cpp' \) -type f -print0 2>/dev/null |
  sort -z | floors=$floors xargs -0r perl -ne '
  BEGIN {
    for my $line (grep { /\S/ } split /\n/, $ENV{floors}) {
      ++$height;
      $floor{$_} = $height for split " ", $line;
    }
    sub folder { $_[0] =~ s{/[^/]*$}{}r }
  }
  if (/^\s*#\s*include\s+"([^"]+)"/) {
    my ($from, $to) = (folder($ARGV), folder($1));
    my $problem = !exists $floor{$to} ? "which is on no floor"
      : !exists $floor{$from} ? "from $from, which is on no floor"
      : $floor{$to} > $floor{$from} ? "which lies above $from"
      : $floor{$to} == $floor{$from} && $to ne $from ? "which lies beside $from" : "";
    print "$ARGV:$.: includes $1, $problem\n" if $problem;
  }
  close ARGV if eof')
if [[ -n $findings ]]; then
  printf '%s\n' "$findings" "Includes go down only: move what both need to the lower floor."
  exit 1
fi
