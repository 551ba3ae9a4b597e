"""The player cuts every batch once, in order and never early, and says how late it was."""

import asyncio
import time

import numpy as np
import pytest

from loadgen.model.schedule import Schedule
from loadgen.player import BURST, Player, lateness

Cut = tuple[int, int, int]

MS = 1_000_000


def plan(times_ns: list[int]) -> Schedule:
    """Batches at these times, each of another agent and count."""
    number = np.arange(len(times_ns))
    return Schedule(np.array(times_ns, np.int64), number, np.zeros_like(number), number + 1)


def play(given: Schedule, lead_ns: int = 2 * MS, stall_s: float = 0.0) -> tuple[list[Cut], list[int], Player, int]:
    """Plays it; gives the cuts, the instants at which they were executed, the player, and the start."""
    cuts: list[Cut] = []
    at: list[int] = []

    async def run() -> tuple[Player, int]:
        start = time.monotonic_ns() + lead_ns

        def cut(agent: int, count: int, due: int) -> None:
            at.append(time.monotonic_ns())
            cuts.append((agent, count, due - start))
            if agent == 0:
                time.sleep(stall_s)  # what a swarm does that is kept from its work

        player = Player(given, start, cut)
        await player.play()
        return player, start

    player, start = asyncio.run(run())
    return cuts, at, player, start


def expected(given: Schedule) -> list[Cut]:
    return list(zip(given.agent.tolist(), given.count.tolist(), given.time_ns.tolist(), strict=True))


def test_every_batch_is_cut_once_in_order_and_never_before_its_time() -> None:
    given = plan([0, 0, *range(3 * MS, 30 * MS, 777_777), 30 * MS])
    cuts, at, player, start = play(given)
    assert cuts == expected(given)
    assert all(instant >= start + due for instant, (_, _, due) in zip(at, cuts, strict=True))
    assert (player.late_ns >= 0).all()
    # Read between the cut before and this one.
    observed = np.array(at) - start
    assert (player.late_ns <= observed - given.time_ns).all()
    assert (player.late_ns[1:] >= observed[:-1] - given.time_ns[1:]).all()


def test_a_player_that_was_held_up_skips_nothing_and_says_how_late_it_was() -> None:
    given = plan([number * MS for number in range(60)])
    cuts, _, player, _ = play(given, stall_s=0.03)
    assert cuts == expected(given)
    found = lateness(player.late_ns)
    assert found["paced"] == 60
    assert found["late_max_ns"] >= 28 * MS
    assert lateness(play(given)[2].late_ns)["late_p50_ns"] < 28 * MS  # without the stall the check above would fail


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
        await Player(plan([0] * (3 * BURST)), 0, lambda *_: seen.append(turns)).play()

    asyncio.run(run())
    assert len(seen) == 3 * BURST
    assert len(set(seen)) == 3


def test_a_schedule_without_batches_is_over_at_once() -> None:
    cuts, _, player, _ = play(plan([]))
    assert (cuts, lateness(player.late_ns)) == ([], {"paced": 0})


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ([7], (1, 7, 7, 7)),
        ([*range(100, 0, -1)], (100, 50, 99, 100)),
        ([-1, *range(1, 201), -1], (200, 100, 198, 200)),  # -1: never cut
    ],
)
def test_lateness_is_given_by_observed_values(late: list[int], expected: tuple[int, ...]) -> None:
    found = lateness(np.array(late, np.int64))
    assert (found["paced"], found["late_p50_ns"], found["late_p99_ns"], found["late_max_ns"]) == expected
