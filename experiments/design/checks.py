"""What no single key can say: combinations of settings, names and files that can't be run.

Runs on every decoded cell before anything starts. A check gives what is wrong; `config` adds the place and the cell.
A new check is a function here and its name in `CHECKS`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from experiments.design.errors import shown
from experiments.design.nearest import closest
from experiments.design.offered import DRAWING_S, DRAWN_PER_S, offered
from experiments.design.swarm import DEFAULT_AGENTS
from experiments.design.trial_config import TrialConfig
from experiments.faults.kill_broker import KillBroker
from experiments.faults.kill_worker_child import KillWorkerChild
from experiments.probes.registry import GROUP as PROBE_GROUP
from experiments.probes.registry import known as known_probes
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.process import OpenLoopProcess
from system.broker import registry as publishers
from system.broker.app import KNOWN_SETTINGS, OWN_OPTIONS, OWN_SETTINGS, TRANSPORT_OPTIONS
from system.engine.registry import ENGINES, GROUP
from system.signatures.loaders import RulesError, load
from system.variants.registry import REAL, VARIANTS
from system.worker.analyst import WRITERS


class Problem(NamedTuple):
    """One thing wrong with a cell: the key it is about, what is wrong with it, and what to do."""

    path: str
    wrong: str
    remedy: str


#: Says what is wrong with a `rules` list; None if it loads.
RulesCheck = Callable[[tuple[str, ...]], str | None]


def problems(config: TrialConfig, rules_error: RulesCheck) -> Iterator[Problem]:
    """Gives everything wrong with a cell; nothing if it can be run.

    Args:
        config: the cell's settings.
        rules_error: `load_error`, or one that remembers it: a sweep's cells mostly have the same rules.
    """
    for check in CHECKS:
        yield from check(config)
    wrong = rules_error(config.system.rules)
    if wrong is not None:
        said = f"must load, got {shown(config.system.rules)}: {wrong}"
        yield Problem("system.rules", said, "`caudal scan` tries rules on a file")


def load_error(names: tuple[str, ...]) -> str | None:
    """Loads the rules and says why they can't be; None if they can."""
    try:
        load(names)
    except RulesError as error:
        return str(error)
    return None


def fleet(config: TrialConfig) -> Iterable[Problem]:
    """Each connection is let in, each swarm process has one to play, and classes are told apart and have arrival times."""
    swarm = config.swarm
    connections = swarm.connections()
    if swarm.processes > connections:
        wrong = f"must be at most the {connections} connections, got {swarm.processes}"
        yield Problem("swarm.processes", wrong, "lower it: a process without a connection has nothing to send")
    most = config.system.limits.connections
    if connections > most:
        wrong = f"must be at least the {connections} connections of the swarm, got {most}"
        yield Problem(
            "system.limits.connections", wrong, "raise it, lower swarm.agents, or give swarm.agents_per_connection"
        )
    names = [one.name for one in swarm.classes]
    if len(set(names)) != len(names):
        yield Problem("swarm.classes", f"must have a name each, got {shown(names)}", "rename the repeated one")
    agents = sum(one.agents for one in swarm.fleet())
    if swarm.classes and swarm.agents not in (agents, DEFAULT_AGENTS):
        wrong = f"must be left out where [[swarm.classes]] name {agents} agents, got {swarm.agents}"
        yield Problem("swarm.agents", wrong, "each class says how many agents it has")
    closed = [one.name for one in swarm.fleet() if not one.arrivals.open_loop]
    if swarm.classes and closed:
        wrong = f"must have an open loop's arrivals, got {shown(closed)} under full load"
        yield Problem("swarm.classes", wrong, "give each class, or the swarm, an open loop, or leave the classes out")


def records(config: TrialConfig) -> Iterable[Problem]:
    """The records have a source: files that are there, or at least one kind of line."""
    given = config.swarm.records
    if given.source == "files":
        if not given.paths:
            yield Problem(
                "swarm.records.paths", 'must name a file where source = "files", got []', 'give paths = ["access.log"]'
            )
        for path in given.paths:
            if not os.access(path, os.R_OK) or not Path(path).is_file():
                remedy = "relative paths count from the config's folder, those of --set from the working one"
                yield Problem("swarm.records.paths", f"must name files that can be read, got {path}", remedy)
    elif given.paths:
        wrong = f'must be empty where source = "synthetic", got {shown(given.paths)}'
        yield Problem("swarm.records.paths", wrong, 'to send these files, set source = "files"')
    mix = given.mix
    if mix.web + mix.sshd + mix.app == 0:
        yield Problem(
            "swarm.records.mix",
            "must have a share above 0, got 0 for each",
            "give web = 1.0, or a mix of web, sshd and app",
        )


