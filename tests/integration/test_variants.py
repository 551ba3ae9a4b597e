"""Every variant of the design under the same load and the same ledger; and what one of them doesn't survive, seen."""

import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments.analysis.summary import Summary
from experiments.cli.screen import QuietScreen
from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.running import run as runner
from experiments.store.find import find
from system.broker.batch import Batch
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.settings import Limits
from system.variants.registry import VARIANTS
from system.variants.threaded_gateway import ThreadedGateway
from tests.integration.gateway_fakes import ID_ACK, message

CONFIG = """
[experiment]
name = "variants"
replicates = 1
[swarm]
agents = 6
batch_size = 20
timeout_s = 0.05
[swarm.arrivals]
{arrivals}
[system]
engine = "{engine}"
variant = "{variant}"
journal = {journal}
worker_concurrency = 2
emulated = {{ service_s = 0.05 }}
[trial]
warmup_s = 0.5
measure_s = 2.0
drain_timeout_s = {drain_s}
[validity]
send_lag_p99_s = 10.0
{faults}
"""

POISSON = 'kind = "poisson"\nrate_per_s = 200.0'
KILL = '[[faults]]\nkind = "kill_worker_child"\nat_s = 1.0\ncount = 2\n'


def played(
    folder: Path,
    variant: str,
    *,
    arrivals: str = POISSON,
    engine: str = "hyperscan",
    faults: str = "",
    drain_s: float = 30.0,
) -> Summary:
    journal = str(VARIANTS[variant].has_workers).lower()
    text = CONFIG.format(
        variant=variant, engine=engine, journal=journal, arrivals=arrivals, faults=faults, drain_s=drain_s
    )
    _, found = runner.run(decode(text, source="test", folder=folder), folder, command="test", screen=QuietScreen())
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_runs_a_trial_and_its_ledger_closes(tmp_path: Path, variant: str) -> None:
    (trial,) = played(tmp_path, variant).trials
    assert trial.failure is None, trial.failure
    assert trial.reasons == []
    assert trial.ledger is not None
    assert trial.ledger.analysed == trial.ledger.planned > 2000
    assert trial.ledger.duplicate_results == 0
    assert trial.commit_instants_unknown == 0
    assert trial.detections is not None
    assert trial.detections.planted
    assert (trial.detections.missed, trial.detections.spurious) == (0, 0)


def test_a_batch_in_hand_dies_with_its_consumer_where_the_queue_is_memory(tmp_path: Path) -> None:
    """Consumers that wait 50 ms a batch have one in hand whenever they are killed. The design loses nothing (test_deaths)."""
    full = 'kind = "saturate"\nwindow_batches = 16'
    (trial,) = played(tmp_path, "in_memory_queue", engine="emulated", arrivals=full, faults=KILL, drain_s=1.0).trials
    assert trial.ledger is not None
    assert trial.ledger.lost >= 2 * 20
    assert trial.outcome == "lossy"


def test_processes_that_wait_for_a_late_broker_are_all_there_once_it_answers(tmp_path: Path) -> None:
    late = "[deploy]\nbroker_delay_s = 1.5\n"
    (trial,) = played(tmp_path, "real", faults=late).trials
    assert trial.failure is None, trial.failure
    assert trial.reasons == []
    assert trial.ready_s is not None
    assert trial.ready_s > 1.5
    assert trial.ledger is not None
    assert trial.ledger.lost == 0
    (record,) = find(tmp_path / "variants").records()
    assert record.target["ready_s"] == trial.ready_s


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('variant = "threaded_gatway"', 'the nearest is "threaded_gateway"'),
        ('variant = "in_memory_queue"', "system.journal must be false"),
        ('[deploy]\nredis_url = "redis://x/0"\nbroker_delay_s = 1.0', "deploy.broker_delay_s must be 0"),
        ('variant = "in_memory_queue"\njournal = false\nworker_nodes = 2', "system.worker_nodes must be 1"),
    ],
)
def test_a_variant_that_can_not_run_is_refused(tmp_path: Path, change: str, says: str) -> None:
    text = f'[experiment]\nname = "x"\n[swarm.arrivals]\nkind = "saturate"\n[system]\n{change}\n'
    with pytest.raises(ConfigError) as caught:
        decode(text, source="x.toml", folder=tmp_path)
    assert says in str(caught.value)


# The threaded gateway by itself.


ROOMY = Limits()


class Publisher:
    """Confirms, refuses or breaks as it is told."""

    def __init__(self, outcome: Outcome | None = Outcome.ACCEPTED) -> None:
        self.outcome = outcome
        self.batches: list[Batch] = []
        self.closed = threading.Event()

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.batches += batches
        if self.outcome is None:
            raise BrokerUnavailableError("planted")
        return [self.outcome] * len(batches)

    async def close(self) -> None:
        self.closed.set()


def answered(publisher: Publisher, sent: bytes, limits: Limits = ROOMY) -> bytes:
    """All that a connection gets back for some bytes, until the gateway is closed or closes it."""
    gateway = ThreadedGateway(publisher, limits, "127.0.0.1", 0)
    gateway.start()
    got = b""
    with socket.create_connection(gateway.address) as peer:
        peer.settimeout(5.0)
        peer.sendall(sent)
        while len(got) < len(ID_ACK) and (data := peer.recv(4096)):
            got += data
    gateway.close()
    assert publisher.closed.wait(5.0)
    return got


def test_a_batch_is_acknowledged_once_it_was_published() -> None:
    publisher = Publisher()
    assert answered(publisher, message(chunk="id")) == ID_ACK
    assert len(publisher.batches) == 1


@pytest.mark.parametrize("outcome", [None, Outcome.CONFLICT], ids=["unconfirmed", "conflict"])
def test_what_was_not_confirmed_is_not_acknowledged_and_the_connection_is_closed(outcome: Outcome | None) -> None:
    assert answered(Publisher(outcome), message(chunk="id")) == b""


def test_a_message_that_is_none_too_large_or_not_ended_in_time_closes_the_connection() -> None:
    short = Limits(frame_deadline_s=0.2)
    assert answered(Publisher(), b"\xff\xff") == b""
    assert answered(Publisher(), message(100), Limits(frame_bytes=10)) == b""
    assert answered(Publisher(), message(chunk="id")[:-3], short) == b""
