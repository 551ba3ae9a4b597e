"""Lines over TCP into Redis: our syslog listener, rsyslog and syslog-ng, all fed by one loggen connection.

Each receiver has a fresh server of the same program. A turn begins when loggen does and ends when the last line is in the
server. loggen's own clock is coarse and isn't used.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from experiments.deploy import broker
from experiments.deploy.process import ChildProcess, ProcessError
from experiments.peers.contest import Contest, Score
from loadgen.model.records.ring import Mix, synthetic
from system.broker import keys, payload
from system.settings import Process, SystemSettings, to_environment
from system.wire.joined import locate_all

#: Lines of a turn: some two seconds of either peer.
LINES: Final = 200_000
_START_S: Final = 20.0
_TURN_S: Final = 60.0
_LOOK_S: Final = 0.01
_KEY: Final = "lines"

_RSYSLOG: Final = """\
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imtcp" maxSessions="2000")
module(load="omhiredis")
template(name="line" type="string" string="%rawmsg%")
input(type="imtcp" port="{port}" address="127.0.0.1" supportOctetCountedFraming="off" ruleset="toredis")
ruleset(name="toredis" queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="1024" queue.workerThreads="1") {{
  action(
    type="omhiredis" server="127.0.0.1" serverport="{redis}" serverpassword="{password}"
    mode="queue" key="lines" userpush="on" template="line"
  )
}}
"""

#: `log-iw-size` by `max-connections` is the window of one connection: with a small one syslog-ng takes 3,000 lines a second.
_SYSLOG_NG: Final = """\
@version: 3.35
options {{ keep-hostname(yes); stats-freq(0); log-msg-size(65536); use-dns(no); }};
source s {{
  network(
    ip("127.0.0.1") port({port}) transport("tcp") flags(no-parse)
    max-connections(100) log-iw-size(1000000) log-fetch-limit(1000)
  );
}};
destination d {{
  redis(
    host("127.0.0.1") port({redis}) auth("{password}") command("RPUSH" "lines" "${{MSG}}")
    workers(1) batch-lines(1000) batch-timeout(50) log-fifo-size(400000)
  );
}};
log {{ source(s); destination(d); flags(flow-control); }};
"""


def contest(rsyslogd: str | None, rsyslog_modules: str | None) -> Contest:
    """The three receivers. `rsyslogd`, `rsyslog_modules`: where they are if not on the PATH and in their usual place."""
    found = {"rsyslogd": rsyslogd or shutil.which("rsyslogd"), "syslog-ng": shutil.which("syslog-ng")}
    modules = [] if rsyslog_modules is None else ["-M", rsyslog_modules]
    missing = {}
    if shutil.which("loggen") is None:
        missing = dict.fromkeys(("caudal", "rsyslog", "syslog-ng"), "loggen is not installed (package syslog-ng-core)")
    if found["rsyslogd"] is None:
        missing["rsyslog"] = "rsyslogd is not installed (packages rsyslog and rsyslog-hiredis), nor named by --rsyslogd"
    if found["syslog-ng"] is None:
        missing["syslog-ng"] = "syslog-ng is not installed (packages syslog-ng-core and syslog-ng-mod-redis)"

    def rsyslog(folder: Path, port: int) -> list[str]:
        words = ["-n", "-f", str(folder / "peer.conf"), "-i", str(folder / "pid"), *modules]
        return [str(found["rsyslogd"]), *words]

    def syslog_ng(folder: Path, port: int) -> list[str]:
        files = {"-f": "peer.conf", "-R": "persist", "-p": "pid", "-c": "control"}
        words = [word for flag, name in files.items() for word in (flag, str(folder / name))]
        return [str(found["syslog-ng"]), "-F", "--no-caps", *words]

    return Contest(
        "syslog lines into Redis, one loggen connection",
        "lines",
        "Nobody acknowledges a line. rsyslog and syslog-ng keep a list element a line; Caudal keeps batches of up to 1,000"
        " lines and a journal entry each. All hold in memory what isn't in Redis yet.",
        {
            "caudal": ours,
            "rsyslog": lambda: _peer(_RSYSLOG, rsyslog),
            "syslog-ng": lambda: _peer(_SYSLOG_NG, syslog_ng),
        },
        missing,
    )


def ours() -> Score:
    """The gateway's syslog listener, profile tuned, without workers."""
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as name:
        server = broker.start(Path(name), named=None, url=None, cpus=())
        gateway = None
        try:
            settings = to_environment(Process(system=SystemSettings(coalesce=256), redis_url=server.url))
            command = [sys.executable, "-m", "system.gateway", "127.0.0.1:0", "127.0.0.1:0"]
            gateway = ChildProcess("gateway", command, Path(name), environment=settings)
            gateway.expect("ready", _START_S)
            port = int(gateway.expect("syslog", _START_S).rpartition(":")[2])
            return _turn(Path(name), port, gateway, server, _Batched(server.client()).lines)
        finally:
            if gateway is not None:
                gateway.stop()
            server.stop()


