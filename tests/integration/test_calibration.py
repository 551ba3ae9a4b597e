"""The swarm held against the sink: everything sent is acknowledged and counted, and what goes wrong is said."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.deploy.process import ProcessError
from experiments.machine import calibration
from experiments.machine.calibration import calibrate
from experiments.machine.generator import FULL, PACED, full, paced, spec_of
from loadgen.model.arrivals.drain import Drain
from loadgen.model.schedule import of_fleet
from system.wire.packing import ack, message_header, message_option, pack_record

SOON = msgspec.structs.replace(PACED, agents=6)
SHORT = msgspec.structs.replace(FULL, agents=6, arrivals=Drain(backlog_batches=40), batch_size=50)


@pytest.mark.integration
def test_a_schedule_held_against_the_sink_is_sent_whole_and_its_lag_is_told(tmp_path: Path) -> None:
    spec = msgspec.structs.replace(spec_of(SOON, tmp_path, 0.5), processes=2, agents_per_connection=2)
    told: list[str] = []
    found = calibrate(spec, watch=told.append)
    plan = of_fleet(spec.classes, seed=spec.seed, horizon_s=0.5)
    assert (found.batches, found.records) == (len(plan.time_ns), plan.records)
    assert found.lag["paced"] == (plan.time_ns < 500_000_000).sum()
    assert found.bytes > 200 * found.records
    assert found.seconds > 0.4
    assert found.cpu_s > 0
    assert told == ["connecting 3 connections", "playing"]


@pytest.mark.integration
def test_a_backlog_is_sent_as_fast_as_it_goes(tmp_path: Path) -> None:
    found = calibrate(spec_of(SHORT, tmp_path, 1.0))
    assert (found.batches, found.records, found.lag) == (40, 2000, {})


@pytest.mark.integration
def test_a_sink_that_dies_is_said_and_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[calibration.ChildProcess] = []

    class Dying(calibration.ChildProcess):
        def __init__(self, *words: Any, **more: Any) -> None:
            super().__init__(*words, **more)
            begun.append(self)

        def cpu_s(self) -> float:  # the first thing that is asked once all is connected
            self._popen.kill()
            self._popen.wait()
            return 0.0

    monkeypatch.setattr(calibration, "ChildProcess", Dying)
    with pytest.raises(ProcessError, match="sink was killed by SIGKILL"):
        calibrate(spec_of(SOON, tmp_path, 0.5))
    assert begun
    assert not any(process.alive for process in begun)


@pytest.mark.integration
def test_the_sink_acknowledges_messages_and_ends_connections_that_send_none() -> None:
    process = subprocess.Popen([sys.executable, "-m", "loadgen.sink", "127.0.0.1:0"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().rpartition(b":")[2])
        packed = pack_record(1, b"a line")
        message = message_header(b"tag", len(packed)) + packed + message_option(b"chunk", 1)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as good:
            for piece in (message[:7], message[7:] + message):
                good.sendall(piece)
            expected = ack(b"chunk") * 2
            answer = b""
            while len(answer) < len(expected):
                answer += good.recv(100)
            assert answer == expected
        with socket.create_connection(("127.0.0.1", port), timeout=30) as bad:
            bad.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert bad.recv(100) == b""
        process.send_signal(signal.SIGTERM)
        said: dict[str, Any] = json.loads(process.stdout.read())
        assert said == {"batches": 2, "received_bytes": 2 * len(message) + 18, "connections": 2, "refused": 1}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_doctor_minds_a_swarm_that_is_late_and_only_that() -> None:
    good = calibration.Calibration(
        batches=4000, records=40_000, bytes=10_000_000, seconds=2.0, cpu_s=0.5, sink_cpu_s=0.2,
        lag={"paced": 4000, "late_p50_ns": 50_000, "late_p99_ns": 999_000, "late_max_ns": 5_000_000},
    )  # fmt: skip
    assert paced(good).level == "good"
    assert "2,000 flushes/s: p99 1.00 ms late, 0.25 of a core" in paced(good).text
    late = msgspec.structs.replace(good, lag={**good.lag, "late_p99_ns": 1_001_000})
    assert paced(late).level == "mind"
    assert "20,000 records/s, 0.01 GB/s in batches of 10" in full(good).text
