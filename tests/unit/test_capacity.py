"""What a capacity search makes of trials: the verdict on each probe, the config it refuses, the answer it seals."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.analysis.capacity import LOAD, Capacity, capacity, judge
from experiments.analysis.summary import summary
from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.design.experiment import Experiment
from experiments.design.plan import Trial
from experiments.metrics.trial import TrialSummary, summarise
from experiments.running import capacity as searcher
from experiments.running.capacity import nominal, planned, probe
from experiments.running.run import RunError
from experiments.store.run import PARTIAL, RunFolder
from loadgen.model.arrivals.constant import Constant
from tests.made_trial import Made, trial

CONFIG = """
[experiment]
name = "edge"
[swarm]
agents = 10
[swarm.arrivals]
kind = "poisson"
rate_per_s = 50.0
[trial]
warmup_s = 1.0
measure_s = 5.0
[objectives]
p99_response_s = 0.5
"""


def experiment(text: str = CONFIG, *overrides: str) -> Experiment:
    return decode(text, source="edge.toml", folder=Path("."), overrides=overrides)


@cache
def sound(rate_per_s: float) -> Made:
    """A trial in which everything is right."""
    return trial(Constant(rate_per_s=rate_per_s))


def judged(**changes: Any) -> tuple[bool | None, str]:
    """The verdict on a sound trial with some figures changed. Its p50 is about 60 ms, and there are too few for a p99."""
    found = summarise(*sound(100.0))
    return judge(msgspec.structs.replace(found, **changes), {"p50_response_s": 0.5})


def test_a_trial_within_its_objectives_holds() -> None:
    held, why = judged()
    assert held is True
    assert why.startswith("p50 ")
    assert why.endswith(" ms <= 500.0 ms")


def test_a_quantile_above_its_limit_does_not_hold_and_the_longest_stage_is_named() -> None:
    found = summarise(*sound(400.0))
    held, why = judge(found, {"p50_response_s": 0.001, "p90_response_s": 9.0})
    assert held is False
    assert "> 1.0 ms" in why
    assert "longest stage" in why


@pytest.mark.parametrize("outcome", ["overloaded", "lossy", "failed"])
def test_whatever_the_times_a_system_that_did_not_take_the_load_did_not_hold(outcome: str) -> None:
    assert judged(outcome=outcome) == (False, outcome)


def test_an_invalid_trial_says_nothing_even_if_it_looks_overloaded() -> None:
    held, why = judged(valid=False, reasons=["send lag: the swarm was late"], outcome="overloaded")
    assert (held, why) == (None, "invalid: send lag: the swarm was late")


def test_too_few_records_for_a_quantile_say_nothing() -> None:
    found = summarise(*sound(100.0))
    held, why = judge(found, {"p99_response_s": 9.0})
    assert held is None
    assert "measure longer" in why


def test_records_that_never_finished_are_no_missing_quantile() -> None:
    found = summarise(*sound(100.0))
    slow = msgspec.structs.replace(found.response_time_s, p50=None, unfinished=400)
    held, why = judge(msgspec.structs.replace(found, response_time_s=slow), {"p50_response_s": 9.0})
    assert held is False
    assert "400 records never finished" in why


def test_the_search_begins_with_the_load_of_the_config_and_never_asks_for_less_than_can_be_judged() -> None:
    plan = planned(experiment(CONFIG, "swarm.arrivals.rate_per_s=1000"))
    assert plan.first == pytest.approx(10_000.0)
    assert plan.least == pytest.approx(1.25 * 2000 / 5.0)
    assert planned(experiment()).first == plan.least  # 500 records/s would hold too few records for a p99


def test_a_probe_offers_the_load_that_was_asked_for_with_a_seed_of_its_own() -> None:
    first = probe(experiment(), 1234.5, [])
    again = probe(experiment(), 1234.5, [2000.0, 1234.5])
    assert first.config.swarm.expected_records(6.0) == pytest.approx(1234.5 * 6.0)
    assert (again.index, again.replicate, again.cell.index) == (2, 1, 1)
    assert again.cell.levels == {LOAD: 1234.5}
    assert first.seed != again.seed
    assert first.config.trial == experiment().configs[0].trial


def test_all_classes_are_scaled_alike() -> None:
    text = (
        CONFIG
        + """