class _Batched:
    """Counts the lines in the batches that the broker holds, each batch once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen = self._lines = 0

    def lines(self) -> int:
        new = self._client.zrange(keys.PENDING, self._seen, -1)
        stored = self._client.mget([keys.PAYLOAD + one for one in new]) if new else []
        self._seen += len(new)
        if stored:
            self._lines += len(locate_all([payload.decode(one).part for one in stored]).records.starts)
        return self._lines


def _peer(template: str, command: Callable[[Path, int], list[str]]) -> Score:
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as name:
        folder = Path(name)
        server = broker.start(folder, named=None, url=None, cpus=())
        receiver = None
        try:
            where, port = urlsplit(server.url), broker.free_port()
            (folder / "peer.conf").write_text(
                template.format(folder=folder, port=port, redis=where.port, password=where.password)
            )
            receiver = ChildProcess("receiver", command(folder, port), folder, environment={})
            _await_port(port, receiver)
            client = server.client()
            return _turn(folder, port, receiver, server, lambda: int(client.llen(_KEY)))
        finally:
            if receiver is not None:
                receiver.stop()
            server.stop()


def _await_port(port: int, process: ChildProcess) -> None:
    until = time.monotonic() + _START_S
    while not any(one.laddr.port == port and one.status == psutil.CONN_LISTEN for one in psutil.net_connections("tcp")):
        process.check_alive()
        if time.monotonic() > until:
            raise ProcessError(f"{process.name} does not listen after {_START_S:g} s; see its log")
        time.sleep(_LOOK_S)


def _turn(folder: Path, port: int, receiver: ChildProcess, server: broker.Broker, count: Callable[[], int]) -> Score:
    """Sends LINES lines by loggen and waits until `count` says that all are in the server."""
    corpus = folder / "corpus.log"
    corpus.write_bytes(b"\n".join(synthetic(7, 4096, 0.02, Mix.of({"web": 1.0})).lines) + b"\n")
    assert server.process is not None

    def cpu_s() -> float:
        assert server.process is not None
        return receiver.cpu_s() + server.process.cpu_s()

    before, begun = cpu_s(), time.monotonic()
    words = [
        "-i",
        "-S",
        "-d",
        "-R",
        str(corpus),
        "-l",
        "-n",
        str(LINES),
        "-r",
        "10000000",
        "-Q",
        "127.0.0.1",
        str(port),
    ]
    sender = ChildProcess("loggen", [str(shutil.which("loggen")), *words], folder, environment={})
    try:
        while (stored := count()) < LINES:
            if time.monotonic() - begun > _TURN_S:
                raise ProcessError(f"{stored} of {LINES} lines were in the server after {_TURN_S:g} s")
            time.sleep(_LOOK_S)
        took_s = time.monotonic() - begun
        return Score(LINES / took_s, LINES / (cpu_s() - before))
    finally:
        sender.stop(0.0)
