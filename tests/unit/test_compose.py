"""docker-compose.yml keeps its promises: order by health, Redis unpublished and behind a password, no root, real commands.

The docker daemon isn't needed: the file is read as YAML, and each service's command is parsed by our own command line.
"""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from experiments.cli.main import caudal

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ("gateway", "worker", "sweeper")


def filled(text: str) -> str:
    """The text as Compose gives it to a container, with a password in it."""
    return re.sub(r"\$\{CAUDAL_REDIS_PASSWORD:\?[^}]*\}", "0123abcd", text).replace("$$", "$")


def wrong(compose: dict[str, Any]) -> list[str]:
    """The promises that a file breaks."""
    services = compose["services"]
    redis = services["redis"]
    found = []
    if "ports" in redis or "network_mode" in redis:
        found.append("redis is published")
    if not all(compose["networks"][name]["internal"] for name in redis["networks"]):
        found.append("redis is on a network that leads outside")
    if "redis-cli ping" not in str(redis.get("healthcheck")):
        found.append("redis has no healthcheck")
    if '--requirepass "$$REDISCLI_AUTH"' not in redis["command"][-1]:
        found.append("redis has no password")
    if "noeviction" not in redis["command"][-1]:
        found.append("redis may evict what is queued")
    if ":?" not in redis["environment"]["REDISCLI_AUTH"]:
        found.append("the password has a default")
    for name, service in services.items():
        if name != "redis" and service["depends_on"]["redis"]["condition"] != "service_healthy":
            found.append(f"{name} doesn't wait for redis to be healthy")
        if service.get("user", "0").split(":")[0] in ("0", "root"):
            found.append(f"{name} is root")
        if service.get("read_only") is not True:
            found.append(f"{name} may write to its image")
        if any(not str(port).startswith("127.0.0.1:") for port in service.get("ports", ())):
            found.append(f"{name} is published beyond loopback")
    return found


def test_the_file_keeps_its_promises() -> None:
    assert set(COMPOSE["services"]) == {"redis", *OURS}
    assert wrong(COMPOSE) == []


def publish_redis(services: dict[str, Any]) -> None:
    services["redis"]["ports"] = ["6379:6379"]


def start_early(services: dict[str, Any]) -> None:
    services["worker"]["depends_on"]["redis"]["condition"] = "service_started"


def default_password(services: dict[str, Any]) -> None:
    services["redis"]["environment"]["REDISCLI_AUTH"] = "${CAUDAL_REDIS_PASSWORD:-secret}"


def run_as_root(services: dict[str, Any]) -> None:
    services["gateway"]["user"] = "0:0"


def publish_everywhere(services: dict[str, Any]) -> None:
    services["gateway"]["ports"] = ["24224:24224"]


def leave_inside(services: dict[str, Any]) -> None:
    services["redis"]["networks"].append("outside")


@pytest.mark.parametrize(
    "break_it", [publish_redis, start_early, default_password, run_as_root, publish_everywhere, leave_inside]
)
def test_a_broken_promise_is_noticed(break_it: Callable[[dict[str, Any]], None]) -> None:
    compose = copy.deepcopy(COMPOSE)
    compose["networks"]["outside"] = {"internal": False}
    break_it(compose["services"])
    assert len(wrong(compose)) >= 1


@pytest.mark.parametrize("name", ["gateway", "worker", "sweeper"])
def test_the_commands_are_ones_that_the_command_line_takes(name: str) -> None:
    words = [filled(word) for word in COMPOSE["services"][name]["command"]]
    assert words[0] == name
    group = click.Context(caudal, info_name="caudal")
    command = caudal.get_command(group, name)
    assert command is not None
    parsed = command.make_context(name, words[1:], parent=group)
    assert parsed.params["redis"] == "redis://:0123abcd@redis:6379/0"


def test_the_gateway_listens_where_it_is_published_and_probed() -> None:
    gateway = COMPOSE["services"]["gateway"]
    port = gateway["command"][gateway["command"].index("--listen") + 1].rpartition(":")[2]
    assert gateway["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"('127.0.0.1', {port})" in gateway["healthcheck"]["test"][-1]


def test_the_image_has_what_the_services_name() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["caudal"]' in text
    assert f"USER {COMPOSE['services']['gateway']['user']}" in text
    copied = [word for line in text.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(kept)
    for path in copied:
        assert (ROOT / path).exists(), path
