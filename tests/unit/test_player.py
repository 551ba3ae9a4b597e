"""The player cuts every batch once, in order and never early, and says how late it was; its plan comes from a file."""

import asyncio
import errno
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from loadgen.lateness import Lateness, lateness
from loadgen.model.schedule import Columns, Schedule, in_order
from loadgen.plan import AHEAD, Plan
from loadgen.player import BURST, Player

Cut = tuple[int, int, int]

MS = 1_000_000


def plan(times_ns: list[int]) -> Schedule:
    """Batches at these times, each of another agent and count."""
    number = np.arange(len(times_ns))
    return Schedule(np.array(times_ns, np.int64), number, np.zeros_like(number), number + 1)


def play(given: Schedule, lead_ns: int = 2 * MS, stall_s: float = 0.0) -> tuple[list[Cut], list[int], np.ndarray, int]:
    """Plays it; gives the cuts, the instants at which they were executed, how late they were, and the start."""
    cuts: list[Cut] = []
    at: list[int] = []

    async def run() -> tuple[np.ndarray, int]:
        start = time.monotonic_ns() + lead_ns

        def cut(agent: int, count: int, due: int) -> None:
            at.append(time.monotonic_ns())
            cuts.append((agent, count, due - start))
            if agent == 0:
                time.sleep(stall_s)  # what a swarm does that is kept from its work

        late = Lateness(start + 3600_000 * MS)
        await Player([given], start, cut, late.note).play()
        return late.found(), start

    late_ns, start = asyncio.run(run())
    return cuts, at, late_ns, start


def expected(given: Schedule) -> list[Cut]:
    return list(zip(given.agent.tolist(), given.count.tolist(), given.time_ns.tolist(), strict=True))


def test_every_batch_is_cut_once_in_order_and_never_before_its_time() -> None:
    given = plan([0, 0, *range(3 * MS, 30 * MS, 777_777), 30 * MS])
    cuts, at, late_ns, start = play(given)
    assert cuts == expected(given)
    assert all(instant >= start + due for instant, (_, _, due) in zip(at, cuts, strict=True))
    assert (late_ns >= 0).all()
    # Read between the cut before and this one.
    observed = np.array(at) - start
    assert (late_ns <= observed - given.time_ns).all()
    assert (late_ns[1:] >= observed[:-1] - given.time_ns[1:]).all()


def test_a_player_that_was_held_up_skips_nothing_and_says_how_late_it_was() -> None:
    given = plan([number * MS for number in range(60)])
    cuts, _, late_ns, _ = play(given, stall_s=0.03)
    assert cuts == expected(given)
    found = lateness(late_ns)
    assert found["paced"] == 60
    assert found["late_max_ns"] >= 28 * MS
    assert lateness(play(given)[2])["late_p50_ns"] < 28 * MS  # without the stall the check above would fail


def test_what_is_due_at_once_is_cut_in_bursts_between_which_the_loop_goes_on() -> None:
    turns = 0
    seen: list[int] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        loop.call_soon(turn)
        await Player([plan([0] * (3 * BURST))], 0, lambda *_: seen.append(turns), lambda *_: None).play()

    asyncio.run(run())
    assert len(seen) == 3 * BURST
    assert len(set(seen)) == 3


def test_a_schedule_without_batches_is_over_at_once() -> None:
    cuts, _, late_ns, _ = play(plan([]))
    assert (cuts, lateness(late_ns)) == ([], {"paced": 0})


def test_what_breaks_while_a_schedule_is_played_ends_the_play() -> None:
    """A disk that fills up under the record of lateness, and one that can't be read."""

    def full(_due: int, _late: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def unreadable() -> Iterator[Schedule]:
        yield plan([0])
        raise OSError(errno.EIO, "Input/output error")

    async def played(given: Iterable[Schedule], note: Callable[[int, int], None]) -> list[int]:
        cuts: list[int] = []
        player = Player(given, 0, lambda agent, *_: cuts.append(agent), note)
        with pytest.raises(OSError, match=r"No space|Input/output"):
            await asyncio.wait_for(player.play(), 5.0)
        return cuts

    assert asyncio.run(played([plan([0, 0, 0])], full)) == [0]
    assert asyncio.run(played(unreadable(), lambda *_: None)) == [0]


def test_a_play_that_is_given_up_cuts_nothing_more() -> None:
    async def given_up() -> list[int]:
        cuts: list[int] = []
        playing = asyncio.ensure_future(
            Player([plan([0] * 3 * BURST)], 0, lambda agent, *_: cuts.append(agent), lambda *_: None).play()
        )
        while not cuts:  # noqa: ASYNC110 - the very turn in which the first burst was cut
            await asyncio.sleep(0)
        playing.cancel()
        await asyncio.wait((playing,))
        return cuts

    assert len(asyncio.run(given_up())) == BURST


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ([7], (1, 7, 7, 7)),
        ([*range(100, 0, -1)], (100, 50, 99, 100)),
        ([*range(1, 201)], (200, 100, 198, 200)),
    ],
)
def test_lateness_is_given_by_observed_values(late: list[int], expected: tuple[int, ...]) -> None:
    found = lateness(np.array(late, np.int64))
    assert (found["paced"], found["late_p50_ns"], found["late_p99_ns"], found["late_max_ns"]) == expected


def test_what_was_due_at_the_horizon_or_later_says_nothing_of_lateness() -> None:
    late = Lateness(100)
    for due, by in ((98, 5), (99, 7), (100, 1_000), (101, 2_000)):
        late.note(due, by)
    assert late.found().tolist() == [5, 7]


def parts(batches: int, horizon_ns: int) -> list[Columns]:
    """Batches of five agents, some at the same instant, one agent after another; the last of all at the horizon."""
    draws = np.random.default_rng(3)
    made = []
    for agent in range(5):
        time_ns = np.sort(draws.integers(0, horizon_ns, batches // 5, endpoint=True))
        time_ns[::7] = time_ns[::7] // MS * MS
        time_ns[-1] = horizon_ns
        whole = np.arange(len(time_ns))
        made.append((np.sort(time_ns), np.full_like(whole, agent), whole * 10, whole % 9 + 1))
    return made


@pytest.mark.parametrize("horizon_ns", [1, 63, 64, 20_000 * MS])
def test_a_plan_gives_back_the_whole_schedule_in_order(horizon_ns: int) -> None:
    given = parts(3 * AHEAD + 5, horizon_ns)
    wanted = in_order(*(np.concatenate(column) for column in zip(*given, strict=True)))
    plan = Plan(given, horizon_ns)
    pieces = list(plan.pieces())
    assert [len(piece.time_ns) for piece in pieces] == [AHEAD, AHEAD, AHEAD, plan.batches - 3 * AHEAD]
    for name in ("time_ns", "agent", "first", "count"):
        assert (np.concatenate([getattr(piece, name) for piece in pieces]) == getattr(wanted, name)).all()


def test_a_plan_without_batches_has_no_piece() -> None:
    assert list(Plan([], 5).pieces()) == []


def test_a_plan_of_ten_times_as_many_batches_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What numpy and Python held at most; in one piece it is some 100 bytes a batch."""

    def most(rounds: int) -> int:
        given = parts(5_000, MS * MS)
        tracemalloc.start()
        plan = Plan((part for _ in range(rounds) for part in given), MS * MS)
        for piece in plan.pieces():
            assert len(piece.time_ns) <= AHEAD
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    assert most(60) < most(6) + 1_000_000  # 300,000 batches, 30,000
    monkeypatch.setattr("loadgen.plan.SLICES", 1)
    assert most(60) > most(6) + 10_000_000  # what the check above would catch
