"""`caudal up`: the system alone, for real agents, until interrupted."""

import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, Final

import click
import redis as redis_client

from experiments import interrupts
from experiments.cli import complete
from experiments.cli.main import INTERRUPTED
from experiments.cli.options import Address, RedisUrl
from experiments.cli.progress import waiting
from experiments.cli.system_options import settings_of
from experiments.deploy.local import LocalDeployment
from experiments.deploy.placement import available, place
from experiments.running.rules import check_rules
from system.broker import keys
from system.settings import PROFILES
from system.stop import Stop
from system.wire import row
from system.wire.records import MALFORMED_MOST, TEXT_KEYS

#: How long what was accepted may take to be analysed after the interrupt. A second interrupt cuts it short.
DRAIN_S: Final = 300.0
_MOST_ITEMS: Final = 5000


@click.command()
@click.option("--profile", type=click.Choice(sorted(PROFILES)), default="tuned", show_default=True)
@click.option(
    "--redis", "redis_url", metavar="URL", type=RedisUrl(), help="A running Redis.  [default: an embedded server]"
)
@click.option("--listen", type=Address(), default="127.0.0.1:24224", show_default=True, help="Where agents connect.")
@click.option("--syslog", type=Address(), help="Take lines over TCP here too, without acknowledgement.")
@click.option(
    "--detections", type=click.Path(path_type=Path, dir_okay=False), help="Append each match here, a JSON line."
)
@click.option("--rules", multiple=True, metavar="R", help="builtin, a TOML pack or a list of patterns. Repeatable.")
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=complete.system_keys,
    help="A key of [system], e.g. engine=re.",
)
def up(
    profile: str, redis_url: str | None, listen: tuple[str, int], syslog: tuple[str, int] | None,
    detections: Path | None, rules: tuple[str, ...], settings: tuple[str, ...],
) -> int:  # fmt: skip
    """Run gateway, broker and workers until interrupted.

    Prints `ready HOST:PORT` when it takes connections, and with --syslog `syslog HOST:PORT` after it. On SIGINT or SIGTERM it
    stops listening, analyses what it accepted, and prints {"batches_accepted", "batches_analysed", "records_analysed",
    "detections"} as one JSON line.

    \b
    Example, in two terminals:
      caudal up --detections found.jsonl
      caudal agent --file /var/log/auth.log --to 127.0.0.1:24224
    """
    if rules:
        settings = (*settings, f"rules={json.dumps([str(one) for one in rules])}")
    system = settings_of(profile, settings)
    check_rules([system], waiting)
    stop = Stop()
    found = None if detections is None else detections.open("ab")
    with contextlib.ExitStack() as stack:
        if found is not None:
            stack.enter_context(found)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caudal-up-")))
        target = LocalDeployment(
            system,
            place(available(), system.worker_cores, {}),
            folder,
            redis_url=redis_url,
            listen=f"{listen[0]}:{listen[1]}",
            syslog=None if syslog is None else f"{syslog[0]}:{syslog[1]}",
            detections=found is not None,
            keep=redis_url is not None,
        )
        stack.callback(target.stop)
        stack.enter_context(_until_interrupted(stop))
        address = target.start()
        while not target.workers_ready():
            _all_alive(target)
            if stop.wait(0.02):
                return INTERRUPTED
        # Without a deadline: a broker that stands still pops what it was asked for once it goes on, and a reply that nobody
        # waits for any more is lost.
        patient = redis_client.Redis.from_url(target.url, socket_timeout=None, socket_keepalive=True)
        outlet = Outlet(stack.enter_context(contextlib.closing(patient)), found)
        print(f"ready {address.host}:{address.port}", flush=True)
        if target.syslog is not None:
            print(f"syslog {target.syslog.host}:{target.syslog.port}", flush=True)
        while not stop.is_set():
            _all_alive(target)
            if not outlet.drain():
                stop.wait(0.05)
        print(json.dumps(_finish(target, outlet)), flush=True)
    return 0


class Outlet:
    """Takes result rows (only to make room, and not while a harness takes them) and detections out of Redis."""

    def __init__(self, client: Any, found: BinaryIO | None) -> None:
        self._client = client
        self._found = found
        self.detections = None if found is None else 0
        self.malformed = 0

    def drain(self) -> int:
        """Takes what is there; gives how many items."""
        try:
            measured = self._client.exists(keys.HARNESS)
            rows = [] if measured else self._client.lpop(keys.ROWS, _MOST_ITEMS) or []
            for some in rows:
                self.malformed += int(row.split(some)[0]["malformed"].sum())
            lines = self._client.lpop(keys.DETECTIONS, _MOST_ITEMS) or []
        except redis_client.RedisError:
            return 0  # the broker is away: it is asked again
        for some in lines:
            self.detections += some.count(b"\n") + 1
            if self._found is not None:
                self._found.write(some + b"\n")
        if lines and self._found is not None:
            self._found.flush()
        return len(rows) + len(lines)


@contextlib.contextmanager
def _until_interrupted(stop: Stop) -> Iterator[None]:
    def interrupt(number: int, _frame: FrameType | None) -> None:
        interrupts.heard(number)
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with interrupts.handled(interrupt):
        yield


def _all_alive(target: LocalDeployment) -> None:
    for processes in target.parts().values():
        for process in processes:
            process.check_alive()


def _tell(client: Any, outlet: Outlet) -> None:
    """Says on standard error what was accepted and couldn't be scanned: no figure of it stands among those analysed."""
    reasons = Counter(reason for _, reason in client.hscan_iter(keys.DEAD, match="*:reason", count=1000))
    for reason, count in reasons.items():
        print(f"caudal: {count:,} batches were given up: {reason.decode()}", file=sys.stderr)
    if outlet.malformed:
        print(
            f"caudal: {outlet.malformed:,} records held no text to scan (of a batch at most {MALFORMED_MOST + 1:,} are "
            "counted): a record is [time, {key: text}], the key one of "
            f"{', '.join(key.decode() for key in TEXT_KEYS)}",
            file=sys.stderr,
        )


def _finish(target: LocalDeployment, outlet: Outlet) -> dict[str, int]:
    gateway = target.parts()["gateway"][0]
    gateway.stop(grace_s=30.0)
    accepted = json.loads("{" + gateway.expect("{", 1.0))["accepted"]
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until:
        counted = target.counters()
        if not outlet.drain() and not counted["queued"] + counted["unacked"] + counted["pending"]:
            break
        time.sleep(0.05)
    counted = target.counters()
    while outlet.drain():
        pass
    _tell(target.client(), outlet)
    return {
        # The journal's own count: the gateway doesn't know of what Redis took and couldn't confirm in time.
        "batches_accepted": counted.get("batches_accepted", accepted),
        "batches_analysed": counted.get("batches_analysed", 0),
        "records_analysed": counted.get("records_analysed", 0),
        "detections": outlet.detections,  # None where nobody collects them
    }
