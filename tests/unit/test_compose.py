"""docker-compose.yml keeps its promises: order by health, Redis unpublished and behind passwords, no root, real commands.

The docker daemon isn't needed: the file is read as YAML, held against the specification's schema, and each service's command
is parsed by our own command line. tests/compose-spec.json is schema/compose-spec.json of the Compose specification
(github.com/compose-spec/compose-spec, commit 170098b of 2026-06-23, Apache-2.0), unchanged.
"""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft7Validator

from experiments.cli.main import caudal

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: What needs Redis, and what needs the whole system.
PARTS = ("gateway", "worker", "sweeper")
SCHEMA: dict[str, Any] = json.loads((ROOT / "tests" / "compose-spec.json").read_text())


def filled(value: Any) -> Any:
    """A value as Compose reads it, with passwords and defaults filled in."""
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, str):
        value = re.sub(r"\$\{\w+:\?[^}]*\}", "0123abcd", value)
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("$$", "$")
    return value


def user_line(redis: dict[str, Any], user: str) -> str:
    """What a Redis user may do, as the server reads it."""
    found = re.search(rf"^user {user} (.*)$", redis["command"][-1], re.MULTILINE)
    return found[1] if found else ""


def wrong(compose: dict[str, Any]) -> list[str]:
    """The promises that a file breaks."""
    services = compose["services"]
    redis = services["redis"]
    found = []
    if "ports" in redis or "network_mode" in redis:
        found.append("redis is published")
    if not all(compose["networks"][name]["internal"] for name in redis["networks"]):
        found.append("redis is on a network that leads outside")
    if "redis-cli" not in str(redis.get("healthcheck")):
        found.append("redis has no healthcheck")
    if user_line(redis, "default") != "off":
        found.append("redis lets in whoever names no user")
    if ">$$CAUDAL_REDIS_PASSWORD" not in user_line(redis, "caudal"):
        found.append("redis has no password")
    if not {"-@admin", "-@dangerous"} <= set(user_line(redis, "caudal").split()):
        found.append("workers may administer redis")
    if "-@all" not in user_line(redis, "gateway") or "%W~b:*" not in user_line(redis, "gateway"):
        found.append("the gateway may read payloads")
    if "noeviction" not in redis["command"][-1]:
        found.append("redis may evict what is queued")
    if any(":?" not in text for name, text in redis["environment"].items() if name.endswith("_PASSWORD")):
        found.append("the password has a default")
    for name, service in services.items():
        if name in PARTS and "redis" not in service["depends_on"]:
            found.append(f"{name} doesn't wait for redis")
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] != "service_healthy" or "healthcheck" not in services[other]:
                found.append(f"{name} doesn't wait for {other} to be healthy")
        if any("${" in str(word) and "PASSWORD" in str(word) for word in service["command"]):
            found.append(f"{name} has a password on its command line")
        if service.get("user", "0").split(":")[0] in ("0", "root"):
            found.append(f"{name} is root")
        if service.get("read_only") is not True:
            found.append(f"{name} may write to its image")
        if any(not str(port).startswith("127.0.0.1:") for port in service.get("ports", ())):
            found.append(f"{name} is published beyond loopback")
    return found


def test_the_file_keeps_its_promises() -> None:
    assert set(COMPOSE["services"]) == {"redis", *PARTS, "agent", "measure", "bench"}
    assert wrong(COMPOSE) == []


def publish_redis(services: dict[str, Any]) -> None:
    services["redis"]["ports"] = ["6379:6379"]


def start_early(services: dict[str, Any]) -> None:
    services["worker"]["depends_on"]["redis"]["condition"] = "service_started"


def default_password(services: dict[str, Any]) -> None:
    services["redis"]["environment"]["CAUDAL_REDIS_PASSWORD"] = "${CAUDAL_REDIS_PASSWORD:-secret}"


def let_everybody_in(services: dict[str, Any]) -> None:
    services["redis"]["command"][-1] = services["redis"]["command"][-1].replace("default off", "default on nopass")


def let_the_gateway_read(services: dict[str, Any]) -> None:
    services["redis"]["command"][-1] = services["redis"]["command"][-1].replace("%W~b:*", "~b:*")


