"""An agent that is ended at any moment goes on from its position: the same batches under the same ids, then the rest."""

import asyncio
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from system.agent.agent import Shipped, ship
from system.agent.client import Counts
from system.agent.errors import SourceError
from system.agent.follower import follow_file
from system.agent.position import Checkpoint, PositionFile, resume
from tests.integration.agent_gateway import FAST, Gateway, listening, run

pytestmark = pytest.mark.integration

LINES = [b"line %d" % number for number in range(250)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(line + b"\n" for line in LINES))
    return path


def add(log: Path, text: bytes) -> None:
    with log.open("ab") as file:
        file.write(text)


def replace(log: Path, text: bytes) -> None:
    log.unlink()
    log.write_bytes(text)


async def agent(log: Path, port: int, *, follow: bool = False, **changes: Any) -> Shipped:
    """One run of an agent with a position, as the command makes it."""
    kept = PositionFile(log.with_name("position"))
    try:
        base = resume(kept, log, tag="t", agent=None, epoch=changes.pop("epoch", 1))
        source = follow_file(log, follow=follow, place=base.place, poll_s=0.001, rotate_wait_s=0.0)
        arguments: dict[str, Any] = {"batch_size": 10, "timeout_s": 0.02, "options": FAST, "draw": random.Random(1)}
        try:
            checkpoint = Checkpoint(kept, base, source)
            return await ship(source, "127.0.0.1", port, checkpoint=checkpoint, **(arguments | changes))
        finally:
            source.close()
    finally:
        kept.close()


async def killed(log: Path, port: int, gateway: Gateway, messages: int, **changes: Any) -> None:
    """A run that is ended, without any farewell, once the gateway has got so many messages."""
    shipping = asyncio.ensure_future(agent(log, port, **changes))
    await gateway.until(lambda: len(gateway.received) >= messages)
    shipping.cancel()
    await asyncio.gather(shipping, return_exceptions=True)


def test_batches_without_an_ack_are_cut_again_in_the_same_way_and_bear_the_same_ids(log: Path) -> None:
    async def main() -> None:
        gateway = Gateway(["ack"] * 5 + ["lose"] * 4)
        async with listening(gateway) as port:
            await killed(log, port, gateway, 9)
            before = {one.chunk for one in gateway.received}
            gateway._script.clear()
            # Another BATCH_SIZE and another epoch: neither concerns what was sent already.
            add(log, b"new\n" * 34)
            shipped = await agent(log, port, batch_size=17, epoch=2)
        again = [one.chunk for one in gateway.received[9:]]
        assert gateway.lines == LINES + [b"new"] * 34
        assert set(again[:4]) <= before
        assert {one.epoch for one in again} == {1}
        assert 17 in {one.count for one in again}
        assert shipped.undelivered == 0

    run(main())


@pytest.mark.parametrize("seed", range(6))
def test_an_agent_that_is_ended_again_and_again_loses_nothing_and_never_overlaps(log: Path, seed: int) -> None:
    async def main() -> None:
        draw = random.Random(seed)
        gateway = Gateway([draw.choice(["ack", "ack", "lose", "reset"]) for _ in range(60)])
        async with listening(gateway) as port:
            for _ in range(5):
                size = draw.randint(1, 12)
                await killed(
                    log, port, gateway, len(gateway.received) + draw.randint(1, 4), batch_size=size, follow=True
                )
            gateway._script.clear()
            await agent(log, port)
        # Each message's records are those of its numbers, and an id never names two different batches.
        assert gateway.lines == LINES
        for one in gateway.received:
            assert one.lines == LINES[one.chunk.first : one.chunk.first + one.chunk.count]

    run(main())


def test_the_position_never_passes_what_was_not_acknowledged(log: Path) -> None:
    async def main() -> None:
        gateway = Gateway(["ack", "lose", "ack", "ack"])
        async with listening(gateway) as port:
            await killed(log, port, gateway, 4)
        kept = msgspec.json.decode(log.with_name("position").read_bytes())
        assert kept["record"] <= 10
        assert kept["batches"][0] == [kept["record"], 10]

    run(main())


def test_a_second_run_of_a_file_that_has_not_grown_ships_nothing_and_one_that_has_only_the_new_lines(log: Path) -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            await agent(log, port)
            assert (await agent(log, port)).records == 0
            add(log, b"new\n")
            assert (await agent(log, port)).records == 1
        assert gateway.lines == [*LINES, b"new"]

    run(main())


