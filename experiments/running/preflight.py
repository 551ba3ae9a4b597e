"""What can be known before anything starts: what an experiment needs that this machine, or a running system, hasn't.

Asked by `caudal plan` and by all that runs: what one refuses the other refuses too, with the same words.
"""

import contextlib
from pathlib import Path

import msgspec
import psutil

from experiments.deploy import attach, broker
from experiments.deploy.placement import available, place
from experiments.design.experiment import Experiment
from experiments.design.offered import offered
from experiments.design.trial_config import TrialConfig
from experiments.running.rules import Waiting, check_rules, silently
from loadgen import open_files


class MachineError(ValueError):
    """This machine hasn't what a trial needs. The message says what to do."""


def check(experiment: Experiment, waiting: Waiting = silently) -> None:
    """CPUs, open files, memory, the server program, whether engines run the rules, the running server.

    Raises: PlacementError, MachineError, BrokerError, AttachError, EngineError, RulesError.
    """
    cpus = available()
    for config in experiment.configs:
        place(cpus, config.system.worker_cores, msgspec.to_builtins(config.placement))
        broker.program(config.deploy.redis_server)
        _files(config)
        _memory(config)
    check_rules((config.system for config in experiment.configs), waiting)
    for config in experiment.configs:
        _server(config)


def _files(config: TrialConfig) -> None:
    """Each swarm process has its share of the connections, and a gateway that is started here has all of them."""
    connections = config.swarm.connections()
    wrong = open_files.refusal(-(-connections // config.swarm.processes))
    if wrong is None and config.deploy.kind != "attach":
        wrong = open_files.refusal(connections, "swarm.agents_per_connection")
    if wrong is not None:
        raise MachineError(wrong)


def _memory(config: TrialConfig) -> None:
    """The runner draws the schedule of an open loop again and holds it as a whole; all else comes beside it."""
    there, told = psutil.virtual_memory().total, offered(config)
    if told is not None and told.memory_bytes > there:
        raise MachineError(
            f"swarm.arrivals must offer what {there / 2**30:.1f} GiB of memory hold, got about {told.records:,.0f} "
            f"records in {told.batches:,.0f} batches, whose schedule takes about {told.memory_bytes / 2**30:,.1f} GiB in "
            "the analysis; offer less, measure shorter, or raise swarm.batch_size"
        )


def _server(config: TrialConfig) -> None:
    url = config.deploy.redis_url
    if url is not None and config.deploy.kind == "attach":
        with contextlib.closing(broker.Broker(url, None, keep=True).client()) as client:
            attach.processes(client, config.system, url)
    elif url is not None:
        broker.start(Path(), named=None, url=url, cpus=(), fsync=config.system.fsync)