def show_the_password(services: dict[str, Any]) -> None:
    services["worker"]["command"].append("--redis=redis://:${CAUDAL_REDIS_PASSWORD:?}@redis:6379/0")


def run_as_root(services: dict[str, Any]) -> None:
    services["gateway"]["user"] = "0:0"


def publish_everywhere(services: dict[str, Any]) -> None:
    services["gateway"]["ports"] = ["24224:24224"]


def leave_inside(services: dict[str, Any]) -> None:
    services["redis"]["networks"].append("outside")


@pytest.mark.parametrize(
    "break_it",
    [
        publish_redis,
        start_early,
        default_password,
        let_everybody_in,
        let_the_gateway_read,
        show_the_password,
        run_as_root,
        publish_everywhere,
        leave_inside,
    ],
)
def test_a_broken_promise_is_noticed(break_it: Callable[[dict[str, Any]], None]) -> None:
    compose = copy.deepcopy(COMPOSE)
    compose["networks"]["outside"] = {"internal": False}
    break_it(compose["services"])
    assert len(wrong(compose)) >= 1


def schema_errors(compose: Any) -> list[str]:
    """What the Compose specification's schema says of a file."""
    return [one.message for one in Draft7Validator(SCHEMA).iter_errors(filled(compose))]


def test_the_file_is_one_by_the_compose_specification() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert schema_errors(COMPOSE) == []


@pytest.mark.parametrize(
    ("key", "value"), [("depends_onn", {}), ("restart", 3), ("depends_on", {"redis": {"condition": "service_well"}})]
)
def test_a_file_that_is_none_is_noticed(key: str, value: Any) -> None:
    compose = copy.deepcopy(COMPOSE)
    compose["services"]["worker"][key] = value
    assert schema_errors(compose)


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose isn't installed")
@pytest.mark.parametrize("profiles", [(), ("agent", "measure", "bench")])
def test_docker_compose_reads_it(profiles: tuple[str, ...]) -> None:
    words = ["docker-compose", *(word for one in profiles for word in ("--profile", one)), "config"]
    environment = {**os.environ, "CAUDAL_REDIS_PASSWORD": "0123abcd", "CAUDAL_GATEWAY_PASSWORD": "4567cdef"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def parsed(words: list[str]) -> click.Context:
    """A command line as our own reads it."""
    group = click.Context(caudal, info_name="caudal")
    command = caudal.get_command(group, words[0])
    assert command is not None
    return command.make_context(words[0], words[1:], parent=group)


@pytest.mark.parametrize("name", [*PARTS, "agent", "measure", "bench"])
def test_the_commands_are_ones_that_the_command_line_takes(name: str) -> None:
    service = filled(COMPOSE["services"][name])
    words = [*service.get("entrypoint", ["caudal"]), *service["command"]]
    assert words[0] == "caudal"
    given = parsed(words[1:]).params
    if name in PARTS:
        user = "gateway:" if name == "gateway" else "caudal:"
        assert service["environment"]["CAUDAL_REDIS"] == f"redis://{user}0123abcd@redis:6379/0"
    if name in ("measure", "bench"):
        assert (given["config"], str(given["out"])) == ("quickstart", "/results")
        assert service["volumes"] == ["./results:/results"]
    assert given.get("attach") == ("gateway:24224" if name == "measure" else None)


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_the_healthchecks_are_ones_that_the_command_line_takes(name: str) -> None:
    kind, *words = filled(COMPOSE["services"][name]["healthcheck"]["test"])
    assert (kind, words[0]) == ("CMD", "caudal")
    assert parsed(words[1:]).params["part"] == name


def test_the_gateway_listens_where_it_is_published_and_probed() -> None:
    gateway = COMPOSE["services"]["gateway"]
    port = gateway["command"][gateway["command"].index("--listen") + 1].rpartition(":")[2]
    assert gateway["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert gateway["healthcheck"]["test"][-1] == f"127.0.0.1:{port}"


def test_the_image_has_what_the_services_name() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["caudal"]' in text
    assert f"USER {COMPOSE['services']['gateway']['user']}" in text
    lines = [line for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    copied = [word for line in lines for word in line.split()[1:-1]]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(kept)
    for path in copied:
        assert (ROOT / path).exists(), path
