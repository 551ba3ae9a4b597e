"""Too much to send makes a trial invalid, too much to carry is an outcome: real swarm and real system, each overloaded."""

from pathlib import Path

import pytest

from experiments.cli.screen import QuietScreen
from experiments.design.config import decode
from experiments.metrics.trial import TrialSummary
from experiments.running import run as runner

CONFIG = """
[experiment]
name = "overload"
replicates = 1
[swarm]
agents = 20
batch_size = {batch_size}
[swarm.arrivals]
kind = "constant"
rate_per_s = {rate}
[system]
profile = "{profile}"
[validity]
send_lag_p99_s = {limit_s}
[trial]
warmup_s = 0.1
measure_s = {measure_s}
drain_timeout_s = 2.0
"""


def run(tmp_path: Path, **values: object) -> TrialSummary:
    experiment = decode(CONFIG.format(**values), source="test", folder=tmp_path)
    _, found = runner.run(experiment, tmp_path, command="test", screen=QuietScreen())
    (trial,) = found.trials
    assert trial.failure is None
    return trial


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_a_swarm_that_is_asked_for_more_than_it_can_send_makes_the_trial_invalid(tmp_path: Path) -> None:
    """200,000 batches of one record a second: one process takes some 20 us of Python for each, and has other work too."""
    trial = run(tmp_path, batch_size=1, rate=10_000.0, profile="tuned", measure_s=0.1, limit_s=0.01)
    assert not trial.valid
    assert [reason.partition(":")[0] for reason in trial.reasons] in (["send lag"], ["send lag", "swarm CPU"])
    assert trial.ledger is not None


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_a_system_that_is_offered_more_than_it_can_carry_is_overloaded_and_the_trial_valid(tmp_path: Path) -> None:
    """400,000 records a second to each pattern by `re`, which carries some 20,000 on two cores.

    The limit is wide: how busy the machine is with that is not this test's business.
    """
    trial = run(tmp_path, batch_size=1000, rate=20_000.0, profile="memoria", measure_s=0.9, limit_s=1.0)
    assert (trial.outcome, trial.valid, trial.reasons) == ("overloaded", True, [])
    assert trial.offered_records_per_s is not None
    assert trial.carried_records_per_s is not None
    assert trial.carried_records_per_s < trial.offered_records_per_s / 2
