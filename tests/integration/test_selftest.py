"""The self-test's checks on what the real system did, sound and with faults of the instrument planted into what was seen.

One scene is enough to show it: its task times are the machine's own, with all their noise.
"""

import pytest

from experiments.running.trial import TrialRun
from experiments.selftest.checks import little, service, waiting
from experiments.selftest.result import Result
from experiments.selftest.scenes import SCENES
from experiments.selftest.seen import Seen
from tests.unit.test_selftest import Plant, fast_clock, half_queue, other_services

pytestmark = pytest.mark.integration

NAME = "one server"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The scene of one server, played for ten seconds."""
    trial = SCENES[NAME]._replace(quick_s=10.0).trial(0, quick=True, seed=7)
    record, tables = TrialRun(trial, "selftest", tmp_path_factory.mktemp("scene"), lambda _: None).run()
    assert tables is not None, record.failure
    return Seen(record, tables)


def compared(check: object, one: Seen) -> dict[str, Result]:
    return {found.name: found for found in check.compare({NAME: one})}  # type: ignore[attr-defined]


def test_the_real_system_is_as_theory_says(seen: Seen) -> None:
    assert seen.faults == []
    for check in (service.CHECK, waiting.CHECK, little.CHECK):
        for found in compared(check, seen).values():
            assert found.verdict != "fail", found  # a busy machine may make it blunt


@pytest.mark.parametrize(
    ("check", "plant", "caught"),
    [
        (service.CHECK, fast_clock, "service time"),
        (service.CHECK, other_services, "services cut short"),
        (waiting.CHECK, other_services, "waiting, one server"),
        (little.CHECK, half_queue, "Little's law, one server"),
    ],
)
def test_a_fault_planted_into_it_is_seen(seen: Seen, check: object, plant: Plant, caught: str) -> None:
    assert compared(check, plant(seen))[caught].verdict != "pass"
