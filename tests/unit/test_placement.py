"""Placement: workers first on their own cores, everybody else beside them where there is room, and never a CPU too many."""

from pathlib import Path
from typing import Any

import pytest

from experiments.deploy import placement
from experiments.deploy.placement import Placement, PlacementError, available, place

EIGHT = (0, 1, 2, 3, 4, 5, 6, 7)


def parts(found: Placement) -> dict[str, tuple[int, ...]]:
    return {name: getattr(found, name) for name in found.__struct_fields__}


def test_workers_get_the_first_cores_and_the_rest_is_shared() -> None:
    rest = (2, 3, 4, 5, 6, 7)
    assert parts(place(EIGHT, 2, {})) == {
        "workers": (0, 1), "celery_parents": (0, 1), "swarm": rest, "gateway": rest, "broker": rest,
    }  # fmt: skip


def test_the_swarm_is_off_the_workers_cores_wherever_there_is_another() -> None:
    for cores in range(1, 8):
        found = place(EIGHT, cores, {})
        assert not set(found.swarm) & set(found.workers), cores


@pytest.mark.parametrize("cores", [8, "all"])
def test_with_all_cores_taken_everybody_shares_them(cores: Any) -> None:
    assert set(parts(place(EIGHT, cores, {})).values()) == {EIGHT}


def test_the_order_given_is_the_order_filled() -> None:
    assert place((0, 2, 1, 3), 2, {}).workers == (0, 2)


def test_where_nothing_can_be_pinned_every_list_is_empty() -> None:
    assert set(parts(place((), 4, {})).values()) == {()}
    assert set(parts(place((), "all", {})).values()) == {()}


def test_what_a_config_names_is_taken_as_it_is() -> None:
    asked = {"swarm": (7,), "gateway": (6,), "broker": (5, 4), "celery_parents": (3,), "workers": (1, 2)}
    assert parts(place(EIGHT, 2, asked)) == asked


def test_what_a_config_does_not_name_keeps_off_the_named_workers() -> None:
    found = place(EIGHT, 2, {"workers": (6, 7), "swarm": None})
    assert (found.workers, found.celery_parents, found.swarm) == ((6, 7), (6, 7), (0, 1, 2, 3, 4, 5))


@pytest.mark.parametrize("part", ["swarm", "gateway", "broker", "celery_parents", "workers"])
def test_a_cpu_that_is_not_there_is_named(part: str) -> None:
    with pytest.raises(PlacementError, match=rf"placement.{part} names CPU 9, but this process may use only \[0, 1\]"):
        place((1, 0), 1, {part: (0, 9)})


def test_more_worker_cores_than_there_are_is_refused() -> None:
    with pytest.raises(PlacementError, match="worker_cores must be at most 2, the CPUs this process may use, got 3"):
        place((0, 1), 3, {})


def test_smt_siblings_come_after_every_physical_core(monkeypatch: pytest.MonkeyPatch) -> None:
    siblings = {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5", 2: "2-3", 3: "2-3", 6: "6"}
    monkeypatch.setattr(placement.os, "sched_getaffinity", lambda _: set(siblings), raising=False)

    def read(path: Path) -> str:
        return siblings[int(path.parent.parent.name.removeprefix("cpu"))] + "\n"

    monkeypatch.setattr(placement.Path, "read_text", read)
    assert available() == (0, 1, 2, 6, 3, 4, 5)


def test_a_machine_that_tells_nothing_of_its_cores_is_filled_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement.os, "sched_getaffinity", lambda _: {3, 1, 2}, raising=False)

    def read(path: Path) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(placement.Path, "read_text", read)
    assert available() == (1, 2, 3)


def test_a_system_that_cannot_pin_has_no_cpus_to_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(placement.os, "sched_getaffinity", raising=False)
    assert available() == ()
