"""Small result documents for the tests of plots/, put together by hand and held against the schema whenever one is read.

    doc = Document()
    doc.job("cpu", {"serial": [40e6] * 6, "threads": [20e6] * 6}, ideal_ns=19e6)
    doc.service("echo", {"epoll": ServiceFigures(), "serial": ServiceFigures(limit="starved", served=1)}, connections=10)
    doc.primitive("spawn", {("threads", "clone", 1): [12e3] * 6})
    result = doc.result()
"""
import json
import statistics
from dataclasses import dataclass, field

from plots import result as result_module

TEXTBOOK = ("serial", "processes", "process-pool", "threads", "thread-pool", "gil-threads", "nonblocking", "select", "poll",
            "epoll", "epoll-et", "io-uring", "coroutines", "fibers", "reactor-pool")
PERCENTILES = ("p50", "p90", "p99", "p99_9")
ERRORS = ("refused", "reset", "timeout", "wrong_reply", "short_reply", "closed", "connect_timeout", "lost",
          "no_descriptor", "other")


@dataclass
class ServiceFigures:
    """What every run of a service's cell measured; a list where a figure differs from run to run."""

    runs: int = 6
    cpu_ns: object = 8000.0
    rate: object = 30000.0
    p50_ns: object = 50e3
    p99_ns: object = 200e3
    limit: str = "rate"
    served: int | None = None  # of the active connections; None: all
    due: int | None = None  # of them, those that had a request to send; None: all
    invalid: dict = field(default_factory=dict)  # index of the run → why
    memory: tuple | None = None  # (user, kernel) bytes of a connection
    class_p99_ns: dict = field(default_factory=dict)  # of each class of requests, where they are told apart
    knee: dict | None = None  # as the file has it
    switches: tuple = (0.4, 0.0)
    histogram: list | None = None  # [bucket, count, …] of every run

    def each(self, name):
        value = getattr(self, name)
        return list(value) if isinstance(value, (list, tuple)) else [value] * self.runs


