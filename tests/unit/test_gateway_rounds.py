"""Group commit, with senders and publishers that are lists."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from system.broker.batch import Batch
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.gateway.rounds import LINGER_S, LINGER_TASKS, TASK_BATCHES, Rounds, Waiting
from system.gateway.stats import Close, GatewayStats


class ListSender:
    """Keeps what a connection would have written."""

    def __init__(self, present: bool = True) -> None:
        self.present = present
        self.writes: list[bytes] = []
        self.closes: list[str] = []
        self.released_bytes = 0

    def settled(self, batch_bytes: int, acks: bytes) -> bool:
        self.released_bytes += batch_bytes
        self.writes.append(acks)
        return self.present

    def close(self, reason: str) -> None:
        self.closes.append(reason)


class ScriptedPublisher:
    """Answers each round with what the script says for each id; ids it doesn't name are accepted."""

    def __init__(self, script: dict[bytes, Outcome] | None = None, failures: int = 0) -> None:
        self.script = script or {}
        self.failures = failures
        self.rounds: list[list[bytes]] = []

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.rounds.append([batch.id for batch in batches])
        await asyncio.sleep(0)
        if len(self.rounds) <= self.failures:
            raise BrokerUnavailableError("planted")
        return [self.script.get(batch.id, Outcome.ACCEPTED) for batch in batches]

    async def close(self) -> None: ...


def waiting(name: str, sender: ListSender, packed: bytes = b"", answered: bool = True) -> Waiting:
    batch = Batch(name.encode(), None, packed, False, 0)
    return Waiting(batch, f"<{name}>".encode() if answered else None, sender, len(packed) + 1)


def play(
    publisher: ScriptedPublisher, *list_: Waiting, round_batches: int = 100, round_bytes: int = 10**6
) -> GatewayStats:
    """Runs rounds until all of the list has been published."""
    stats = GatewayStats()

    async def run() -> None:
        rounds = Rounds(publisher, stats, round_batches, round_bytes)
        for one in list_:
            rounds.add(one)
        rounds.stop()
        await rounds.run()

    asyncio.run(run())
    return stats


def test_all_that_waits_goes_in_one_round_and_each_sender_is_answered_in_one_write() -> None:
    left, right = ListSender(), ListSender()
    publisher = ScriptedPublisher()
    stats = play(publisher, *(waiting(name, left if name < "c" else right) for name in ("a", "c", "b", "d")))
    assert publisher.rounds == [[b"a", b"c", b"b", b"d"]]
    assert (left.writes, right.writes) == ([b"<a><b>"], [b"<c><d>"])
    assert (stats.rounds, stats.accepted) == (1, 4)


def test_batches_without_a_chunk_are_answered_with_nothing() -> None:
    sender = ListSender()
    play(ScriptedPublisher(), waiting("a", sender, answered=False), waiting("b", sender))
    assert sender.writes == [b"<b>"]


def test_a_round_has_at_most_so_many_batches() -> None:
    publisher = ScriptedPublisher()
    sender = ListSender()
    play(publisher, *(waiting(name, sender) for name in "abcde"), round_batches=2)
    assert publisher.rounds == [[b"a", b"b"], [b"c", b"d"], [b"e"]]
    assert sender.writes == [b"<a><b>", b"<c><d>", b"<e>"]


def test_a_round_has_at_most_so_many_bytes_but_for_a_single_larger_batch() -> None:
    publisher = ScriptedPublisher()
    sender = ListSender()
    play(publisher, *(waiting(str(size), sender, bytes(size)) for size in (500, 40, 60, 1, 99)), round_bytes=100)
    assert publisher.rounds == [[b"500"], [b"40", b"60"], [b"1", b"99"]]


def test_known_batches_are_answered_like_new_ones() -> None:
    sender = ListSender()
    stats = play(ScriptedPublisher({b"a": Outcome.KNOWN}), waiting("a", sender), waiting("b", sender))
    assert sender.writes == [b"<a><b>"]
    assert (stats.known, stats.accepted) == (1, 1)


def test_a_conflict_is_answered_by_closing_after_the_acks_before_it() -> None:
    guilty, innocent = ListSender(), ListSender()
    batches = [waiting("a", guilty), waiting("b", guilty), waiting("c", innocent), waiting("d", guilty)]
    stats = play(ScriptedPublisher({b"b": Outcome.CONFLICT}), *batches)
    assert (guilty.writes, guilty.closes) == ([b"<a>"], [Close.CONFLICT])
    assert (innocent.writes, innocent.closes) == ([b"<c>"], [])
    assert (stats.accepted, stats.conflict) == (3, 1)


