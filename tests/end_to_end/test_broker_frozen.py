"""The broker stands still for longer than the gateway waits: nothing is acknowledged falsely, nothing counts twice."""

import json
import os
import signal
import time
from collections import Counter

import pytest

from .conftest import Shell
from .test_up import Up

RECORDS = 400_000


@pytest.mark.parametrize("frozen_s", [1.0, 7.0], ids=["shorter than the deadline", "longer than the deadline"])
def test_a_frozen_broker_delays_records_and_neither_loses_nor_repeats_them(shell: Shell, frozen_s: float) -> None:
    file = shell.folder / "some.log"
    file.write_bytes(
        b"".join(b"sqlmap/1.%d\n" % n if n % 100 == 0 else b"an ordinary line %d\n" % n for n in range(RECORDS))
    )
    up = Up(shell)
    agent = shell.start("agent", "--file", str(file), "--to", up.address, "--batch-size", "100", "--number", "7")
    parts = up.processes()
    gateway, broker = parts["system.gateway"], parts["valkey"]
    while (agent.poll() is None) and not (shell.folder / "found.jsonl").stat().st_size:
        time.sleep(0.005)
    assert agent.poll() is None, "the freeze must fall into the shipping"
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        time.sleep(frozen_s)
        assert agent.poll() is None, "nobody acknowledges what the broker hasn't taken"
        assert gateway.memory_info().rss < 300 * 2**20
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    out, err = agent.communicate(timeout=90)
    assert agent.returncode == 0, err
    shipped = json.loads(out)
    assert shipped["records"] == RECORDS
    assert (shipped["resent"] > 0) is (frozen_s > 5)
    told = up.stop()
    assert told["records_analysed"] == RECORDS
    assert told["batches_accepted"] == told["batches_analysed"] == RECORDS // 100
    lines = map(json.loads, (shell.folder / "found.jsonl").read_text().splitlines())
    times = Counter(line["record"] for line in lines)
    assert set(times) == set(range(0, RECORDS, 100))
    assert set(times.values()) == {1}