[[swarm.classes]]
name = "web"
agents = 4
[[swarm.classes]]
name = "batch"
agents = 2
arrivals = { kind = "onoff", on_rate_per_s = 100.0, on_s = 1.0, off_s = 1.0 }
"""
    )
    one = experiment(text.replace("agents = 10\n", "", 1))
    load = nominal(one)
    assert load == pytest.approx(4 * 50.0 + 2 * 50.0)
    shares = [kind.arrivals.mean_rate_per_s() for kind in probe(one, 3 * load, []).config.swarm.fleet()]  # type: ignore[union-attr]
    assert shares == pytest.approx([150.0, 150.0])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (['swarm.arrivals={kind = "saturate"}'], "swarm.arrivals must be an open loop .* got saturate"),
        (['swarm.arrivals={kind = "drain"}'], "swarm.arrivals must be an open loop .* got drain"),
        (['faults=[{kind = "kill_worker_child", at_s = 1.0}]'], "faults must be left out"),
    ],
)
def test_what_has_no_capacity_is_refused_with_the_remedy(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        planned(experiment(CONFIG, *overrides))


def test_a_config_without_objectives_or_with_cells_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r"got none .*--set objectives.p99_response_s=0.5"):
        planned(experiment(CONFIG.partition("[objectives]")[0]))
    with pytest.raises(ConfigError, match=r"must have one cell, got 2 .*--set swarm.batch_size=10"):
        planned(experiment(CONFIG + '[factors]\n"swarm.batch_size" = [10, 100]\n'))


class Seen:
    """A screen that remembers the probes."""

    def __init__(self) -> None:
        self.expected: list[int] = []

    def ahead(self, probe: int, expected: int, expected_s: float) -> None:
        self.expected.append(expected)
        assert expected >= probe
        assert expected_s > 0

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


#: The made-up system holds up to this: beyond it trials are overloaded, and from INSTRUMENT on they are invalid.
TRUTH, INSTRUMENT = 3000.0, 9000.0


def made_up(asked: Trial, folder: RunFolder, broken: bool) -> TrialSummary:
    """A trial of the made-up system, sealed as a real one would be."""
    load = asked.cell.levels[LOAD]
    one: Made = sound(100.0)
    more: dict[str, Any] = {"index": asked.index, "cell": asked.cell.levels, "replicate": asked.replicate}
    if broken or load >= INSTRUMENT:
        more["recorded_rows"] = 1
    elif load > TRUTH:
        row = one.tables.batches[-1]
        one = one.with_tables(results=one.tables.results[:-1].copy(), hits=one.tables.hits[:0])
        more |= {"left": [tuple(int(row[name]) for name in ("agent", "first", "count"))], "signatures": []}
        more |= {"recorded_rows": len(one.tables.results), "counters": {"batches_analysed": len(one.tables.results)}}
        more["load"] = msgspec.structs.replace(
            one.record.load, records={**one.record.load.records, "attack_ratio": 0.0}
        )
        one.tables.results["hits"] = 0
    one = one.with_record(**more)
    folder.add(one.record, one.tables)
    return summarise(one.record, one.tables)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The made-up system in the place of trials; `stop` interrupts after so many probes, `broken` spoils them all."""
    state: dict[str, Any] = {"stop": None, "broken": False, "probes": 0}

    def measure(asked: Trial, folder: RunFolder, _screen: Any) -> TrialSummary:
        if state["stop"] == state["probes"]:
            raise KeyboardInterrupt
        state["probes"] += 1
        return made_up(asked, folder, state["broken"])

    monkeypatch.setattr(searcher, "measure", measure)
    monkeypatch.setattr(searcher, "check", lambda *_: None)
    return state


def run(out: Path, **more: Any) -> tuple[RunFolder, Capacity]:
    one = experiment(CONFIG.replace("p99_", "p50_"))
    folder, found = searcher.capacity(one, out, command="caudal capacity edge", screen=Seen(), formats=(), **more)
    assert found.capacity is not None
    return folder, found.capacity


@pytest.mark.usefixtures("system")
def test_a_search_seals_a_run_like_any_other_and_its_answer_is_made_again_from_it(tmp_path: Path) -> None:
    folder, found = run(tmp_path)
    assert folder.sealed
    assert found.measured
    assert found.done
    assert found.held_records_per_s is not None
    assert found.held_records_per_s <= TRUTH < (found.failed_records_per_s or 0.0) <= 1.05 * found.held_records_per_s
    again = summary(folder)
    assert again.capacity == found
    assert again.complete
    assert [cell.cell[LOAD] for cell in again.cells] == sorted({one.load_records_per_s for one in found.probes})
    assert again.verdict == "valid"
    text = (folder.path / "report.html").read_text()
    assert text.count("didn&#x27;t hold") >= 3
    assert f"Between {found.held_records_per_s:,.0f} and" in text


def test_an_interrupted_search_goes_on_to_the_same_answer(tmp_path: Path, system: dict[str, Any]) -> None:
    system["stop"] = 5
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert len(list((tmp_path / "edge-capacity").glob(f"*{PARTIAL}"))) == 1
    system["stop"] = None
    _, found = run(tmp_path, resume=True)
    system["probes"] = 0
    _, whole = run(tmp_path / "other")
    assert found == whole
    assert system["probes"] == len(whole.probes)


def test_a_search_interrupted_before_its_first_probe_leaves_nothing(tmp_path: Path, system: dict[str, Any]) -> None:
    system["stop"] = 0
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    with pytest.raises(RunError, match="nothing to resume"):
        run(tmp_path, resume=True)


@pytest.mark.usefixtures("system")
def test_a_budget_ends_it_after_one_probe_at_least_and_says_so(tmp_path: Path) -> None:
    _, found = run(tmp_path, budget_s=0.001)
    assert len(found.probes) == 1
    assert not found.done
    assert not found.measured
    assert found.says.startswith("at least 500 records/s")
    assert "broken off" in found.says


def test_an_instrument_that_does_not_work_is_no_system_without_capacity(tmp_path: Path, system: dict[str, Any]) -> None:
    system["broken"] = True
    folder, found = run(tmp_path)
    assert not found.measured
    assert found.says.startswith("could not measure")
    assert "the instrument gave out, not the system" in found.says
    assert "no load held" not in found.says
    assert summary(folder).verdict == "invalid"


def test_a_run_that_is_no_search_has_none() -> None:
    assert capacity({"experiment": {}}, []) is None
