"""What a config may say of a system that runs already, and when two of its workers can't be told apart."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.deploy import attach
from experiments.deploy.attach import AttachError, processes
from experiments.design.config import decode
from experiments.design.errors import ConfigError
from system.broker.presence import Announcement, clock_name, fingerprint
from system.settings import SystemSettings
from system.signatures.loaders import load

SYSTEM = SystemSettings()
RULES = fingerprint(load(SYSTEM.rules))
TEXT = """
[experiment]
name = "attached"
[swarm.arrivals]
kind = "saturate"
[deploy]
kind = "attach"
listen = "127.0.0.1:24224"
redis_url = "redis://127.0.0.1:6379/0"
"""


def announced(part: Any, **other: Any) -> Announcement:
    told: dict[str, Any] = {
        "part": part, "host": "web1", "pid": 7, "clock": clock_name(), "node": 0, "concurrency": 1, "settings": SYSTEM,
        "rules": RULES if part == "worker" else None,
    }  # fmt: skip
    return Announcement(**(told | other))


def found(monkeypatch: pytest.MonkeyPatch, *told: Announcement) -> list[Announcement]:
    monkeypatch.setattr(attach, "present", lambda _: list(told))
    return processes(None, SYSTEM, "redis://host/0")


def test_a_system_of_several_workers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [announced("gateway"), announced("worker"), announced("worker", node=3, concurrency=8)]
    assert found(monkeypatch, *told) == told
    placed = msgspec.structs.replace(SYSTEM, worker_cores=1, worker_nodes=2, worker_concurrency=4)
    assert found(monkeypatch, announced("gateway", settings=placed), announced("worker"))


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([announced("worker")], "no gateway announces itself .* (worker 0 on web1, pid 7 does)"),
        ([announced("gateway")], "no worker announces itself"),
        ([announced("gateway"), announced("worker"), announced("worker", pid=8)], "workers share a number.*--node"),
        ([announced("gateway", clock="another"), announced("worker")], "gateway on web1.* another clock"),
        ([announced("gateway"), announced("worker", rules="0123")], r"scans with other rules \(0123"),
        (
            [announced("gateway", settings=msgspec.structs.replace(SYSTEM, coalesce=9)), announced("worker")],
            r"coalesce = 9 \(not 1\); --set 'system.coalesce=9' takes them over",
        ),
    ],
)
def test_another_system_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, told: list[Announcement], complaint: str
) -> None:
    with pytest.raises(AttachError, match=complaint.replace("(worker", r"\(worker").replace("does)", r"does\)")):
        found(monkeypatch, *told)


def test_settings_are_shown_so_that_they_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    other = msgspec.structs.replace(
        SYSTEM, celery={"task_acks_late": True, "broker_transport_options": {"max_connections": 1}}
    )
    with pytest.raises(AttachError) as told:
        found(monkeypatch, announced("gateway", settings=other), announced("worker"))
    word = str(told.value).split("--set '")[1].split("'")[0]
    assert decode(TEXT, source="test", folder=Path(), overrides=[word]).configs[0].system.celery == {
        **SYSTEM.celery, **decode(TEXT, source="test", folder=Path()).configs[0].system.celery, **other.celery,
        "broker_transport_options": {
            **decode(TEXT, source="test", folder=Path()).configs[0].system.celery["broker_transport_options"],
            "max_connections": 1,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('listen = "127.0.0.1:24224"\n', ""), r"deploy\.listen must be given"),
        (('redis_url = "redis://127.0.0.1:6379/0"\n', ""), r"deploy\.redis_url must be given"),
        (('kind = "attach"', 'kind = "local"'), r"deploy\.listen must be left out"),
        (('"127.0.0.1:24224"', '"here"'), r"deploy\.listen"),
        (('kind = "saturate"', 'kind = "drain"\nbacklog_batches = 5'), r"swarm\.arrivals\.kind must be another"),
        (("[deploy]", '[[faults]]\nkind = "kill_worker_node"\nat_s = 1.0\n[deploy]'), "faults must be left out"),
    ],
)
def test_a_config_that_cannot_be_measured_so_is_refused(change: tuple[str, str], complaint: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(ConfigError, match=complaint):
        decode(TEXT.replace(*change), source="test", folder=Path())