def test_an_unconfirmed_round_closes_its_senders_without_an_ack_and_the_next_goes_on() -> None:
    first, second = ListSender(), ListSender()
    publisher = ScriptedPublisher(failures=1)
    stats = play(publisher, waiting("a", first), waiting("b", second), round_batches=1)
    assert (first.writes, first.closes) == ([b""], [Close.BROKER_UNAVAILABLE])
    assert (second.writes, second.closes) == ([b"<b>"], [])
    assert (stats.unconfirmed, stats.accepted, stats.rounds) == (1, 1, 2)


def test_what_left_flight_is_released_whatever_the_outcome() -> None:
    sender = ListSender()
    publisher = ScriptedPublisher({b"b": Outcome.CONFLICT}, failures=1)
    play(publisher, *(waiting(name, sender, bytes(9)) for name in "abc"), round_batches=1)
    assert sender.released_bytes == 30


def test_batches_of_a_sender_that_has_gone_are_published_and_counted() -> None:
    stats = play(ScriptedPublisher(), waiting("a", ListSender(present=False)))
    assert (stats.accepted, stats.unanswerable) == (1, 1)


def test_outcomes_that_are_fewer_than_batches_are_a_defect_and_end_the_rounds() -> None:
    class Short(ScriptedPublisher):
        async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
            return (await super().publish(batches))[1:]

    with pytest.raises(ValueError, match="shorter"):
        play(Short(), waiting("a", ListSender()))


def test_no_attempt_is_made_while_nothing_waits() -> None:
    publisher = ScriptedPublisher(failures=1)
    sender = ListSender()

    async def run() -> None:
        rounds = Rounds(publisher, GatewayStats(), 100, 10**6)
        task = asyncio.create_task(rounds.run())
        rounds.add(waiting("a", sender))
        for _ in range(100):  # turns of the loop, in which a busy loop would try again and again
            await asyncio.sleep(0)
        assert publisher.rounds == [[b"a"]]
        rounds.add(waiting("b", sender))
        rounds.stop()
        await task

    asyncio.run(run())
    assert publisher.rounds == [[b"a"], [b"b"]]


# Holding back while workers are behind


def lingering(
    unfinished: int, *, more: int = 3, task_batches: int = TASK_BATCHES, after_s: float = 0.0
) -> list[list[bytes]]:
    """The rounds that follow a first one, after which so many tasks were unfinished: a batch comes, and soon more."""
    publisher = ScriptedPublisher()
    publisher.unfinished = unfinished  # type: ignore[attr-defined]

    async def run() -> None:
        rounds = Rounds(publisher, GatewayStats(), 512, 10**9, task_batches=task_batches)
        running = asyncio.create_task(rounds.run())
        rounds.add(waiting("told", ListSender()))
        while not publisher.rounds:  # noqa: ASYNC110 - the subject's own time
            await asyncio.sleep(0)
        await asyncio.sleep(after_s)
        rounds.add(waiting("first", ListSender()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(more):
            rounds.add(waiting(f"{number}", ListSender()))
        while len(publisher.rounds) < 2:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        rounds.stop()
        await running

    asyncio.run(run())
    return publisher.rounds[1:]


def test_while_few_tasks_are_unfinished_nothing_waits_for_others() -> None:
    assert lingering(LINGER_TASKS)[0] == [b"first"]


def test_while_workers_have_enough_to_do_a_round_waits_for_others_but_not_for_long() -> None:
    begun = time.monotonic()
    assert lingering(LINGER_TASKS + 1) == [[b"first", b"0", b"1", b"2"]]
    assert time.monotonic() - begun >= 0.9 * LINGER_S


@pytest.mark.parametrize("task_batches", [1, 4, TASK_BATCHES])
def test_a_round_that_fills_a_task_goes_at_once(task_batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("system.gateway.rounds.LINGER_S", 60.0)
    first, *_ = lingering(LINGER_TASKS + 1, more=task_batches - 1, task_batches=task_batches)
    assert len(first) == task_batches


def test_after_a_pause_in_which_tasks_may_have_ended_nothing_waits() -> None:
    assert lingering(LINGER_TASKS + 1, after_s=3 * LINGER_S)[0] == [b"first"]


def test_an_end_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("system.gateway.rounds.LINGER_S", 60.0)
    publisher = ScriptedPublisher()
    publisher.unfinished = 1000  # type: ignore[attr-defined]
    play(publisher, waiting("a", ListSender()))
    assert publisher.rounds == [[b"a"]]