class Document:
    def __init__(self, host="here", cpu_model="Example CPU", cpus=2, date="2026-01-31T12:00:00+00:00", revision="0123456789",
                 command=("bench", "--suite=example"), seed=7):
        self.groups, self.rows, self.skipped, self.rulers, self.claims = [], [], [], [], None
        self.services = False
        self.slo = None
        self.about = {"host": host, "cpu_model": cpu_model, "cpus": cpus, "date": date, "revision": revision,
                      "command": list(command), "seed": seed}

    # ---- What was measured ----

    def job(self, workload, times_ns, ideal_ns=1e6, tasks=10, work=None, waits_ns=None, ties=(), failed=None, skipped=None,
            workers=None, verdict=None, regimes=None):
        """`times_ns`: by model, or (model, workers), the wall time of a batch in each run; `failed` and `skipped`: by
        model, why."""
        names = {}
        parameters = {"tasks": tasks, "cpus": self.about["cpus"]}
        name = f"/tasks:{tasks}"
        if work:
            parameters["work"] = work
            name += f"/work:{work}"
        if waits_ns:
            parameters["waits_ns"] = list(waits_ns)
            name += "/wait:" + "+".join(f"{wait // 1_000_000}ms" for wait in waits_ns)
        for key, times in times_ns.items():
            model, pool = key if isinstance(key, tuple) else (key, workers)
            own = dict(parameters) | ({"workers": pool} if pool else {})
            cell = f"{workload}/{model}{name}" + (f"/workers:{pool}" if pool else "")
            names[key] = cell
            for index, time in enumerate(times):
                self._job_sample(cell, workload, model, own, index, len(times), time, ideal_ns, regimes)
            self._job_aggregates(cell, workload, model, tasks, times, ideal_ns)
        for model, why in (failed or {}).items():
            names[model] = self._failure(f"{workload}/{model}{name}", workload, model, parameters, why)
        for model, why in (skipped or {}).items():
            names[model] = f"{workload}/{model}{name}"
            self.skipped.append({"name": names[model], "reason": why})
        costs = {names[key]: statistics.median(times) / ideal_ns for key, times in times_ns.items()}
        runs = min((len(times) for times in times_ns.values()), default=0)
        self._group(f"{workload} · {tasks} tasks · {self.about['cpus']} CPUs", workload, "job", list(names.values()),
                    self._ranking("time", costs, [[names[key] for key in tie] for tie in ties], {}, runs), verdict)
        return self

    def service(self, workload, figures, connections=10, active=None, message_bytes=64, rate_mode="common", offered=30000.0,
                service_cpu_ns=0, heavy_percent=100.0, ties=(), failed=None, skipped=None, verdict=None, workers=None,
                ideal_ns=2000.0):
        """`figures`: ServiceFigures by model, or (model, workers). rate_mode None is the closed loop."""
        self.services = True
        active = connections if active is None else active
        parameters = {"connections": connections, "active": active, "message_bytes": message_bytes, "pipeline": 1,
                      "requests_per_connection": 0, "service_cpu_ns": service_cpu_ns, "service_compute_steps": 0,
                      "service_wait_ns": 0, "heavy_percent": heavy_percent, "loop": "open" if rate_mode else "closed"}
        if rate_mode:
            parameters |= {"rate_mode": rate_mode, "offered_rate_per_second": offered, "arrivals": "constant"}
        # A window is as long as its load takes, so that it differs along a sweep.
        window_ns = max(100_000_000, round(1.2e9 * active / offered)) if rate_mode else 100_000_000 + 50_000 * active
        parameters |= {"duration_ns": window_ns, "warmup_ns": window_ns // 2, "server_cpus": [0], "client_cpus": [1],
                       "client_threads": 1}
        name = f"/connections:{connections}" + (f"/active:{active}" if active < connections else "")
        name += f"/message:{message_bytes}"
        if service_cpu_ns:
            name += f"/service-cpu:{service_cpu_ns}ns"
        if heavy_percent < 100:
            name += f"/heavy:{heavy_percent:g}%"
        if rate_mode:
            name += f"/rate:{offered:g}" if rate_mode == "fixed" else f"/rate:{rate_mode}"
        names, costs, unranked = {}, {}, {}
        for key, one in figures.items():
            model, pool = key if isinstance(key, tuple) else (key, workers)
            own = dict(parameters) | ({"workers": pool} if pool else {})
            cell = f"{workload}/{model}{name}" + (f"/workers:{pool}" if pool else "")
            names[key] = cell
            for index in range(one.runs):
                self._service_sample(cell, workload, model, own, index, one, ideal_ns)
            self._service_aggregates(cell, workload, model, own, one, ideal_ns)
            if one.invalid:
                unranked[cell] = "invalid: " + next(iter(one.invalid.values()))
            elif one.limit != ("rate" if rate_mode else "server") and rate_mode != "search":
                unranked[cell] = one.limit
            else:
                by_cpu = rate_mode in ("common", "fixed")
                costs[cell] = statistics.median(one.each("cpu_ns")) if by_cpu else 1 / statistics.median(one.each("rate"))
        for model, why in (failed or {}).items():
            names[model] = self._failure(f"{workload}/{model}{name}", workload, model, parameters, why)
        for model, why in (skipped or {}).items():
            names[model] = f"{workload}/{model}{name}"
            self.skipped.append({"name": names[model], "reason": why})
        by = {"search": "knee_rate", None: "rate"}.get(rate_mode, "server_cpu_per_request")
        runs = min((one.runs for one in figures.values()), default=0)
        self._group(f"{workload} · {connections:,} connections · {message_bytes} B", workload, "service", list(names.values()),
                    self._ranking(by, costs, [[names[key] for key in tie] for tie in ties], unranked, runs), verdict)
        return self

    def primitive(self, workload, times_ns, tasks=None, memory=None):
        """`times_ns`: by (model, via, CPUs) the time of an operation in each run; `memory`: likewise (user, kernel) bytes
        of a unit."""
        names = []
        for (model, via, cpus), times in times_ns.items():
            cell = f"{workload}/{model}/via:{via}" + (f"/tasks:{tasks}" if tasks else "") + f"/cpus:{cpus}"
            names.append(cell)
            parameters = {"via": via, "cpus": cpus} | ({"tasks": tasks} if tasks else {})
            user_kernel = (memory or {}).get((model, via, cpus))
            costs = {f"{kind}_per_operation": 0.0 for kind in (
                "voluntary_switches", "involuntary_switches", "minor_faults", "major_faults")}
            if user_kernel:
                costs |= {"user_bytes_per_unit": user_kernel[0], "kernel_bytes_per_unit": user_kernel[1]}
            for index, time in enumerate(times):
                self._row(cell, "iteration", len(times), 1000, time, time, repetition_index=index,
                          items_per_second=1e9 / time,
                          bench={"workload": workload, "model": model, "parameters": parameters, "round": index,
                                 "regime": "usual", "run_user_cpu_ns": 1, "run_system_cpu_ns": 1} | costs)
            median = statistics.median(times)
            self._aggregate(cell, "median", len(times), median, median, items_per_second=1e9 / median,
                            bench={"workload": workload, "model": model, "real_time_interval_ns": interval(times),
                                   "cpu_time_interval_ns": interval(times), "user_cpu_percent": 50.0} | costs)
        self._group(f"{workload} · one operation", workload, "primitive", names, None, None)
        return self

    def ruler(self, workload, readings):
        """`readings`: (round, "before" or "after", spin, line trip, system call), all in ns."""
        for round_index, when, spin, trip, call in readings:
            self.rulers.append({"workload": workload, "round": round_index, "when": when, "line_trip_ns": trip,
                                "spin_ns": spin, "system_call_ns": call})
        return self

    # ---- The document ----

    def document(self):
        about = self.about
        bench = {
            "schema_version": 2, "version": "0.1.0", "command_line": about["command"], "seed": about["seed"],
            "git_revision": about["revision"], "compiler": "GNU 12.2.0", "flags": "-O2",
            "machine": {"kernel": "Linux 6.1", "cpu_model": about["cpu_model"], "cpus_available": about["cpus"],
                        "memory_bytes": 8 << 30, "governor": "unknown", "turbo": "unknown", "hypervisor": "none",
                        "clock_source": "tsc", "limits": [{"limit": "ulimit -n = 1024", "room": 1024}]},
            "libraries": {name: "1.0" for name in ("glibc", "boost", "fmt", "cxxopts", "nlohmann_json")},
            "interrupted": False, "elapsed_seconds": 12.5,
            "noise_floor": {"line_trip_spread_percent": 1.0, "spin_spread_percent": 2.0, "system_call_spread_percent": 0.5},
            "rulers": self.rulers, "skipped": self.skipped, "notes": [], "groups": self.groups,
        }
        if self.services:
            bench["services"] = {"client_threads": 1, "no_halt": False, "connect_deadline_ns": 5_000_000_000,
                                 "idle_timeout_ns": 60_000_000_000, "server_cpus": [0], "client_cpus": [1]}
            if self.slo:
                bench["services"]["slo"] = self.slo
        if self.claims:
            bench["claims"] = self.claims
        return {
            "context": {"date": about["date"], "host_name": about["host"], "executable": "bench", "num_cpus": about["cpus"],
                        "mhz_per_cpu": 3000, "cpu_scaling_enabled": False, "caches": [], "load_avg": [0.1, 0.1, 0.1],
                        "library_build_type": "release", "bench": bench},
            "benchmarks": self.rows,
        }

    def text(self):
        return json.dumps(self.document()).encode()

    def result(self, label="example"):
        return result_module.parse(self.text(), f"{label}.json", label)

    # ---- Rows ----

    def _row(self, cell, run_type, repetitions, iterations, real, cpu, **more):
        self.rows.append({"name": cell, "run_name": cell, "run_type": run_type, "family_index": 0,
                          "per_family_instance_index": 0, "repetitions": repetitions, "threads": 1, "iterations": iterations,
                          "real_time": real, "cpu_time": cpu, "time_unit": "ns"} | more)

    def _aggregate(self, cell, aggregate, runs, real, cpu, **more):
        self._row(cell, "aggregate", runs, runs, real, cpu, aggregate_name=aggregate, aggregate_unit="time", **more)
        self.rows[-1]["name"] = f"{cell}_{aggregate}"

    def _failure(self, cell, workload, model, parameters, why):
        self._row(cell, "iteration", 1, 0, 0.0, 0.0, repetition_index=0, error_occurred=True, error_message=why,
                  bench={"workload": workload, "model": model, "parameters": parameters})
        return cell

    def _job_sample(self, cell, workload, model, parameters, index, runs, time, ideal_ns, regimes):
        bench = {"workload": workload, "model": model, "parameters": parameters, "round": index,
                 "regime": regimes[index] if regimes else "usual", "batches": 1, "warmup_batches": 1, "ideal_ns": ideal_ns,
                 "run_user_cpu_ns": 1, "run_system_cpu_ns": 1, "units_peak": 1,
                 "latency_histogram": histogram([900, 10])}
        for kind in ("voluntary_switches", "involuntary_switches", "minor_faults", "major_faults"):
            bench[f"{kind}_per_batch"] = 1.0
        for prefix in ("latency", "start_delay", "service"):
            for name in PERCENTILES:
                bench[f"{prefix}_{name}_ns"] = time
        self._row(cell, "iteration", runs, 1, time, time, repetition_index=index,
                  items_per_second=parameters["tasks"] / time * 1e9, bench=bench)

    def _job_aggregates(self, cell, workload, model, tasks, times, ideal_ns):
        median = statistics.median(times)
        about = {"workload": workload, "model": model}
        over = [time / ideal_ns for time in times]
        bench = about | {"real_time_interval_ns": interval(times), "cpu_time_interval_ns": interval(times),
                         "ideal_ns": ideal_ns, "over_ideal": ratio(over), "user_cpu_percent": 90.0, "units_peak": 1.0}
        for kind in ("voluntary_switches", "involuntary_switches", "minor_faults", "major_faults"):
            bench[f"{kind}_per_batch"] = 1.0
        self._aggregate(cell, "median", len(times), median, median, items_per_second=tasks * 1e9 / median, bench=bench)
        for name in PERCENTILES:
            self._aggregate(cell, name, len(times), median, median, bench=about | {
                "latency_interval_ns": interval(times), "merged_latency_ns": median, "start_delay_ns": 0.0, "service_ns": median})

    def _service_sample(self, cell, workload, model, parameters, index, one, ideal_ns):
        active = parameters["active"]
        why = one.invalid.get(index)
        bench = {"workload": workload, "model": model, "parameters": parameters, "round": index, "regime": "usual",
                 "limit": one.limit, "valid": why is None, "ideal_ns": ideal_ns,
                 "server_cpu_ns_per_request": one.each("cpu_ns")[index], "server_cpu_percent": 50.0,
                 "others_cpu_percent": 0.0, "generator_cpu_percent": 50.0, "generator_idle_percent": 50.0,
                 "voluntary_switches_per_request": one.switches[0], "involuntary_switches_per_request": one.switches[1],
                 "minor_faults_per_request": 0.0, "major_faults_per_request": 0.0, "littles_law_ratio": 1.0,
                 "send_lag_p99_ns": 1000.0, "connect_p99_ns": 1000.0, "window_ns": 1_000_000_000,
                 "requests_completed": 30000, "requests_drained": 0, "requests_unfinished": 0, "requests_failed": 0,
                 "backlog_at_end": 0, "received_bytes": 1, "sent_bytes": 1,
                 "connections_asked": parameters["connections"], "connections_established": parameters["connections"],
                 "connect_phase_ns": 1, "connections_active": active,
                 "connections_due": active if one.due is None else one.due,
                 "connections_served": active if one.served is None else one.served, "reconnects": 0, "idle_closes": 0,
                 "fairness": 1.0, "errors": {kind: 0 for kind in ERRORS}, "server_accepted": 1, "server_refused": 0,
                 "server_timed_out": 0, "server_open_peak": 1, "units_peak": 1, "run_user_cpu_ns": 1,
                 "run_system_cpu_ns": 1, "latency_histogram": histogram(one.histogram or [900, 10])}
        if why:
            bench["invalid_reason"] = why
        p50, p99 = one.each("p50_ns")[index], one.each("p99_ns")[index]
        bench |= dict(zip((f"latency_{name}_ns" for name in PERCENTILES), (p50, p50, p99, p99)))
        if one.class_p99_ns:
            counts = dict.fromkeys(("requests_completed", "requests_drained", "requests_unfinished", "requests_failed"), 0)
            bench["classes"] = [{"name": kind} | counts | {f"latency_{name}_ns": value for name in PERCENTILES if value}
                                for kind, value in one.class_p99_ns.items()]
        if one.knee:
            bench["knee"] = one.knee
        self._row(cell, "iteration", one.runs, 30000, p50, one.each("cpu_ns")[index], repetition_index=index,
                  items_per_second=one.each("rate")[index], bench=bench)

    def _service_aggregates(self, cell, workload, model, parameters, one, ideal_ns):
        about = {"workload": workload, "model": model}
        verdict = {"limit": one.limit, "valid": not one.invalid, "invalid_samples": len(one.invalid)}
        if one.invalid:
            verdict["invalid_reason"] = next(iter(one.invalid.values()))
        cpus, rates = one.each("cpu_ns"), one.each("rate")
        active = parameters["active"]
        bench = about | {"real_time_interval_ns": interval(one.each("p50_ns")), "cpu_time_interval_ns": interval(cpus),
                         "rate_interval_per_second": interval(rates)} | verdict | {
            "ideal_ns": ideal_ns, "server_cpu_ns_per_request": statistics.median(cpus), "server_cpu_percent": 50.0,
            "voluntary_switches_per_request": one.switches[0], "involuntary_switches_per_request": one.switches[1],
            "minor_faults_per_request": 0.0, "major_faults_per_request": 0.0, "units_peak": 1.0,
            "others_cpu_percent": 0.0, "generator_cpu_percent": 50.0, "littles_law_ratio": 1.0, "send_lag_p99_ns": 1000.0,
            "fairness": 1.0, "connections_asked": parameters["connections"],
            "connections_established": parameters["connections"], "connections_per_second": 1000.0,
            "connections_active": active, "connections_due": active if one.due is None else one.due, "connections_served": active if one.served is None else one.served,
            "requests_unfinished": 0, "requests_failed": 0, "errors": {kind: 0 for kind in ERRORS}}
        if min(cpus) > 0:
            bench["over_ideal"] = ratio([cpu / ideal_ns for cpu in cpus])
        if "offered_rate_per_second" in parameters:
            bench["offered_rate_per_second"] = parameters["offered_rate_per_second"]
        if one.memory:
            bench["user_bytes_per_connection"], bench["kernel_bytes_per_connection"] = one.memory
        if one.class_p99_ns:
            bench["classes"] = [{"name": kind, "requests_unfinished": 0, "requests_failed": 0} |
                                ({"latency_p99_ns": value} if value else {}) for kind, value in one.class_p99_ns.items()]
        if one.knee:
            knee_rate = one.knee["rate_per_second"]
            bench |= {"knee_rate_per_second": knee_rate, "knee_rate_interval_per_second": interval([knee_rate] * one.runs),
                      "knee": one.knee}
        self._aggregate(cell, "median", one.runs, statistics.median(one.each("p50_ns")), statistics.median(cpus),
                        items_per_second=statistics.median(rates), bench=bench)
        for name, values in zip(PERCENTILES, (one.each("p50_ns"),) * 2 + (one.each("p99_ns"),) * 2):
            self._aggregate(cell, name, one.runs, statistics.median(values), statistics.median(cpus), bench=about | {
                "latency_interval_ns": interval(values), "merged_latency_ns": statistics.median(values)} | verdict)

    def _group(self, title, workload, kind, cells, ranking, verdict):
        group = {"title": title, "workload": workload, "kind": kind, "cells": cells}
        if ranking:
            group["ranking"] = ranking
        if verdict:
            group["verdict"] = verdict
        self.groups.append(group | {"warnings": []})

    @staticmethod
    def _ranking(by, costs, ties, unranked, runs):
        order = sorted(costs, key=costs.get)
        bounded = runs >= 6
        places = [{"name": name, "over_first": ratio([costs[name] / costs[order[0]]] * max(runs, 1))} for name in order]
        best, rest = [], list(order)
        if bounded and len(order) > 1:
            best = next((tie for tie in ties if order[0] in tie), [order[0]])
            rest = [name for name in order if name not in best]
        ranking = {"by": by, "bounded": bounded, "order": places, "best": best}
        if best and rest:
            ranking["next"] = rest[0]
        return ranking | {"ties": [list(tie) for tie in ties],
                          "unranked": [{"name": name, "reason": why} for name, why in unranked.items()]}


def interval(values):
    """The whole range; as if bounded from 6 runs on."""
    return {"low": float(min(values)), "high": float(max(values)), "bounded": len(values) >= 6}


def ratio(values):
    return {"effect": statistics.median(values), "low": min(values), "high": max(values), "pairs": len(values),
            "bounded": len(values) >= 6}


def histogram(buckets):
    return {"kind": "log-linear", "sub_buckets": 2048, "buckets": buckets}
