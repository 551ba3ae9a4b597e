"""Micro-benchmarks of both publishers, against a connection that takes everything and answers at once.

What a round of batches costs the gateway's process: messages, the script's arguments, Celery's and kombu's own work.
"""

import re
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, Final
from unittest.mock import patch

import redis
from kombu.transport.redis import Channel

from system.broker.celery_publisher import CeleryPublisher
from system.broker.message import analyse
from system.broker.pipelined import PipelinedPublisher
from system.broker.publisher import Outcome
from system.settings import Process, SystemSettings
from tests.bench import inputs

#: A command's name, as it lies on the wire.
COMMAND: Final = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n")

BATCHES = [inputs.batch(number) for number in range(8)]


def process(publisher: str) -> Process:
    return Process(
        system=SystemSettings(publisher=publisher, journal=True, coalesce=4), redis_url="redis://127.0.0.1:1/0"
    )


class Taken:
    """A pool of one connection: every command has been done."""

    def __init__(self) -> None:
        self.sent_bytes = 0

    async def get_connection(self) -> "Taken":
        return self

    async def send_packed_command(self, command: Sequence[Any], check_health: bool = True) -> None:
        self.sent_bytes += sum(map(len, command))

    async def read_response(self) -> list[int]:
        return [Outcome.ACCEPTED.value] * 4 + [1]  # as ACCEPT answers: the last is the tasks that are unfinished

    async def release(self, _connection: Any) -> None:
        pass


class TakenByKombu(redis.Connection):
    """The same for kombu's channel: what stands between MULTI and EXEC is answered by EXEC."""

    commands: ClassVar[list[bytes]] = []

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._replies: deque[Any] = deque()

    def connect(self) -> None:
        pass

    def can_read(self, *_arguments: Any, **_named: Any) -> bool:
        return False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        told = COMMAND.findall(command if isinstance(command, bytes) else b"".join(command))
        self._replies.extend([1] * (len(told) - 2) if one == b"EXEC" else 1 for one in told)
        TakenByKombu.commands += told

    def read_response(self, *_arguments: Any, **_named: Any) -> Any:
        return self._replies.popleft()


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


def test_pipelined(counted: Any) -> None:
    publisher = PipelinedPublisher(process("pipelined"))
    publisher._redis.connection_pool = taken = Taken()
    outcomes = counted(lambda: finished(publisher.publish(BATCHES)))
    assert outcomes == [Outcome.ACCEPTED] * len(BATCHES)
    assert taken.sent_bytes > len(BATCHES) * len(inputs.packed())


def test_celery(counted: Any) -> None:
    publisher = CeleryPublisher(process("celery"))
    call = analyse([one.id for one in BATCHES[:4]])
    with patch.object(Channel, "connection_class", TakenByKombu):
        publisher.call(call)
    TakenByKombu.commands.clear()
    counted(lambda: publisher.call(call))
    assert TakenByKombu.commands.count(b"LPUSH") >= 1
