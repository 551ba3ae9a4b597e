"""Goals and figures: verdicts, the table, and the bare loops that floors are made of."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.cli.goals import _stages, goals
from experiments.cli.peers import _play
from experiments.cli.run import run
from experiments.deploy.process import ProcessError
from experiments.design.config import load
from experiments.goals import growth
from experiments.goals.batches import web_batches
from experiments.goals.goal import Figure, Goal, table
from experiments.goals.loops import Loop, relayed
from experiments.goals.registry import AT_HALF, BENCHES, END_TO_END
from experiments.peers import generators, syslog
from experiments.peers.contest import Contest, Score
from experiments.store.tables import PROBES
from system.wire.records import locate

LEAST = Goal(what="speed", wanted=100.0, unit="records/s")
MOST = Goal(what="memory", wanted=100.0, unit="MB", at_most=True)

BEGIN_NS = 5 * 10**9


def verdict(goal: Goal, *values: float) -> str:
    return Figure(goal=goal, values=values).verdict


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ((), "not measured", "not measured"),
        ((101.0,), "met", "not met"),
        ((99.0,), "not met", "met"),
        ((110.0, 111.0, 112.0, 111.0, 110.0), "met", "not met"),
        ((90.0, 91.0, 89.0, 90.0, 91.0), "not met", "met"),
        ((60.0, 160.0, 90.0, 110.0, 100.0), "can't tell", "can't tell"),
    ],
)
def test_a_goal_is_met_if_the_whole_interval_lies_on_its_side(values: tuple[float, ...], least: str, most: str) -> None:
    assert (verdict(LEAST, *values), verdict(MOST, *values)) == (least, most)


def test_the_table_says_how_far_each_is() -> None:
    rows = table([Figure(goal=LEAST, values=(50.0,)), Figure(goal=MOST, values=(50.0,)), Figure(goal=MOST, values=())])
    assert rows[1] == ["speed", "at least 100 records/s", "50", "none", "1", "0.50", "not met"]
    assert rows[2] == ["memory", "at most 100 MB", "50", "none", "1", "2.00", "met"]
    assert rows[3][2:] == ["–", "none", "0", "–", "not measured"]


def test_every_goal_has_a_name_of_its_own() -> None:
    every = [*END_TO_END.values(), *AT_HALF.values(), *(goal for goal, _ in BENCHES.values())]
    assert len({one.what for one in every}) == len(every) == 13


def test_a_bare_loop_moves_every_byte_and_counts_its_own_cpu() -> None:
    batches = web_batches(100)
    assert sum(len(locate(one).starts) for one in batches[:3]) == 300
    found = relayed(batches, 2000)
    assert set(found) == {"send", "pass_on", "receive"}
    assert all(0.01 < cpu_s_a_gigabyte < 30 for cpu_s_a_gigabyte in found.values())


def test_a_bare_loop_that_is_ended_says_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is forked from a command that takes SIGTERM for an interrupt."""

    def told(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.goals.loops._END_S", 0.3)
    before = signal.signal(signal.SIGTERM, told)
    try:
        loop = Loop(wait_for_ever)
        with pytest.raises(RuntimeError, match="took more than"):
            loop.end()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capfd.readouterr().err == ""


def wait_for_ever(listener: socket.socket) -> int:
    listener.accept()
    return 0


def test_a_peer_that_is_not_here_is_left_out_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    played: list[str] = []

    def score(name: str, per_s: float) -> Score:
        played.append(name)
        return Score(per_s, per_s / 2)

    def broken() -> Score:
        raise ProcessError("it doesn't listen")

    contest = Contest(
        "lines", "lines", "Nobody acknowledges.",
        {"caudal": lambda: score("caudal", 30.0), "slow": lambda: score("slow", 10.0), "gone": broken, "dead": broken},
        {"gone": "gone is not installed"},
    )  # fmt: skip
    assert _play(contest, 2) is True
    assert played == ["caudal", "slow", "slow", "caudal"]
    rows = capsys.readouterr().out.splitlines()
    assert "| caudal | 30 | 15 | 1 | 1 | 2 |" in rows
    assert "| slow | 10 | 5 | 3.000 (n = 2 and 2, no interval) | 3.000 (n = 2 and 2, no interval) | 2 |" in rows
    assert "| gone | skipped: gone is not installed | | | | 0 |" in rows
    assert "| dead | skipped: it doesn't listen | | | | 0 |" in rows


def test_without_any_program_every_peer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    lines = syslog.contest(None, None)
    assert lines.missing.keys() == {"caudal", "rsyslog", "syslog-ng"}
    assert generators.contest(None).missing.keys() == {"locust"}
    assert all("install" in why for why in (*lines.missing.values(), *generators.contest(None).missing.values()))


def test_the_peers_are_run_by_their_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[tuple[str, int]] = []

    def played(contest: Contest, repeats: int) -> bool:
        turns.append((contest.name.partition(",")[0], repeats))
        return False

    monkeypatch.setattr("experiments.cli.peers._play", played)
    assert CliRunner().invoke(run, ["peers"], standalone_mode=False).return_value == 0
    assert turns == [("generators", 5), ("syslog lines into Redis", 5), ("web lines analysed", 5)]


def readings(mb_a_s: float, seconds: float) -> np.ndarray:
    """A trial's memory read each second: the swarm's 60 MB and what it grows by a second; the gateway's 80 MB."""
    rows = []
    for second in range(int(seconds)):
        at = BEGIN_NS + second * 10**9
        rows += [
            (at, "processes", "swarm", "resident_bytes", 60e6 + mb_a_s * 1e6 * second),
            (at, "processes", "swarm", "cpu_s", 5e9 * second),
            (at, "processes", "gateway", "resident_bytes", 80e6 + (1e9 if second < seconds / 2 else 0)),
        ]
    return np.array(rows, PROBES)


def played(mb_a_s: float, seconds: float, valid: bool = True) -> growth.Played:
    found = growth.resident(readings(mb_a_s, seconds), BEGIN_NS, BEGIN_NS + round(seconds * 1e9))
    return growth.Played(seconds, found, valid)


def test_memory_is_that_of_the_windows_last_third() -> None:
    assert played(0.5, 60).resident_bytes == {"swarm": 60e6 + 0.5e6 * np.arange(40, 60).mean(), "gateway": 80e6}


@pytest.mark.parametrize(
    ("mb_a_s", "times", "verdict"),
    [(0.0, "1.000", "met"), (0.005, "1.079", "met"), (0.01, "1.157", "not met"), (1.0, "9.676", "not met")],
)
def test_a_part_whose_memory_grows_with_the_trial_is_caught(mb_a_s: float, times: str, verdict: str) -> None:
    header, *rows = growth.table([played(mb_a_s, 60)], [played(mb_a_s, 1200)])
    assert header == ["part", "60 s, MB", "1200 s, MB", "times", "at most", "n", "verdict"]
    assert [row[-4:] for row in rows[:2]] == [[times, "1.1", "1", verdict], ["1.000", "1.1", "1", "met"]]
    assert rows[2] == ["recorder", "–", "–", "–", "1.1", "0", "not measured"]


def test_the_memory_of_an_invalid_trial_is_marked() -> None:
    rows = growth.table([played(0.0, 60)], [played(0.0, 1200, valid=False)])
    assert rows[1] == ["swarm", "60.0", "60.0", "1.000", "1.1", "1", "met (an invalid trial)"]


def test_both_lengths_of_growth_can_be_played() -> None:
    (lengths,) = (option.default for option in goals.params if option.name == "lengths")
    assert isinstance(lengths, tuple)
    for seconds in lengths:
        assert load("growth", (f"trial.measure_s={seconds}",)).cells


def test_growth_is_measured_only_if_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def play(seconds: float, _out: Path, _watch: Callable[[str], None]) -> growth.Played:
        asked.append(seconds)
        return growth.Played(seconds, dict.fromkeys(growth.PARTS, seconds * 1e6), True)

    monkeypatch.setattr(growth, "play", play)
    monkeypatch.setattr("experiments.cli.goals.NAMES", ())
    assert CliRunner().invoke(goals, ["--repeats", "2"], standalone_mode=False).return_value == 0
    assert asked == []
    words = ["--only", "growth", "--repeats", "2", "--lengths", "5", "20"]
    found = CliRunner().invoke(goals, words, standalone_mode=False)
    assert (found.return_value, asked) == (0, [5, 5, 20, 20])
    assert "| swarm | 5.0 | 20.0 | 4.000 | 1.1 | 2 | not met |" in found.stdout.splitlines()


def test_a_part_without_a_floor_is_no_part_of_the_ratio_to_all_floors() -> None:
    costs = {"swarm": 0.4, "gateway": 0.6, "broker": 0.5, "workers": 2.5, "recorder": 9.0, "sweeper": 9.0}
    floors = {"swarm": 0.2, "gateway": 0.4, "broker": 0.4, "workers": 1.0}
    _, *rows = _stages(costs, [floors])
    assert rows[-1] == ["all that have a floor", "4", "2", "2.00"]
    assert ["recorder", "9", "–", "–"] in rows
