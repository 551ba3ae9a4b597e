"""Runs the services of docker-compose.yml as plain processes, in the order that Compose would start them in.

What a container would do is done by hand: environment and `$$` filled in, `image`'s entrypoint put before the command,
names of services and ports turned into loopback's. Each service waits, as Compose has it, until what it depends on was
started (`service_started`) or has passed its healthcheck (`service_healthy`). Nothing else of the file is judged here.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from experiments.deploy.broker import free_port, program
from experiments.deploy.process import ChildProcess

#: Between two healthchecks here: a test needn't wait as long as the file says.
INTERVAL_S: Final = 0.3


class Event(NamedTuple):
    """A service was `started`, or is `healthy` for the first time."""

    at_s: float
    service: str
    what: str


class Services:
    """The services of a compose file on this machine."""

    def __init__(self, compose: Mapping[str, Any], root: Path, folder: Path, variables: Mapping[str, str]) -> None:
        self._services = compose["services"]
        self._root = root
        self._folder = folder
        self._variables = variables
        self.redis_port, self.gateway_port = free_port(), free_port()
        self.events: list[Event] = []
        self.processes: dict[str, ChildProcess] = {}
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._environment = {"PATH": f"{self._programs()}:{Path(sys.executable).parent}:/usr/bin:/bin"}

    def _programs(self) -> Path:
        """A folder with a `redis-server`, the embedded one, and a `redis-cli` that can log in and ping."""
        folder = self._folder / "bin"
        folder.mkdir()
        (folder / "redis-server").symlink_to(program(None))
        client = folder / "redis-cli"
        client.write_text(
            f"#!{sys.executable}\n"
            "import os, sys, redis\n"
            "user, port = sys.argv[sys.argv.index('--user') + 1], int(sys.argv[sys.argv.index('-p') + 1])\n"
            "assert sys.argv[-1] == 'ping'\n"
            "try:\n"
            "    redis.Redis(port=port, username=user, password=os.environ['REDISCLI_AUTH']).ping()\n"
            "except redis.RedisError as error:\n"
            "    sys.exit(str(error))\n"
            "print('PONG')\n"
        )
        client.chmod(0o755)
        return folder

    def _filled(self, text: str, service: Mapping[str, Any]) -> str:
        """A text of the file as it would come to a process, with loopback in the place of the networks."""
        text = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: self._variables[found[1]], text)
        for mount in service.get("volumes", ()):
            source, target = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")[:2]
            text = text.replace(target, str(self._root / source))
        text = text.replace("$$", "$").replace("bind * -::*", "bind 127.0.0.1")
        for name, port, ours in (
            ("redis", 6379, self.redis_port),
            ("gateway", 24224, self.gateway_port),
            ("0.0.0.0", 24224, self.gateway_port),
            ("127.0.0.1", 24224, self.gateway_port),
        ):
            text = text.replace(f"{name}:{port}", f"127.0.0.1:{ours}")
        return re.sub(r"(port|-p) 6379", rf"\1 {self.redis_port}", text)

    def _environ(self, service: Mapping[str, Any]) -> dict[str, str]:
        given = {name: self._filled(text, service) for name, text in service.get("environment", {}).items()}
        return {**self._environment, **given}

    def up(self, *names: str) -> None:
        """Begins to start services, each as soon as what it depends on lets it."""
        for name in names:
            thread = threading.Thread(target=self._run, args=(name,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, name: str) -> None:
        service = self._services[name]
        wanted = service.get("depends_on", {})
        if not isinstance(wanted, dict):
            wanted = {one: {"condition": "service_started"} for one in wanted}
        for other, how in wanted.items():
            self._wait_for(other, {"service_started": "started", "service_healthy": "healthy"}[how["condition"]])
        if self._ended.is_set():
            return
        words = [self._filled(word, service) for word in service["command"]]
        if "build" in service:
            words = [*service.get("entrypoint", ["caudal"]), *words]
        command = [
            str(Path(sys.executable).with_name(words[0])) if words[0] == "caudal" else f"/bin/{words[0]}",
            *words[1:],
        ]
        self.processes[name] = ChildProcess(name, command, self._folder, environment=self._environ(service))
        self._happened(name, "started")
        test = service.get("healthcheck", {}).get("test")
        while test and not self._ended.wait(INTERVAL_S):
            if self._healthy(service, test):
                self._happened(name, "healthy")
                break
        self._ended.wait()  # the kernel kills a child process when the thread that started it ends

    def _healthy(self, service: Mapping[str, Any], test: list[str]) -> bool:
        words = [self._filled(word, service) for word in test[1:]]
        command = ["/bin/sh", "-c", *words] if test[0] == "CMD-SHELL" else words
        return not subprocess.run(
            command, env={**os.environ, **self._environ(service)}, capture_output=True, timeout=60
        ).returncode

    def _happened(self, name: str, what: str) -> None:
        with self._changed:
            self.events.append(Event(time.monotonic(), name, what))
            self._changed.notify_all()

    def _wait_for(self, name: str, what: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended.is_set() or self.has(name, what))

    def has(self, name: str, what: str) -> bool:
        """Whether something has happened to a service."""
        return any((one.service, one.what) == (name, what) for one in self.events)

    def wait(self, name: str, what: str, deadline_s: float) -> None:
        """Waits until it has. Raises: AssertionError with what the services said."""
        with self._changed:
            there = self._changed.wait_for(lambda: self.has(name, what), deadline_s)
            said = {one: process.log.read_text()[-500:] for one, process in dict(self.processes).items()}
        assert there, f"{name} isn't {what} after {deadline_s} s: {self.events}, {said}"

    def early(self) -> list[str]:
        """The services that were started before what they need was healthy: what the file is there to prevent."""
        healthy = {one.service: one.at_s for one in self.events if one.what == "healthy"}
        needs = {"gateway": "redis", "worker": "redis", "sweeper": "redis", "agent": "gateway"}
        return [
            one.service
            for one in self.events
            if one.what == "started"
            and one.service in needs
            and one.at_s < healthy.get(needs[one.service], float("inf"))
        ]

    def down(self) -> None:
        """Ends everything that was started."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(90)
        for process in reversed(self.processes.values()):
            process.stop()
