"""The doctor: a machine that is as it should be gets no warning, and each planted fault gets one that says what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from experiments.machine import doctor
from experiments.machine.doctor import Finding

#: A machine as it should be, by the files it tells it in.
TOLD = {
    "/sys/fs/cgroup/cpu.max": "max 100000",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "/proc/sys/net/core/somaxconn": "4096",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999",
}


def found(check: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, **planted: str) -> list[Finding]:
    told = TOLD | {
        path: text for path in TOLD for name, text in planted.items() if path.endswith(name.replace("__", "."))
    }
    monkeypatch.setattr(doctor.inventory, "read_text", told.get)
    monkeypatch.setattr(doctor, "available", lambda: tuple(range(8)))
    monkeypatch.setattr(doctor.psutil, "cpu_count", lambda logical: 8)
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 8)
    return list(check())


@pytest.mark.parametrize("check", [doctor.cores, doctor.clocks])
def test_a_machine_as_it_should_be_gets_no_warning(monkeypatch: pytest.MonkeyPatch, check: Any) -> None:
    assert {one.level for one in found(check, monkeypatch)} == {"good"}


@pytest.mark.parametrize(
    ("check", "planted", "told"),
    [
        (doctor.cores, {"cpu__max": "150000 100000"}, "a cgroup quota of 1.5 CPUs: less than the 8 that are seen"),
        (
            doctor.clocks,
            {"scaling_governor": "powersave"},
            "frequency governor powersave: clock rates wander; cpupower",
        ),
        (doctor.clocks, {"current_clocksource": "hpet"}, "clock source hpet: reading the time is slow"),
        (doctor.memory, {"enabled": "[always] madvise never"}, "Redis's latency jumps; echo madvise"),
        (
            doctor.network,
            {"somaxconn": "128"},
            "128 connections may wait to be accepted: a fleet that connects at once",
        ),
        (doctor.network, {"range": "60000 61000"}, "1,001 ports for outgoing connections: 10,000 agents"),
    ],
)
def test_a_planted_fault_is_told_with_its_harm_and_remedy(
    monkeypatch: pytest.MonkeyPatch, check: Any, planted: dict[str, str], told: str
) -> None:
    warned = [one for one in found(check, monkeypatch, **planted) if one.level == "mind"]
    assert any(told in one.text for one in warned), warned


def test_a_server_that_does_not_run_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.broker, "program", lambda _: "/bin/false")
    first, *_ = doctor.programs()
    assert first.level == "stop"
    assert "deploy.redis_server" in first.text


def test_what_keeps_a_core_busy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        pid = 4711

        def cpu_percent(self) -> float:
            return 97.0

        def name(self) -> str:
            return "indexer"

    monkeypatch.setattr(doctor.psutil, "process_iter", lambda: [Busy()])
    monkeypatch.setattr(doctor.psutil, "cpu_percent", lambda interval: 50.0)
    first, *_ = doctor.noise()
    assert first == Finding(
        "mind",
        "50% of the CPUs are busy with something else, most of it indexer (pid 4711, 97% of a core): "
        "stop it, or expect noise",
    )
