"""What a gate's run leaves behind, file by file, for a failing, a passing and an unmeasured run: as it was written once.

After a change on purpose: `CAUDAL_WRITE_GOLDEN=1 pytest tests/golden/test_gate_outputs.py`, and a commit of its own.
"""

import os
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from experiments.gate.commits import Accepted
from experiments.gate.judge import judge
from experiments.gate.looks import LOOKS, false_alarm_rate, missed_rate
from experiments.gate.outputs import read, write
from experiments.gate.result import GateResult, Revision, overall
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Pair
from tests.unit.gate_pairs import HEAVY, LATENCY, pairs_of

GOLDEN = Path(__file__).with_name("gate")
FILES = ("summary.md", "junit.xml", "benchmark-bigger-is-better.json", "benchmark-smaller-is-better.json")


def result_of(played: list[tuple[Scenario, list[Pair]]], **other: object) -> GateResult:
    pairs = dict((one.name, some) for one, some in played)
    gated = sum(len(one.gated) for one, _ in played)
    results = [judge(some, one, metrics=gated, over="the budget of 30 min is spent") for one, some in played]
    verdict, reason = overall(results)
    made = GateResult(
        verdict=verdict,
        reason=reason,
        base=Revision(revision="main", commit="a" * 40),
        head=Revision(revision="HEAD", commit="b" * 40),
        harness="b" * 40,
        command="caudal gate --base main",
        seed=5,
        budget_s=1800.0,
        begun_utc="2026-11-24T12:00:00+00:00",
        finished_utc="2026-11-24T12:20:00+00:00",
        machine={"cores": 2},
        gated_metrics=gated,
        false_alarm_ratio=false_alarm_rate(LOOKS, gated) if gated else 0.0,
        missed_ratio=missed_rate(LOOKS),
        scenarios=results,
        pairs=[pair for some in pairs.values() for pair in some],
    )
    return msgspec.structs.replace(made, **other)


LOST = pairs_of(2)
LOST[2] = msgspec.structs.replace(
    LOST[2],
    slots=tuple(
        msgspec.structs.replace(one, wrong_records={"lost": 40}) if one.side == "head" else one for one in LOST[2].slots
    ),
)
RUNS = {
    "slower": result_of(
        [
            (HEAVY, pairs_of(12, slowdown=0.08, workers=0.1)),
            (LATENCY, pairs_of(20, sd=0.3, seed=4, scenario="gate-latency")),
        ]
    ),
    "passed": result_of(
        [(HEAVY, pairs_of(13, slowdown=-0.1, spoil=[3]))],
        accepted=[Accepted(scenario="gate-heavy", metric="cpu", change_ratio=0.03, commit="c" * 40)],
    ),
    "lost": result_of([(HEAVY, LOST)]),
    "unfit": result_of([], verdict="UNMEASURED", reason="base (aaaaaaaaaaaa) can't be built: it has no folder system/"),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_files_of_a_run_are_these(name: str, tmp_path: Path) -> None:
    write(tmp_path, RUNS[name])
    for file in FILES:
        golden = GOLDEN / f"{name}-{file}"
        if os.environ.get("CAUDAL_WRITE_GOLDEN"):
            golden.parent.mkdir(exist_ok=True)
            golden.write_text((tmp_path / file).read_text())
        assert (tmp_path / file).read_text() == golden.read_text()


@pytest.mark.parametrize("name", RUNS)
def test_the_result_is_read_again_with_every_slot_and_coin_and_says_the_same(name: str, tmp_path: Path) -> None:
    write(tmp_path, RUNS[name])
    again = read(tmp_path / "result.json")
    assert again == RUNS[name]
    for scenario in (HEAVY, LATENCY):
        pairs = [one for one in again.pairs if one.scenario == scenario.name]
        for told in (one for one in again.scenarios if one.scenario == scenario.name):
            found = judge(pairs, scenario, metrics=again.gated_metrics, over="the budget of 30 min is spent")
            assert found == told


def test_junit_knows_what_failed_what_was_skipped_and_what_is_an_error(tmp_path: Path) -> None:
    kinds = {}
    for name, result in RUNS.items():
        (tmp_path / name).mkdir()
        write(tmp_path / name, result)
        suite = ElementTree.parse(tmp_path / name / "junit.xml").getroot()
        kinds[name] = {case.attrib["name"]: [one.tag for one in case] for case in suite}
        counted = [len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "skipped", "error")]
        assert counted == [int(suite.attrib[kind]) for kind in ("failures", "skipped", "errors")]
    assert kinds["slower"] == {
        "gate-heavy/throughput": ["failure"],
        "gate-heavy/cpu": ["failure"],
        "gate-latency/p99": ["skipped"],
    }
    assert kinds["passed"] == {"gate-heavy/throughput": [], "gate-heavy/cpu": []}
    assert kinds["lost"] == {
        "gate-heavy/throughput": ["skipped"],
        "gate-heavy/cpu": ["skipped"],
        "gate-heavy/records": ["failure"],
    }
    assert kinds["unfit"] == {"gate": ["error"]}


def test_a_failure_says_what_how_much_how_sure_which_process_and_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, RUNS["slower"])
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith("# FAIL: gate-heavy: ")
    for said in (
        "95 % interval", "p = ", "sd(pair)", "CPU rose most in workers: 2.9", "reproduce: caudal gate --base aaaaaaaaaaaa",
        "--scenario gate-heavy --seed 5", "Perf-Accepted: gate-heavy/throughput -",
    ):  # fmt: skip
        assert said in text