def test_a_smaller_message_limit_splits_what_is_sent_again_within_its_old_bounds(log: Path) -> None:
    async def main() -> None:
        gateway = Gateway(["lose"])
        async with listening(gateway) as port:
            await killed(log, port, gateway, 1)
            gateway.received.clear()
            await agent(log, port, frame_bytes=100)
        assert gateway.lines == LINES
        bounds = {one.chunk.first for one in gateway.received}
        assert set(range(0, 40, 10)) <= bounds
        assert len(bounds) > 25

    run(main())


def test_lines_of_a_file_that_is_gone_are_said_to_be_lost_and_their_numbers_are_not_given_again(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        gateway = Gateway(["ack", "lose", "lose"])
        async with listening(gateway) as port:
            await killed(log, port, gateway, 3)
            given = msgspec.json.decode(log.with_name("position").read_bytes())["batches"][-1]
            replace(log, b"another\n" * 5)
            gateway.received.clear()
            await agent(log, port)
        assert [one.chunk.first for one in gateway.received] == [sum(given)]
        assert "is gone" in caplog.text

    run(main())


def test_a_position_of_another_log_or_stream_or_none_or_one_in_use_is_refused(log: Path) -> None:
    kept = PositionFile(log.with_name("position"))
    with pytest.raises(SourceError, match="is in use by another agent; give each agent a position file of its own"):
        PositionFile(log.with_name("position"))
    kept.store(resume(kept, log, tag="t", agent=3, epoch=1))
    assert resume(kept, log, tag="t", agent=None, epoch=2).epoch == 1
    other = log.with_name("other.log")
    for path, tag, number, said in ((other, "t", 3, "log"), (log, "u", 3, "tag"), (log, "t", 4, "agent")):
        with pytest.raises(
            SourceError, match=f"is the position of {said} .*; give each stream a position file of its own"
        ):
            resume(kept, path, tag=tag, agent=number, epoch=1)
    for text, said in ((b"", "is no position"), (b'{"record": 1}', "is no position")):
        kept.path.write_bytes(text)
        with pytest.raises(SourceError, match=f"{said} .*remove it to ship its log from the beginning"):
            kept.load()
    kept.close()
    PositionFile(kept.path).close()


def test_a_position_that_cannot_be_written_stops_the_sending(log: Path) -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            log.with_name("position.new").mkdir()
            with pytest.raises(SourceError, match=r"cannot write .*position: Is a directory; nothing more is sent"):
                await agent(log, port)
        assert gateway.received == []

    run(main())


def test_a_stop_without_a_gateway_ends_at_once_and_counts_what_is_left(log: Path) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        gateway = Gateway()
        async with listening(gateway) as port:
            pass  # nobody listens there any more
        counts = Counts()
        shipping = asyncio.ensure_future(agent(log, port, stop=stop, grace_s=1000.0, counts=counts))
        while not counts.connects_failed:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.001)
        stop.set()
        shipped = await shipping
        assert (shipped.records, shipped.undelivered) == (0, 250)
        async with listening(gateway) as port:
            await agent(log, port)
        assert gateway.lines == LINES

    run(main())


@pytest.mark.parametrize("way", ["grace", "abandon"])
def test_a_stop_waits_for_acks_of_a_gateway_that_is_there_but_not_for_ever(log: Path, way: str) -> None:
    async def main() -> None:
        stop, abandon = asyncio.Event(), asyncio.Event()
        gateway = Gateway()
        gateway.answering.clear()
        async with listening(gateway) as port:
            grace_s = 0.05 if way == "grace" else 1000.0
            shipping = asyncio.ensure_future(agent(log, port, follow=True, stop=stop, abandon=abandon, grace_s=grace_s))
            await gateway.until(lambda: len(gateway.received) >= 1)
            stop.set()
            if way == "abandon":
                abandon.set()
            shipped = await shipping
            assert (shipped.records, shipped.undelivered) == (0, 250)
            gateway.answering.set()

    run(main())


def test_a_stop_with_a_gateway_that_answers_delivers_what_was_taken(log: Path) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        gateway = Gateway()
        async with listening(gateway) as port:
            # The last 50 lines wait in the buffer, for more or for the timeout.
            shipping = asyncio.ensure_future(agent(log, port, follow=True, stop=stop, timeout_s=1000.0, batch_size=100))
            await gateway.until(lambda: len(gateway.received) >= 1)
            stop.set()
            shipped = await shipping
        assert (shipped.records, shipped.undelivered) == (250, 0)
        assert gateway.lines == LINES

    run(main())
