"""A record that kills whoever scans it ends in `dead` after its attempts, and the batches of its group are analysed."""

import sys
import time
from pathlib import Path
from typing import Any

from experiments.deploy.broker import Broker
from experiments.deploy.process import ChildProcess
from system.broker import journal, keys
from system.broker.batch import Batch
from system.broker.message import analyse, render
from system.settings import PROFILES, Process, SystemSettings, to_environment
from system.wire import row
from system.wire.chunk import Chunk
from system.wire.packing import pack_record

#: An ordinary worker whose engine dies of one word.
WORKER = """
import os, signal
from system.engine import registry
from system.engine.re_engine import ReEngine

class Mortal(ReEngine):
    def scan(self, buffer, starts, ends):
        if b"POISON" in buffer:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().scan(buffer, starts, ends)

registry.ENGINES["re"] = lambda signatures, _system: Mortal(signatures)
from system.worker.__main__ import main
main()
"""


def test_a_poison_batch_is_given_up_and_takes_no_other_with_it(broker: Broker, redis: Any, tmp_path: Path) -> None:
    lines = [b"one", b"POISON", b"two", b"three"]
    batches = []
    for number, line in enumerate(lines):
        chunk = Chunk(3, 1, number, 1)
        batches.append(Batch(b"t\0" + chunk.encode(), chunk, pack_record(0, line), False, 5))
    message = render(analyse([one.id for one in batches]))
    redis.eval(journal.ACCEPT.source, *journal.accept_arguments(batches, message, 9))
    (tmp_path / "worker.py").write_text(WORKER)
    system = SystemSettings(**{**PROFILES["tuned"], "engine": "re", "attempts": 3})
    process = Process(system=system, redis_url=broker.url, concurrency=2)
    worker = ChildProcess(
        "worker", [sys.executable, str(tmp_path / "worker.py")], tmp_path, environment=to_environment(process)
    )
    try:
        worker.expect("ready", 30)
        until = time.monotonic() + 80
        while redis.zcard(keys.PENDING) and time.monotonic() < until:
            time.sleep(0.1)
        headers, _ = row.split(b"".join(redis.lrange(keys.ROWS, 0, -1)))
        ended = {int(one["first"]): int(one["kind"]) for one in headers if one["kind"] != row.STAMP}
        assert ended == {0: row.ANALYSED, 1: row.DEAD, 2: row.ANALYSED, 3: row.ANALYSED}, worker.log.read_text()[-2000:]
        assert redis.hget(keys.DEAD, batches[1].id + b":reason") == b"given up after 3 attempts"
        assert redis.hget(keys.DEAD, batches[1].id).endswith(lines[1])
    finally:
        worker.stop()
