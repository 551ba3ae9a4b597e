"""What every probe of the registry keeps to: it reads and changes nothing, names what it reads, and fails in one way only.

`wrong` is the whole list; the planted probes at the end each break one point of it.
"""

import contextlib
import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.probes.probe import Builder, Probe, ProbeError, Reading, Watched
from experiments.probes.registry import DEFAULT, PROBES, builders, known
from experiments.store.tables import PROBES as COLUMNS
from tests.watching import Worker, watched

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text("utf-8")

#: By figure: level or counter, as the glossary says. `command:NAME` stands for all commands.
KINDS = {
    name.strip(): row[2]
    for row in re.findall(r"^\| ([a-z_:, A-Z]+) \| (\w+) \| (level|counter)", GLOSSARY, re.MULTILINE)
    for name in row[0].split(",")
}

#: A sample takes less CPU time than this, s. The dearest takes 0.015 s on a 2-core guest, once in a trial's window.
MOST_CPU_S = 0.1


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Watched, Worker, Any]]:
    with watched(tmp_path) as found:
        yield found


def kind(figure: str) -> str | None:
    return KINDS.get("command:NAME" if figure.startswith("command:") else figure)


def wrong_readings(readings: list[Reading]) -> list[str]:
    found = []
    for one in readings:
        if not math.isfinite(one.value) or one.value < 0:
            found.append(f"{one.part}.{one.figure} is {one.value}")
        if kind(one.figure) is None:
            found.append(f"{one.figure} isn't explained in the glossary")
        found += [
            f"{text} is too long for its column"
            for text, column in ((one.part, "part"), (one.figure, "figure"))
            if COLUMNS[column].itemsize < 4 * len(text)
        ]
    names = [(one.part, one.figure) for one in readings]
    return found + [f"{name} stands twice" for name in sorted(set(names)) if names.count(name) > 1]


def open_files() -> set[tuple[str, str]]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


def wrong(name: str, builder: Builder, world: tuple[Watched, Worker, Any]) -> list[str]:
    """What a probe does that it must not."""
    things, worker, server = world
    files = open_files()
    probe = builder(things)
    found = [] if probe.name == name else [f"it calls itself {probe.name}"]
    if not probe.least_period_s >= 0:
        found.append(f"least_period_s is {probe.least_period_s}")
    last: dict[tuple[str, str], float] = {}
    spent = []
    for turn in range(5):
        begin = time.thread_time()
        readings = probe.sample()
        spent.append(time.thread_time() - begin)
        found += wrong_readings(readings)
        if not readings and not probe.missing:
            found.append("it reads nothing and doesn't say why")
        now = {(one.part, one.figure): one.value for one in readings}
        found += [
            f"{key} fell from {last[key]} to {now.get(key)}"
            for key in last
            if kind(key[1]) == "counter" and now.get(key, -1.0) < last[key]
        ]
        last = now
        # Work between the samples, processes that come and go, and in the end the one that was watched is gone.
        worker.do("import subprocess; subprocess.run(['true'])") if turn < 3 else worker.end()
    if sorted(spent)[2] > MOST_CPU_S:
        found.append(f"a sample takes {sorted(spent)[2]:.3f} s")
    server.process.stop()
    try:
        found += wrong_readings(probe.sample())
    except ProbeError:
        pass
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        found.append(f"without a broker it raises {error!r}")
    probe.close()
    probe.close()
    things.client.close()
    worker.end()
    return found + [f"it leaves {path} open" for _, path in open_files() - files]


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_keeps_to_the_rules(name: str, world: tuple[Watched, Worker, Any]) -> None:
    assert wrong(name, PROBES[name], world) == []


def test_the_default_probes_are_there() -> None:
    assert set(DEFAULT) <= set(PROBES) == set(known())
    assert builders(DEFAULT) == {name: PROBES[name] for name in DEFAULT}
    with pytest.raises(KeyError):
        builders(["no such probe"])


class Sound:
    """A probe that keeps to everything."""

    name = "sound"
    least_period_s = 0.0

    def __init__(self, things: Watched) -> None:
        self.missing: dict[str, str] = {}
        self.turn = 0
        self.client = things.client

    def sample(self) -> list[Reading]:
        self.turn += 1
        return [Reading("broker", "commands", self.turn)]

    def close(self) -> None:
        pass


class NotANumber(Sound):
    def sample(self) -> list[Reading]:
        return [Reading("broker", "commands", math.nan)]


class Falls(Sound):
    def sample(self) -> list[Reading]:
        self.turn -= 1
        return [Reading("broker", "commands", 10 + self.turn)]


class Forgets(Sound):
    def sample(self) -> list[Reading]:
        self.turn += 1
        return [Reading("swarm" if self.turn < 3 else "broker", "commands", 1)]


class Silent(Sound):
    def sample(self) -> list[Reading]:
        return []


class Unexplained(Sound):
    def sample(self) -> list[Reading]:
        return [Reading("broker", "furlongs", 1)]


class Twice(Sound):
    def sample(self) -> list[Reading]:
        return [Reading("broker", "commands", 1)] * 2


class TooLong(Sound):
    def sample(self) -> list[Reading]:
        return [Reading("a part whose name is too long", "commands", 1)]


class RaisesAnything(Sound):
    def sample(self) -> list[Reading]:
        return [Reading("broker", "commands", self.client.llen("celery"))]


class Leaks(Sound):
    def __init__(self, things: Watched) -> None:
        super().__init__(things)
        self.file = os.open("/proc/self/stat", os.O_RDONLY)


class Dear(Sound):
    def sample(self) -> list[Reading]:
        until = time.thread_time() + 1.5 * MOST_CPU_S
        while time.thread_time() < until:
            pass
        return super().sample()


class Misnamed(Sound):
    name = "other"


def test_the_sound_probe_passes(world: tuple[Watched, Worker, Any]) -> None:
    assert wrong("sound", Sound, world) == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (NotANumber, "broker.commands is nan"),
        (Falls, "fell from 9 to 8"),
        (Forgets, "fell from 1 to None"),
        (Silent, "it reads nothing and doesn't say why"),
        (Unexplained, "furlongs isn't explained"),
        (Twice, "stands twice"),
        (TooLong, "is too long for its column"),
        (RaisesAnything, "without a broker it raises network:ConnectionError"),
        (Leaks, "stat open"),
        (Dear, "a sample takes 0.1"),
        (Misnamed, "it calls itself other"),
    ],
)
def test_a_planted_wrong_probe_is_found(planted: type[Probe], said: str, world: tuple[Watched, Worker, Any]) -> None:
    found = wrong("sound", planted, world)  # type: ignore[arg-type]
    assert any(said in one for one in found), found
