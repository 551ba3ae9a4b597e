"""Each probe counts a known amount of work right: calls, switches, CPU seconds, memory, commands, bytes, queue lengths."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.probes import procfs
from experiments.probes import syscalls as syscalls_module
from experiments.probes.broker import BrokerProbe
from experiments.probes.memory import MemoryProbe
from experiments.probes.probe import ProbeError, Watched
from experiments.probes.processes import ProcessesProbe
from experiments.probes.queue import QueueProbe
from experiments.probes.syscalls import SyscallsProbe
from experiments.probes.wire import WireProbe
from loadgen.progress import SWARM, Progress
from system.broker import keys
from tests.watching import Worker, growth, values, watched

pytestmark = pytest.mark.integration

#: What a worker of `tests.watching` does for one line beside the line itself: reads it, and says that it is done.
FRAME_CALLS = 2


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Watched, Worker, Any]]:
    with watched(tmp_path) as found:
        yield found


def test_write_and_read_calls_are_counted_exactly(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    probe = ProcessesProbe(things)
    worker.do("sink = os.open('/dev/null', os.O_RDWR)")
    before = probe.sample()
    worker.do("[os.write(sink, b'x') for _ in range(1000)]; [os.read(sink, 1) for _ in range(500)]")
    assert growth(probe, before, "swarm", "read_write_calls") == 1500 + FRAME_CALLS


def test_switches_of_a_process_that_waits_are_voluntary(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    probe = ProcessesProbe(things)
    before = probe.sample()
    worker.do("[time.sleep(0.0005) for _ in range(300)]")
    # Beside its sleeps it waits for its line and the pipes; a sleep that was due before it began is none.
    assert 280 <= growth(probe, before, "swarm", "voluntary_switches") <= 330


def test_switches_of_threads_that_ended_are_not_forgotten(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    probe = ProcessesProbe(things)
    worker.do("import threading; slept = threading.Event(); go = threading.Event()")
    worker.do(
        "one = threading.Thread(target=lambda: ([time.sleep(0.0005) for _ in range(200)], slept.set(), go.wait()));"
        " one.start(); slept.wait()"
    )
    before = values(probe.sample())["swarm", "voluntary_switches"]
    assert before >= 200
    worker.do("go.set(); one.join()")
    assert values(probe.sample())["swarm", "voluntary_switches"] >= before


def test_cpu_time_is_that_which_the_process_used_its_ended_children_included(
    world: tuple[Watched, Worker, Any],
) -> None:
    things, worker, _ = world
    probe = ProcessesProbe(things)
    burn = "until = time.process_time() + 0.3\\nwhile time.process_time() < until: pass"
    worker.do(f"burn = '{burn}'; import subprocess")
    before = probe.sample()
    worker.do("exec(burn)")
    assert growth(probe, before, "swarm", "cpu_s") == pytest.approx(0.3, abs=0.03)
    before = probe.sample()
    worker.do("subprocess.run([sys.executable, '-S', '-E', '-c', 'import time; ' 'exec(%r)' % burn])")
    # An interpreter's start is added: 10 to 100 ms of CPU. The kernel tells whole ticks of 10 ms, of user and system each.
    assert 0.28 <= growth(probe, before, "worker_children", "cpu_s") <= 0.5
    assert growth(probe, before, "worker_parents", "cpu_s") < 0.1


def test_the_calls_of_a_child_stay_with_the_children_when_it_ends(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    probe = ProcessesProbe(things)
    child = "import os; sink = os.open('/dev/null', os.O_RDWR); [os.write(sink, b'x') for _ in range(5000)]; input()"
    worker.do(f"import subprocess; child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)")
    until = time.monotonic() + 10
    while values(probe.sample()).get(("worker_children", "read_write_calls"), 0) < 5000:
        assert time.monotonic() < until
    before = probe.sample()
    worker.do("child.communicate(b'x'); child.wait()")
    assert 0 <= growth(probe, before, "worker_children", "read_write_calls") < 100
    assert 0 <= growth(probe, before, "worker_parents", "read_write_calls") < 100


def test_resident_memory_grows_by_what_is_touched(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    processes, memory = ProcessesProbe(things), MemoryProbe(things)
    before = values(processes.sample()) | values(memory.sample())
    worker.do("held = bytearray(os.urandom(1)) * (40 << 20)")
    after = values(processes.sample()) | values(memory.sample())
    for figure in ("resident_bytes", "proportional_bytes", "unshared_bytes"):
        assert after["swarm", figure] - before["swarm", figure] == pytest.approx(40 << 20, rel=0.02), figure


def test_memory_that_parent_and_child_share_counts_once(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    worker.do("held = bytearray(os.urandom(1)) * (40 << 20); child = os.fork() or time.sleep(60)")
    found = values(MemoryProbe(things).sample())
    both = found["worker_parents", "proportional_bytes"] + found["worker_children", "proportional_bytes"]
    assert 40 << 20 < both < 70 << 20
    assert found["worker_children", "unshared_bytes"] < 20 << 20
    resident = values(ProcessesProbe(things).sample())
    assert resident["worker_children", "resident_bytes"] > 40 << 20
    worker.do("os.kill(child, 9)")


def test_commands_and_bytes_are_those_of_the_process_that_sent_them(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, server = world
    probe = BrokerProbe(things)
    host, port, password = "127.0.0.1", int(server.url.rpartition(":")[2].partition("/")[0]), server.url[9:41]
    worker.do(f"import socket; s = socket.create_connection(({host!r}, {port}))")
    worker.do(f"s.sendall(b'AUTH default {password}' + bytes((13, 10))); s.recv(100)")
    before = probe.sample()
    push = b"*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$1000\r\n" + b"x" * 1000 + b"\r\n"
    worker.do(f"[(s.sendall({push!r}), s.recv(100)) for _ in range(50)]")
    found = probe.sample()
    grown = {key: value - values(before).get(key, 0.0) for key, value in values(found).items()}
    assert grown["worker_parents", "redis_commands"] == 50
    assert grown["worker_parents", "redis_sent_bytes"] == 50 * len(push)
    assert grown["worker_parents", "redis_received_bytes"] == sum(len(f":{n}\r\n") for n in range(1, 51))
    assert grown["broker", "command:lpush"] == 50
    assert grown["broker", "input_bytes"] >= 50 * len(push)
    assert ("other", "redis_commands") not in grown


def test_commands_inside_a_script_count_for_who_called_it(world: tuple[Watched, Worker, Any]) -> None:
    things, _, server = world
    probe = BrokerProbe(things)
    with server.client() as other:
        other.ping()
        before = probe.sample()
        other.eval("for _ = 1, 10 do redis.call('LPUSH', KEYS[1], 'x') end", 1, "q")
        # This test is the runner.
        assert growth(probe, before, "runner", "redis_commands") == 11


def test_a_server_that_was_started_again_counts_no_more(world: tuple[Watched, Worker, Any]) -> None:
    """It counts from zero: the difference to what the one before counted would be no number of anything."""
    things, _, server = world
    probe = BrokerProbe(things)
    probe.sample()
    server.process.stop(grace_s=0.0)
    server.restart()
    with contextlib.suppress(ProbeError):  # the connection that broke
        probe.sample()
    with pytest.raises(ProbeError, match="started again"):
        probe.sample()


def test_a_server_that_does_not_count_by_connection_gives_a_reason(world: tuple[Watched, Worker, Any]) -> None:
    things, _, _ = world
    probe = BrokerProbe(things)
    assert probe._by_part(1, [{"id": "1", "addr": "127.0.0.1:1"}]) == []
    assert "counts nothing by connection" in probe.missing["redis_commands"]


def test_where_processes_cannot_be_read_the_servers_own_counts_remain(
    world: tuple[Watched, Worker, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    things, _, server = world
    monkeypatch.setattr(procfs, "AVAILABLE", False)
    probe = BrokerProbe(things)
    with server.client() as other:
        other.ping()
        found = values(probe.sample())
    assert found["broker", "commands"] > 0
    assert {part for part, _ in found} == {"broker"}
    assert probe.missing["redis_commands"] == "this platform has no /proc to read processes from"
    for processes in (ProcessesProbe(things), MemoryProbe(things)):
        with pytest.raises(ProbeError, match="no /proc"):
            processes.sample()


def test_queues_are_counted(world: tuple[Watched, Worker, Any]) -> None:
    things, _, _ = world
    client = things.client
    client.lpush(keys.QUEUE, *range(7))
    client.hset(keys.UNACKED, mapping={str(n): "x" for n in range(5)})
    client.zadd(keys.PENDING, {str(n): n for n in range(11)})
    client.rpush(keys.ROWS, *range(3))
    assert values(QueueProbe(things).sample()) == {
        ("broker", "queued_tasks"): 7,
        ("broker", "held_tasks"): 5,
        ("broker", "pending_batches"): 11,
        ("broker", "waiting_rows"): 3,
    }


def test_bytes_on_the_wire_are_the_swarms_own_count_and_loopback_has_them_too(
    world: tuple[Watched, Worker, Any],
) -> None:
    things, _, _ = world
    probe = WireProbe(things)
    before = probe.sample()
    assert set(values(before)) == {("machine", "loopback_bytes"), ("machine", "tcp_segments")}
    progress = Progress.create(things.folder / "swarm-0.progress", SWARM)
    progress.add("sent_bytes", 123_456)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sender:
        peer, _ = listener.accept()
        with peer:
            sender.sendall(bytes(100_000))
            left = 100_000
            while left:
                left -= len(peer.recv(left))
    after = values(probe.sample())
    assert (after["swarm", "sent_bytes"], after["swarm", "received_bytes"]) == (123_456, 0)
    assert after["machine", "loopback_bytes"] - values(before)["machine", "loopback_bytes"] >= 100_000
    # Loopback takes up to 64 KiB a segment: 100,000 bytes are two at least, beside those that open the connection.
    assert after["machine", "tcp_segments"] - values(before)["machine", "tcp_segments"] >= 5


def test_system_calls_are_counted_exactly_or_said_to_be_closed(world: tuple[Watched, Worker, Any]) -> None:
    things, worker, _ = world
    probe = SyscallsProbe(things)
    before = probe.sample()
    if probe.missing:
        assert "syscalls" in probe.missing
        assert before == []
        pytest.skip(probe.missing["syscalls"])
    worker.do("[os.getppid() for _ in range(5000)]")
    # The calls that read the order and answer it may fall on either side of the looks.
    assert 5000 <= growth(probe, before, "swarm", "syscalls") <= 5000 + FRAME_CALLS + 10
    worker.do("import threading; one = threading.Thread(target=lambda: [os.getppid() for _ in range(3000)])")
    before = probe.sample()
    worker.do("one.start(); one.join()")
    assert 3000 <= growth(probe, before, "swarm", "syscalls") <= 3200
    probe.close()


def test_without_the_kernels_tracing_there_is_a_reason_and_no_zero(
    world: tuple[Watched, Worker, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(syscalls_module, "_EVENT", tmp_path / "missing")
    probe = SyscallsProbe(world[0])
    assert probe.sample() == []
    assert "No such file" in probe.missing["syscalls"]
    assert os.fspath(tmp_path) in probe.missing["syscalls"]