def arrivals(config: TrialConfig) -> Iterable[Problem]:
    """What the arrivals read from files can be read, and gives times; no more of them than can be drawn before the start."""
    swarm = config.swarm
    unread = False
    for one in swarm.fleet():
        if isinstance(one.arrivals, OpenLoopProcess):
            try:
                one.arrivals.prepared({})
            except ValueError as error:
                unread = True
                key = "swarm.arrivals.path" if one.arrivals == swarm.arrivals else "swarm.classes"
                remedy = "name a log of several lines with times; relative paths count from the config's folder"
                yield Problem(key, f"must be a log with timestamps: {error}", remedy)
    load_s = config.trial.load_s
    most = (DRAWING_S + load_s) * DRAWN_PER_S
    if not unread and (all_of_it := offered(config)) is not None and all_of_it.records > swarm.processes * most:
        wrong = (
            f"must offer a swarm process at most {most:,.0f} records in a load of {load_s:g} s, whose times are drawn "
            f"before it, got about {all_of_it.records:,.0f} for {swarm.processes} "
            f"({all_of_it.records / load_s:,.0f} records/s)"
        )
        yield Problem("swarm.arrivals", wrong, "offer less, measure shorter, or raise swarm.processes")


def hand_off(config: TrialConfig) -> Iterable[Problem]:
    """The journal and coalescing work on payloads that lie in Redis: without the claim check there are none."""
    system = config.system
    if system.handoff == "claim_check":
        return
    if system.journal:
        wrong = f'must be false where system.handoff = "{system.handoff}", got true'
        yield Problem("system.journal", wrong, 'set journal = false, or handoff = "claim_check"')
    if system.coalesce > 1:
        wrong = f'must be 1 where system.handoff = "{system.handoff}", got {system.coalesce}'
        yield Problem("system.coalesce", wrong, 'set coalesce = 1, or handoff = "claim_check"')


def limits(config: TrialConfig) -> Iterable[Problem]:
    """A message that the gateway takes fits into what may be in flight: else it could never arrive."""
    given = config.system.limits
    for name in ("connection_inflight_bytes", "inflight_bytes"):
        room = getattr(given, name)
        if room < given.frame_bytes:
            wrong = f"must be at least limits.frame_bytes ({given.frame_bytes}), got {room}"
            yield Problem(f"system.limits.{name}", wrong, "raise it, or lower frame_bytes")


def engine(config: TrialConfig) -> Iterable[Problem]:
    """The engine is one of the registry's, or an installed package's."""
    name = config.system.engine
    if name in ENGINES:
        return
    known = sorted({*ENGINES, *entry_points(group=GROUP).names})
    if name not in known:
        near = closest(name, known)
        remedy = f"the nearest is {shown(near[0])}" if near else f"for another one install a package with {GROUP}"
        yield Problem("system.engine", f"must be {' or '.join(map(shown, known))}, got {shown(name)}", remedy)


def publisher(config: TrialConfig) -> Iterable[Problem]:
    """The publisher is one of the registry's, or an installed package's."""
    name, known = config.system.publisher, publishers.known()
    if name not in known:
        near = closest(name, known)
        remedy = (
            f"the nearest is {shown(near[0])}" if near else f"for another one install a package with {publishers.GROUP}"
        )
        yield Problem("system.publisher", f"must be {' or '.join(map(shown, known))}, got {shown(name)}", remedy)


