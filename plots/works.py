"""The work of a group in words that need no knowledge of the program."""
from plots import quantities

JOBS = {
    "cpu": "{tasks} tasks that compute",
    "sum": "{tasks} tasks that compute, with a place to switch at every step",
    "io": "{tasks} tasks that wait {waits}",
    "mixed": "{tasks} tasks that compute, wait {waits} and compute again",
    "copy": "{tasks} tasks that write a file, copy it and read the copy",
    "counter": "{tasks} tasks that update one number",
    "tickets": "{tasks} buyers of the last tickets",
    "semaphore": "{tasks} tasks that a semaphore lets in",
    "deadlock": "{tasks} tasks that take two locks",
    "gate": "{tasks} tasks that wait for the last one",
    "producer-consumer": "{items} items through a bounded queue",
    "queue-rush": "{tasks} tasks that offer items to a queue which nobody empties",
    "crawl": "{pages} pages that are fetched and parsed",
    "download": "A file that is fetched in {ranges} parts at once",
    "exec": "{tasks} tasks that start a program, read what it prints and wait for its end",
}
SERVICES = {
    "echo": "A TCP echo server",
    "http": "An HTTP server",
    "transfer": "A file transfer server",
    "ftp": "A server of files on disk",
    "tftp": "A TFTP server",
    "chat": "A chat server",
    "remote": "A server that runs commands",
    "udp-echo": "A UDP echo server",
}
PRIMITIVES = {
    "spawn": "Starting a unit and waiting for its end",
    "switch": "Handing control to another unit that waits for it",
    "lock": "Taking a lock and giving it back",
    "queue": "Passing an item from one unit to another",
    "wake": "Waking all units that wait for one event",
    "idle": "Memory of a unit that does nothing but wait",
}


def describe(group):
    """A heading for the group; its title where nothing is known of it."""
    parameters = next((cell.parameters for cell in group.cells if cell.parameters), None)
    if group.kind == "primitive":
        return PRIMITIVES.get(group.workload, group.title)
    if not parameters:
        return group.title
    return _service(group, parameters) if group.kind == "service" else _job(group, parameters)


def short_titles(result):
    """The titles of all groups, without the parts that all groups of a workload have in common."""
    parts = [group.title.split(" · ") for group in result.groups]
    titles = []
    for group, own in zip(result.groups, parts):
        same = [set(other) for other, theirs in zip(parts, result.groups) if theirs.workload == group.workload]
        common = set.intersection(*same) if len(same) > 1 else set()
        kept = own[:1] + [part for part in own[1:] if part not in common]
        titles.append(" · ".join(kept if len(kept) > 1 else own))
    return titles


def models_of(group):
    """The group's models, or how many there are, to tell groups of the same work apart."""
    models = list(dict.fromkeys(cell.model for cell in group.cells))
    return ", ".join(models) if len(models) < 4 else f"{len(models)} models"


def _job(group, parameters):
    pattern = JOBS.get(group.workload, "{tasks} tasks of " + group.workload if "tasks" in parameters else group.workload)
    if group.workload == "copy" and parameters.get("tree", [0])[0]:
        pattern = "{tasks} tasks that copy a tree of files"
    counts = {key: f"{value:,}" for key, value in parameters.items() if isinstance(value, int)}
    text = pattern.format_map(counts | {"waits": _waits(parameters.get("waits_ns", []))})
    cpus = parameters["cpus"]
    return f"{text}, on {cpus} CPU{'' if cpus == 1 else 's'}"


def _waits(waits_ns):
    texts = [quantities.short_duration(wait) for wait in waits_ns]
    return " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _service(group, parameters):
    connections, active = parameters["connections"], parameters["active"]
    parts = [f"{connections:,} connection{'' if connections == 1 else 's'}"]
    if active < connections:
        parts.append(f"{active:,} of them active")
    parts += _heavy(parameters)
    if parameters.get("rate_mode") == "search":
        parts.append("at the highest rate that keeps a promise")
    elif parameters["loop"] == "closed":
        parts.append("each asks again when its reply has come")
    else:
        rates = [cell.figures["offered_rate_per_second"] for cell in group.measured]
        rate = rates[0] if rates else parameters.get("offered_rate_per_second")
        parts.append(f"{quantities.count(rate)} requests/s in all" if rate else "at an offered rate")
    return f"{SERVICES.get(group.workload, 'A ' + group.workload + ' server')}: {', '.join(parts)}"


def _heavy(parameters):
    """What the server does for a request beside answering it."""
    work = []
    if parameters["service_cpu_ns"]:
        work.append(f"{quantities.short_duration(parameters['service_cpu_ns'])} of computation")
    if parameters["service_wait_ns"]:
        work.append(f"a wait of {quantities.short_duration(parameters['service_wait_ns'])}")
    share = parameters["heavy_percent"]
    whose = "each request" if share >= 100 else f"each request of {share:g}% of them"
    return [f"{' and '.join(work)} for {whose}"] if work else []
