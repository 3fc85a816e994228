#!/usr/bin/env bash
# Machines for tests, to be sourced: network namespaces with host names of their own, joined by a switch, in which ranks
# are started by Open MPI through a launcher agent that enters them. All of it goes with the shell that made it.
#
#   machines_or_skip A B C     makes them, at 10.77.0.1 and so on; ends the test with 77 where it may not
#   over N HOSTS ARGS…         mpirun from the first machine: N ranks on HOSTS, each of them $bench with ARGS
#   ranks_on HOST              process numbers of the ranks there: what MPI started, not what that has forked
#   everything_on HOST         of all processes there

machines_prefix=bench-$$
machines_folder=$(mktemp -d "${TMPDIR:-/tmp}/bench-machines-XXXXXX")
machines=()
launching=()

machines_down() {
  local machine
  for machine in "${machines[@]}" switch; do
    ip netns pids "$machines_prefix-$machine" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    ip netns del "$machines_prefix-$machine" 2>/dev/null || true
  done
  rm -rf "$machines_folder"
}

skip() {
  printf 'skipped: %s\n' "$1"
  exit 77
}

machines_or_skip() {
  command -v mpirun >/dev/null || skip 'there is no mpirun'
  # What enters a machine in the place of ssh, and which of its interfaces the launcher uses.
  case "$(mpirun --version)" in
    *'Open MPI) 4'*) launching=(--mca plm_rsh_agent "$machines_folder/enter" --mca oob_tcp_if_include eth0) ;;
    *'Open MPI) 5'*) launching=(--prtemca plm_ssh_agent "$machines_folder/enter" --prtemca prte_if_include eth0) ;;
    *) skip 'mpirun is not that of Open MPI 4 or 5, whose launcher agents these are' ;;
  esac
  launching+=(--mca btl_tcp_if_include eth0 --bind-to none)
  command -v ip >/dev/null || skip 'there is no ip(8)'
  trap machines_down EXIT
  local machine number=0 why
  why=$(ip netns add "$machines_prefix-switch" 2>&1) || skip "network namespaces cannot be made here: $why"
  why=$(ip -n "$machines_prefix-switch" link add switch up type bridge 2>&1) || skip "no switch can be made here: $why"
  for machine in "$@"; do
    number=$((number + 1))
    machines+=("$machine")
    ip netns add "$machines_prefix-$machine"
    ip -n "$machines_prefix-switch" link add "port$number" type veth peer name eth0 netns "$machines_prefix-$machine"
    ip -n "$machines_prefix-switch" link set "port$number" up master switch
    ip -n "$machines_prefix-$machine" addr add "10.77.0.$number/24" dev eth0
    ip -n "$machines_prefix-$machine" link set eth0 up
    ip -n "$machines_prefix-$machine" link set lo up
  done
  cat >"$machines_folder/enter" <<END
#!/bin/sh
# HOST COMMAND…: as ssh would
host=\$1
shift
exec ip netns exec $machines_prefix-\$host unshare --uts sh -c 'hostname "\$0" && exec sh -c "\$1"' "\$host" "\$*"
END
  chmod +x "$machines_folder/enter"
}

# shellcheck disable=SC2154  # bench is the caller's
over() {
  local count=$1 hosts=$2
  shift 2
  ip netns exec "$machines_prefix-${machines[0]}" unshare --uts sh -c "hostname ${machines[0]} && exec \"\$@\"" sh \
    env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    mpirun "${launching[@]}" -n "$count" --host "$hosts" "$bench" "$@" </dev/null
}

ranks_on() {
  local pid parent
  for pid in $(ip netns pids "$machines_prefix-$1"); do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == bench-mpi ]] || continue
    parent=$(awk '/^PPid/ {print $2}' "/proc/$pid/status" 2>/dev/null) || continue
    [[ $(cat "/proc/$parent/comm" 2>/dev/null) == bench-mpi ]] || echo "$pid"
  done
}

everything_on() { ip netns pids "$machines_prefix-$1"; }
