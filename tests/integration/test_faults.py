"""Workers are killed in the middle of a run of `tuned`: nothing is lost, and what runs twice counts once.

Each test asserts that the fault bit: processes were killed while batches were in their hands.
"""

from pathlib import Path

import pytest

from experiments.analysis.summary import Summary
from experiments.cli.screen import QuietScreen
from experiments.design.config import decode
from experiments.metrics.trial import TrialSummary
from experiments.running import run as runner
from experiments.store.run import RunFolder

#: Short deadlines, so that what a dead worker held comes back within the test.
CONFIG = """
[experiment]
name = "faults"
replicates = 1
[swarm]
agents = 10
batch_size = 50
timeout_s = 0.05
[swarm.arrivals]
kind = "poisson"
rate_per_s = 400.0
[system]
profile = "{profile}"
engine = "{engine}"
worker_nodes = {nodes}
worker_concurrency = 2
sweep_age_s = 6.0
sweep_period_s = 0.5
[system.celery]
task_time_limit = 2
task_soft_time_limit = 1
[system.celery.broker_transport_options]
visibility_timeout = 5
unacked_restore_interval = 1
unacked_restore_throttle = 1
[trial]
warmup_s = 1.0
measure_s = 4.0
drain_timeout_s = {drain}
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
{faults}
"""

CHILD = '[[faults]]\nkind = "kill_worker_child"\nat_s = {at}\n'
NODE = '[[faults]]\nkind = "kill_worker_node"\nat_s = {at}\n'


def run(tmp_path: Path, faults: str, *, nodes: int) -> Summary:
    return run_text(
        tmp_path, CONFIG.format(profile="tuned", nodes=nodes, faults=faults, engine="hyperscan", drain=45.0)
    )


def run_text(tmp_path: Path, text: str) -> Summary:
    experiment = decode(text, source="test", folder=tmp_path)
    _, found = runner.run(experiment, tmp_path, command="test", screen=QuietScreen())
    return found


def killed(trial: TrialSummary) -> int:
    return sum(len(fault["done"]["killed_pids"]) for fault in trial.faults)


def assert_nothing_lost(found: Summary) -> TrialSummary:
    (trial,) = found.trials
    assert trial.failure is None, trial.failure
    ledger = trial.ledger
    assert ledger is not None
    assert trial.reasons == []
    assert ledger.sent > 15_000
    assert (ledger.lost, ledger.dead, ledger.in_queue, ledger.indeterminate) == (0, 0, 0, 0)
    assert (ledger.duplicate_results, ledger.unexpected) == (0, 0)
    assert ledger.analysed + ledger.recovered == ledger.sent == ledger.planned
    return trial


@pytest.mark.integration
def test_killing_prefork_children_loses_nothing(tmp_path: Path) -> None:
    faults = "".join(CHILD.format(at=at) for at in (1.5, 2.5, 3.5))
    trial = assert_nothing_lost(run(tmp_path, faults, nodes=1))
    assert killed(trial) == 3


@pytest.mark.integration
def test_killing_a_whole_worker_beside_a_living_one_loses_nothing(tmp_path: Path) -> None:
    trial = assert_nothing_lost(run(tmp_path, NODE.format(at=2.5), nodes=2))
    assert killed(trial) == 3  # the parent and its two children


@pytest.mark.integration
def test_connections_lost_all_at_once_and_one_by_one_lose_nothing(tmp_path: Path) -> None:
    """Two swarm processes, three agents a connection: every connection is lost in the storm, and some by themselves."""
    losing = "[swarm.disconnects]\nevery_s = 2.0\ndown_s = 0.1\n"
    text = CONFIG.replace("[swarm.arrivals]", f"processes = 2\nagents_per_connection = 3\n{losing}[swarm.arrivals]")
    storm = '[[faults]]\nkind = "reconnect_storm"\nat_s = 2.0\n'
    text = text.format(profile="tuned", nodes=1, faults=storm, engine="hyperscan", drain=45.0)
    found = run_text(tmp_path, text)
    trial = assert_nothing_lost(found)
    assert trial.faults[0]["done"] == {"told_processes": 2}
    (record,) = RunFolder.open(next((tmp_path / "faults").iterdir())).records()
    assert record.swarm["reconnects"] >= 4  # ten agents are four connections
    assert trial.schedule_lag_s is not None
    assert trial.cost["connections"] == 4


@pytest.mark.integration
def test_the_ledger_sees_what_the_plain_design_loses(tmp_path: Path) -> None:
    """The control: Celery acknowledges early by default, so what dead workers were scanning is gone, and is said to be.

    A task lasts 0.2 s, far longer than its acknowledgement takes, so that the kill finds acknowledged tasks at work.
    """
    fault = '[[faults]]\nkind = "kill_worker_node"\ncount = 2\nat_s = 2.5\n[system.emulated]\nservice_s = 0.2\n'
    found = run_text(tmp_path, CONFIG.format(profile="memoria", nodes=2, faults=fault, engine="emulated", drain=1.0))
    (trial,) = found.trials
    assert trial.ledger is not None
    assert killed(trial) == 6
    assert trial.ledger.lost >= 1
    assert trial.ledger.in_queue >= 1
    assert trial.outcome == "lossy"
    assert trial.valid, "losing records is an outcome of the system, not a fault of the instrument"


#: A batch takes 1.5 s and twenty may be at work, so that no result row is on its way when the broker is killed.
BROKER = """
[experiment]
name = "broker"
replicates = 1
[swarm]
agents = 4
batch_size = 50
timeout_s = 0.05
[swarm.arrivals]
kind = "poisson"
rate_per_s = 200.0
[system]
profile = "{profile}"
engine = "emulated"
worker_concurrency = 20
coalesce = 1
sweep_age_s = 2.0
sweep_period_s = 0.2
[system.emulated]
service_s = 1.5
[system.celery.broker_transport_options]
visibility_timeout = 5
unacked_restore_interval = 1
unacked_restore_throttle = 1
[trial]
warmup_s = 0.2
measure_s = 1.3
drain_timeout_s = 45.0
[validity]
send_lag_p99_s = 1.0
[[faults]]
kind = "kill_broker"
at_s = 0.8
"""


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.parametrize("profile", ["durable", "tuned"])
def test_kill_9_of_the_broker_loses_what_was_acknowledged_only_where_nothing_was_on_the_disk(
    tmp_path: Path, profile: str
) -> None:
    """`tuned` is the control: the same kill, and the ledger says what is lost."""
    (trial,) = run_text(tmp_path, BROKER.format(profile=profile)).trials
    assert trial.failure is None
    assert killed(trial) == 1
    assert trial.reasons == []
    ledger = trial.ledger
    assert ledger is not None
    assert ledger.sent == ledger.planned > 800
    assert ledger.duplicate_results == ledger.unexpected == ledger.in_queue == ledger.dead == 0
    if profile == "durable":
        assert ledger.lost == 0
        assert ledger.analysed + ledger.recovered == ledger.sent
    else:
        assert ledger.lost > 300
        assert trial.outcome == "lossy"