def variant(config: TrialConfig) -> Iterable[Problem]:
    """The variant is one of the registry's; one that brings its own workers has no Celery to set, and no journal."""
    system, name = config.system, config.system.variant
    if name not in VARIANTS:
        near = closest(name, VARIANTS)
        remedy = f"the nearest is {shown(near[0])}" if near else f"the design itself is {shown(REAL)}"
        yield Problem("system.variant", f"must be {' or '.join(map(shown, VARIANTS))}, got {shown(name)}", remedy)
        return
    if VARIANTS[name].has_workers:
        return
    where = f"where system.variant = {shown(name)}"
    for key, wanted in (("journal", False), ("worker_nodes", 1), ("worker_pool", "prefork")):
        given = getattr(system, key)
        if given != wanted:
            yield Problem(
                f"system.{key}", f"must be {shown(wanted)} {where}, got {shown(given)}", f"set {key} = {shown(wanted)}"
            )
    if isinstance(config.swarm.arrivals, Drain):
        yield Problem("swarm.arrivals.kind", f'must be another than "drain" {where}, got "drain"', "take saturate")
    if config.deploy.kind == "attach":
        yield Problem("deploy.kind", f'must be "local" {where}, got "attach"', "a variant is started here")


def celery(config: TrialConfig) -> Iterable[Problem]:
    """Celery itself takes any name for a setting and ignores those it doesn't know; a wrong type ends its workers."""
    for name, value in config.system.celery.items():
        yield from _setting(f"system.celery.{name}", name, value, KNOWN_SETTINGS, OWN_SETTINGS)
        if name == "broker_transport_options" and isinstance(value, dict):
            for option, inner in value.items():
                yield from _setting(f"system.celery.{name}.{option}", option, inner, TRANSPORT_OPTIONS, OWN_OPTIONS)


def _setting(
    path: str, name: str, value: object, known: Mapping[str, type | tuple[type, ...]], own: Mapping[str, str]
) -> Iterable[Problem]:
    if name not in known:
        near = closest(name, known)
        remedy = (
            f"the nearest known key is {path.removesuffix(name)}{near[0]}" if near else "docs.celeryq.dev lists them"
        )
        yield Problem(path, f"must be a setting of Celery, got {name} = {shown(value)}", remedy)
    elif name in own:
        yield Problem(path, f"can't be set here, got {shown(value)}: it is Caudal's own", own[name])
    elif value is not None and (
        not isinstance(value, known[name]) or (isinstance(value, bool) and known[name] not in (bool, object))
    ):
        types = known[name]
        words = " or ".join(one.__name__ for one in (types if isinstance(types, tuple) else (types,)))
        yield Problem(
            path, f"must be of Celery's type {words}, got {shown(value)}", "docs.celeryq.dev says what it takes"
        )


def pool(config: TrialConfig) -> Iterable[Problem]:
    """How many tasks a node runs at once is the pool's to allow, and only prefork has children that can be killed."""
    system = config.system
    if system.worker_pool == "prefork":
        return
    most = 1 if system.worker_pool == "solo" else WRITERS
    if system.worker_concurrency != "cores" and system.worker_concurrency > most:
        wrong = f'must be at most {most} where system.worker_pool = "{system.worker_pool}"'
        yield Problem(
            "system.worker_concurrency", f"{wrong}, got {system.worker_concurrency}", "raise worker_nodes instead"
        )
    for number, fault in enumerate(config.faults):
        if isinstance(fault, KillWorkerChild):
            wrong = f'must be another where system.worker_pool = "{system.worker_pool}", got "kill_worker_child"'
            yield Problem(f"faults[{number}].kind", wrong, "there are no children: inject kill_worker_node")


def placement(config: TrialConfig) -> Iterable[Problem]:
    """CPUs are named once in a list, and there are as many for the workers as they take."""
    for part in config.placement.__struct_fields__:
        cpus = getattr(config.placement, part)
        if cpus is not None and len(set(cpus)) != len(cpus):
            yield Problem(f"placement.{part}", f"must name each CPU once, got {shown(cpus)}", "remove the repeated one")
    workers, cores = config.placement.workers, config.system.worker_cores
    if workers is not None and cores != "all" and cores > len(workers):
        wrong = f"must be at most the {len(workers)} CPUs of placement.workers, got {cores}"
        yield Problem("system.worker_cores", wrong, 'name more CPUs there, or set worker_cores = "all"')


