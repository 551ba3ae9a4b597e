"""The whole agent against a scripted gateway: lines in, batches out, in order, numbered, and all acknowledged at the end."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from system.agent.agent import Shipped, messages, new_epoch, ship
from system.agent.buffer import Cut
from system.agent.errors import SourceError
from system.agent.source import open_file
from system.wire.chunk import Chunk, parse_chunk
from tests.integration.agent_gateway import LINES, Gateway, Given, listening, run, ship_lines

pytestmark = pytest.mark.integration


def test_a_file_arrives_whole_in_order_and_in_batches_of_the_size_given(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"\n".join(LINES))

    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            source = open_file(path)
            shipped = await ship(
                source,
                "127.0.0.1",
                port,
                batch_size=4,
                timeout_s=1000.0,
                tag="web",
                agent=7,
                epoch=99,
                unix_ns=lambda: 1_700_000_000_000_000_005,
            )
            source.close()
        assert gateway.lines == LINES
        assert gateway.chunks == [(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4), (24, 1)]
        assert {(one.tag, one.chunk.epoch, one.chunk.agent) for one in gateway.received} == {(b"web", 99, 7)}
        assert gateway.received[0].times == [(1_700_000_000, 5)] * 4
        assert shipped == Shipped(
            records=25,
            batches=7,
            resent=0,
            reconnects=0,
            connects_failed=0,
            ack_timeouts=0,
            bad_acks=0,
            truncated=0,
            dropped=0,
            undelivered=0,
        )

    run(main())


def test_an_empty_source_ships_nothing_and_does_not_even_connect() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given())
        assert (shipped.records, gateway.connections) == (0, 0)

    run(main())


def test_records_that_wait_are_sent_at_the_timeout_while_the_source_is_silent() -> None:
    async def main() -> None:
        gateway = Gateway()

        async def first_batch() -> None:
            await gateway.until(lambda: len(gateway.received) == 1)

        async with listening(gateway) as port:
            await ship_lines(port, Given([b"a", b"b"], first_batch, [b"c"]), timeout_s=0.01)
        assert [one.lines for one in gateway.received] == [[b"a", b"b"], [b"c"]]

    run(main())


def test_a_stop_ships_what_was_taken_and_ends() -> None:
    async def main() -> None:
        stop = asyncio.Event()
        gateway = Gateway()

        async def wait_for_ever() -> None:
            stop.set()
            await asyncio.Event().wait()

        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given(LINES[:6], wait_for_ever), stop=stop)
        assert gateway.lines == LINES[:6]
        assert (shipped.records, shipped.batches) == (6, 2)

    run(main())


def test_a_source_that_fails_half_way_is_reported_after_what_it_gave_is_shipped() -> None:
    async def main() -> None:
        gateway = Gateway()

        async def fail() -> None:
            raise SourceError("cannot read on in app.log: Input/output error")

        async with listening(gateway) as port:
            with pytest.raises(SourceError, match=r"cannot read on in app\.log"):
                await ship_lines(port, Given(LINES[:6], fail))
        assert gateway.lines == LINES[:6]

    run(main())


def test_a_pause_is_kept_between_sends() -> None:
    async def main() -> None:
        gateway = Gateway()
        loop = asyncio.get_running_loop()
        async with listening(gateway) as port:
            began_s = loop.time()
            await ship_lines(port, Given(LINES[:12]), pause_s=0.02)
            took_s = loop.time() - began_s
        assert gateway.lines == LINES[:12]
        assert took_s >= 3 * 0.02 - 0.001

    run(main())


def test_two_runs_of_an_agent_never_share_a_chunk_id() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            await ship_lines(port, agent=3)
            await ship_lines(port, agent=3)
        epochs = [one.chunk.epoch for one in gateway.received]
        assert len(set(epochs)) == 2
        assert len({one.chunk for one in gateway.received}) == 14

    run(main())


def test_epochs_differ_by_start_or_by_process_and_fit_64_bits() -> None:
    now = 1_700_000_000_000_000_000
    assert new_epoch(now, 1) != new_epoch(now + 256, 1)
    assert new_epoch(now, 1) != new_epoch(now, 2)
    assert new_epoch(now + 256, 1) > new_epoch(now, 255)
    assert 0 <= new_epoch(2**64 + 5, 2**22) < 2**64


def test_a_cut_beyond_the_message_limit_goes_in_several_chunks_and_a_record_beyond_it_not_at_all() -> None:
    cut = Cut(9, (b"longer", b"aa", b"bb", b"cccccc", b"d", b"e", b"ffffff"), 0, "size")
    dropped: list[tuple[int, int]] = []
    parts = [
        (parse_chunk(batch.chunk), batch.records, batch.packed, batch.first)
        for batch in messages(cut, 1, 2, 5, lambda *one: dropped.append(one))
    ]
    assert parts == [(Chunk(1, 2, 10, 2), 2, b"aabb", 10), (Chunk(1, 2, 13, 2), 2, b"de", 13)]
    assert dropped == [(9, 6), (12, 6), (15, 6)]


def test_a_line_that_no_message_has_room_for_is_dropped_and_counted_and_keeps_nothing_waiting() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given([b"a", b"x" * 100, b"b"]), frame_bytes=60)
        assert [(one.chunk.first, one.lines) for one in gateway.received] == [(0, [b"a"]), (2, [b"b"])]
        assert (shipped.records, shipped.dropped, shipped.undelivered) == (2, 1, 0)

    run(main())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timeout_s": 0.0}, "timeout_s must be > 0 and finite, got 0.0; to send each record alone"),
        ({"timeout_s": float("nan")}, "timeout_s must be > 0 and finite, got nan"),
        ({"batch_size": 0}, "batch_size must be >= 1 record, got 0"),
        ({"pause_s": -1.0}, "pause_s must be >= 0 and finite, got -1.0; for no pause give 0"),
        ({"agent": 2**32}, "agent must be between 0 and 2"),
        ({"frame_bytes": 0}, "frame_bytes must be >= 1, got 0"),
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_sent(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(_discard(ship_lines(changes.pop("port", 1), **changes)))


async def _discard(shipping: Coroutine[Any, Any, Shipped]) -> None:
    await shipping
