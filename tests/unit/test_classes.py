"""Classes of agents: what a config says of them, who they are on the wire, and what the summary says of each."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.design.trial_config import TrialConfig
from experiments.metrics.schedule import Drawing, fleet, redrawn
from experiments.metrics.trial import summarise
from experiments.running.load import load_of, sources_of
from experiments.store.record import Load
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass, connections, numbers, process_of
from loadgen.model.schedule import in_order, of_fleet, schedule
from tests import made, made_trial
from tests.made_trial import SEED, START, WINDOW

CONFIG = """
[experiment]
name = "mixed"
[swarm]
batch_size = 50
timeout_s = 0.2
[swarm.arrivals]
kind = "poisson"
rate_per_s = 100.0
"""
CLASSES = """
[[swarm.classes]]
name = "quiet"
agents = 30
arrivals = { kind = "constant", rate_per_s = 1.0 }
timeout_s = 5.0
[[swarm.classes]]
name = "busy"
agents = 2
batch_size = 7
pause_s = 0.001
"""

QUIET = AgentClass(name="quiet", agents=30, arrivals=Constant(rate_per_s=1.0), batch_size=50, timeout_s=5.0)
BUSY = AgentClass(name="busy", agents=2, arrivals=Poisson(rate_per_s=100.0), batch_size=7, timeout_s=0.2, pause_s=0.001)


def config(text: str, folder: Path = Path(".")) -> TrialConfig:
    return decode(text, source="x.toml", folder=folder).configs[0]


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text)
    return str(caught.value)


def test_what_a_class_leaves_out_is_the_swarms() -> None:
    swarm = config(CONFIG + CLASSES).swarm
    assert swarm.fleet() == (QUIET, BUSY)
    assert swarm.connections() == 32
    assert config(CONFIG).swarm.fleet() == (
        AgentClass(name="all", agents=20, arrivals=Poisson(rate_per_s=100.0), batch_size=50, timeout_s=0.2),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONFIG + CLASSES.replace('"busy"', '"quiet"'), "swarm.classes must have a name each"),
        (CONFIG.replace("[swarm]", "[swarm]\nagents = 5") + CLASSES, "swarm.agents must be left out"),
        (CONFIG.replace('"poisson"\nrate_per_s = 100.0', '"saturate"') + CLASSES, 'an open loop\'s arrivals, got ["busy"]'),
        (CONFIG + CLASSES.replace("rate_per_s = 1.0", "rate_per_s = -1.0"), "swarm.classes[0].arrivals must be a table"),
        (CONFIG + CLASSES.replace("rate_per_s = 1.0", "rate_per_s = -1.0"), "arrivals.rate_per_s must be > 0"),
        (CONFIG + CLASSES.replace("rate_per_s = 1.0", "rat_per_s = 1.0"), "rat_per_s"),
        (CONFIG + CLASSES.replace("pause_s", "paus_s"), "the nearest known key is swarm.classes.pause_s"),
        (CONFIG + CLASSES.replace("agents = 2", "agents = 0"), "swarm.classes[1].agents must be an integer >= 1"),
        (CONFIG.replace("[swarm]", "[swarm]\nprocesses = 21"), "swarm.processes must be at most the 20 connections"),
        (
            CONFIG.replace("[swarm]", "[swarm]\nprocesses = 3\nagents_per_connection = 10"),
            "swarm.processes must be at most the 2 connections",
        ),
    ],
)  # fmt: skip
def test_classes_that_cannot_be_played_are_refused_by_name(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_class_reads_its_trace_from_the_configs_folder(tmp_path: Path) -> None:
    log = Path(__file__).parents[1] / "golden" / "trace.log"
    (tmp_path / "trace.log").write_bytes(log.read_bytes())
    text = CONFIG + CLASSES.replace('"constant", rate_per_s = 1.0', '"trace", path = "trace.log"')
    swarm = config(text, tmp_path).swarm
    assert list(sources_of(swarm)) == [f"auto:{tmp_path / 'trace.log'}"]


def test_agents_are_numbered_through_and_dealt_by_connection() -> None:
    assert numbers((QUIET, BUSY)) == [range(30), range(30, 32)]
    assert process_of(np.arange(10), 3, 2).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1]
    assert (connections(10, 3), connections(9, 3), connections(1, 100)) == (4, 3, 1)


def test_each_class_cuts_by_its_own_settings_and_one_class_alone_is_the_plain_schedule() -> None:
    plan = of_fleet((QUIET, BUSY), seed=3, horizon_s=4.0)
    quiet = plan.agent < 30
    alone = schedule(QUIET.arrivals, seed=3, agents=30, batch_size=50, timeout_s=5.0, horizon_s=4.0)  # type: ignore[arg-type]
    mine = in_order(plan.time_ns[quiet], plan.agent[quiet], plan.first[quiet], plan.count[quiet])
    assert mine.fingerprint() == alone.fingerprint() == of_fleet((QUIET,), seed=3, horizon_s=4.0).fingerprint()
    assert set(plan.agent[~quiet].tolist()) == {30, 31}
    assert plan.count[~quiet].max() == 7
    # The same agent numbers draw the same arrivals, whichever class is before them: the batches differ by size alone.
    assert plan.count[~quiet].sum() == sum(len(BUSY.arrivals.draw(3, agent, 4 * 10**9)) for agent in (30, 31))  # type: ignore[union-attr]


@pytest.mark.parametrize(("processes", "together"), [(2, 1), (3, 4), (5, 2), (32, 1)])
def test_the_processes_schedules_together_are_the_one_of_all(processes: int, together: int) -> None:
    whole = of_fleet((QUIET, BUSY), seed=3, horizon_s=4.0)
    parts = [
        of_fleet(
            (QUIET, BUSY), seed=3, horizon_s=4.0, agents_per_connection=together, processes=processes, process=process
        )
        for process in range(processes)
    ]
    agents = [set(part.agent.tolist()) for part in parts]
    assert sum(map(len, agents)) == len(set().union(*agents)) == 32
    columns = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("time_ns", "agent", "first", "count")
    )
    assert in_order(*columns).fingerprint() == whole.fingerprint()


# The analysis.


def sealed() -> Load:
    """The load as it is read from a sealed record."""
    given = config(CONFIG + CLASSES)
    return msgspec.json.decode(msgspec.json.encode(load_of(given.swarm, given.trial)), type=Load)


def test_a_sealed_load_gives_the_schedule_and_the_arrivals_of_every_class_again() -> None:
    load = sealed()
    assert fleet(load) == (QUIET, BUSY)
    assert redrawn(load, 3).fingerprint() == of_fleet((QUIET, BUSY), seed=3, horizon_s=12.0).fingerprint()
    drawing = Drawing(load, 3)
    for agent, one in ((0, QUIET), (29, QUIET), (30, BUSY), (31, BUSY)):
        assert np.array_equal(np.concatenate(list(drawing.of(agent))), one.arrivals.draw(3, agent, 12 * 10**9))  # type: ignore[union-attr]


def test_another_class_is_another_fingerprint() -> None:
    load = sealed()
    changes: list[dict[str, Any]] = [{"agents": 31}, {"batch_size": 3}, {"timeout_s": 4.0}]
    seen = {redrawn(load, 3).fingerprint()}
    for change in changes:
        classes = [{**load.classes[0], **change}, load.classes[1]]
        seen.add(redrawn(msgspec.structs.replace(load, classes=classes), 3).fingerprint())
    assert len(seen) == 4


def test_a_load_sealed_before_there_were_classes_is_one_class() -> None:
    stored = msgspec.json.decode(msgspec.json.encode(made.load(agents=5)))
    del stored["classes"]
    (one,) = fleet(msgspec.convert(stored, Load))
    assert (one.agents, one.batch_size) == (5, 10)


def test_every_class_has_figures_of_its_own() -> None:
    """The made-up trial's three agents as two classes: the second one's batches take a second longer to commit."""
    trial = made_trial.trial()
    one = {**msgspec.to_builtins(fleet(trial.record.load)[0]), "agents": 1, "name": "first"}
    load = msgspec.structs.replace(trial.record.load, classes=[one, {**one, "agents": 2, "name": "others"}])
    results = trial.tables.results.copy()
    results["committed_mono_ns"][results["agent"] > 0] += 10**9
    trial = trial.with_record(load=load).with_tables(results=results)
    found = summarise(trial.record, trial.tables)
    assert found.reasons == []
    assert set(found.classes) == {"first", "others"}
    first, others = found.classes["first"], found.classes["others"]
    assert (first.agents, first.records, others.agents, others.records) == (1, 200, 2, 400)
    assert first.response_time_s.count == 200
    assert others.response_time_s.max - first.response_time_s.max == pytest.approx(1.0, abs=0.02)
    assert found.response_time_s.max == others.response_time_s.max
    assert summarise(*made_trial.trial()).classes == {}
    assert (trial.record.seed, trial.record.start_mono_ns, trial.record.window) == (SEED, START, WINDOW)


def test_a_cool_down_adds_load_after_the_window_and_changes_nothing_before() -> None:
    given = config(CONFIG + CLASSES + "[trial]\nwarmup_s = 1.0\nmeasure_s = 2.0\ncooldown_s = 6.0\n")
    load = load_of(given.swarm, given.trial)
    assert load.horizon_s == 9.0
    longer, shorter = redrawn(load, 3), redrawn(msgspec.structs.replace(load, horizon_s=3.0), 3)
    early = longer.time_ns < 3 * 10**9
    assert (longer.time_ns[early].tolist(), longer.agent[early].tolist()) == (
        shorter.time_ns[shorter.time_ns < 3 * 10**9].tolist(),
        shorter.agent[shorter.time_ns < 3 * 10**9].tolist(),
    )