def server(config: TrialConfig) -> Iterable[Problem]:
    """The Redis is one: a running server or a program to start."""
    program, url = config.deploy.redis_server, config.deploy.redis_url
    delay_s = config.deploy.broker_delay_s
    if delay_s and (url is not None or config.deploy.kind == "attach"):
        wrong = f"must be 0 where the server runs already, got {delay_s:g}"
        yield Problem("deploy.broker_delay_s", wrong, "leave the server to be started here, or the delay out")
    if program is not None and url is not None:
        wrong = f"must be left out where deploy.redis_url is given, got {shown(program)}"
        yield Problem(
            "deploy.redis_server", wrong, "keep redis_url for a running server, redis_server for one started here"
        )
    elif program is not None and not (Path(program).is_file() and os.access(program, os.X_OK)):
        wrong = f"must be a program that can be run, got {shown(program)}"
        yield Problem(
            "deploy.redis_server", wrong, "give its path, as `command -v valkey-server` prints it, or leave it out"
        )


def running(config: TrialConfig) -> Iterable[Problem]:
    """A system that runs already is named by two addresses; nothing of it is ours to stop or kill."""
    deploy = config.deploy
    if deploy.kind != "attach":
        if deploy.listen is not None:
            wrong = f'must be left out where deploy.kind = "{deploy.kind}", got {shown(deploy.listen)}'
            yield Problem("deploy.listen", wrong, 'a running system is measured with kind = "attach"')
        return
    for name, example in (("listen", "127.0.0.1:24224"), ("redis_url", "redis://127.0.0.1:6379/0")):
        if getattr(deploy, name) is None:
            wrong = 'must be given where deploy.kind = "attach", got none'
            yield Problem(f"deploy.{name}", wrong, f"say where the running system is, such as {shown(example)}")
    if isinstance(config.swarm.arrivals, Drain):
        wrong = 'must be another than "drain" where deploy.kind = "attach", got "drain"'
        yield Problem("swarm.arrivals.kind", wrong, "a drain stops the gateway, which isn't ours: take saturate")
    if config.faults:
        wrong = f'must be left out where deploy.kind = "attach", got {len(config.faults)}'
        yield Problem("faults", wrong, 'they end processes that aren\'t ours: deploy it with kind = "local"')


def broker_killed(config: TrialConfig) -> Iterable[Problem]:
    """Only a server of our own is killed and started again."""
    for number, fault in enumerate(config.faults):
        if isinstance(fault, KillBroker) and config.deploy.redis_url is not None:
            wrong = 'must be another where deploy.redis_url names a running server, got "kill_broker"'
            yield Problem(f"faults[{number}].kind", wrong, "leave redis_url out")


def fault_times(config: TrialConfig) -> Iterable[Problem]:
    """A fault after the load's end would hit nothing, and a drain has no load's clock to inject one by."""
    if config.faults and isinstance(config.swarm.arrivals, Drain):
        wrong = f'must be left out where swarm.arrivals.kind = "drain", got {len(config.faults)}'
        yield Problem("faults", wrong, "inject them under saturate or an open loop")
    end_s = config.trial.warmup_s + config.trial.measure_s
    for number, fault in enumerate(config.faults):
        if fault.at_s >= end_s:
            wrong = f"must be < {end_s:g} (warmup_s + measure_s), got {fault.at_s:g}"
            yield Problem(
                f"faults[{number}].at_s",
                wrong,
                "it counts from the trial's start: inject it earlier, or measure longer",
            )


def probes(config: TrialConfig) -> Iterable[Problem]:
    """Each probe exists and is named once."""
    given, there = config.probes.names, known_probes()
    for name in given:
        if name not in there:
            near = closest(name, there)
            remedy = f"the nearest is {near[0]}" if near else f"for another one install a package with {PROBE_GROUP}"
            yield Problem("probes.names", f"must be of {', '.join(there)}, got {shown(name)}", remedy)
    if len(set(given)) != len(given):
        yield Problem("probes.names", f"must name each probe once, got {shown(given)}", "remove the repeated one")


#: In the order in which they are told.
CHECKS: tuple[Callable[[TrialConfig], Iterable[Problem]], ...] = (
    fleet,
    arrivals,
    records,
    hand_off,
    limits,
    engine,
    publisher,
    variant,
    celery,
    pool,
    placement,
    server,
    running,
    broker_killed,
    fault_times,
    probes,
)
