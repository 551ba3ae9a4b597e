"""`[swarm.arrivals]` tables: what decodes, what is refused and with which words, and what other packages may offer."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import msgspec
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.mmpp import Mmpp
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import ArrivalProcess, OpenLoopProcess
from loadgen.model.arrivals.ramp import Ramp
from loadgen.model.arrivals.registry import BUILT_IN, GROUP, Arrivals
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.arrivals.step import Step
from loadgen.model.arrivals.trace import Trace
from loadgen.model.kinds import collect, kind_of


@pytest.mark.parametrize(
    ("table", "process"),
    [
        ({"kind": "constant", "rate_per_s": 2}, Constant(rate_per_s=2.0)),
        ({"kind": "poisson", "rate_per_s": 0.01}, Poisson(rate_per_s=0.01)),
        (
            {"kind": "onoff", "on_rate_per_s": 9, "on_s": 1, "off_s": 3},
            OnOff(on_rate_per_s=9.0, on_s=1.0, off_s=3.0, off_rate_per_s=0.0, times="exponential"),
        ),
        ({"kind": "mmpp", "states": [[1, 2], [0, 0.5]]}, Mmpp(states=((1.0, 2.0), (0.0, 0.5)))),
        (
            {"kind": "ramp", "from_rate_per_s": 0, "to_rate_per_s": 5, "over_s": 2},
            Ramp(from_rate_per_s=0.0, to_rate_per_s=5.0, over_s=2.0),
        ),
        ({"kind": "step", "steps": [[1, 5], [2, 0]]}, Step(steps=((1.0, 5.0), (2.0, 0.0)))),
        ({"kind": "trace", "path": "a.log"}, Trace(path="a.log", format="auto", speed=1.0)),
        ({"kind": "saturate"}, Saturate(window_batches=None)),
        ({"kind": "saturate", "window_batches": 3}, Saturate(window_batches=3)),
        ({"kind": "drain"}, Drain(backlog_batches=2000)),
    ],
)
def test_a_table_decodes_to_the_process_of_its_kind(table: dict[str, Any], process: ArrivalProcess) -> None:
    assert msgspec.convert(table, Arrivals) == process


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "poisson", "rate_per_s": -3.0}, "arrivals.rate_per_s must be > 0 and finite, got -3.0; "),
        ({"kind": "poisson", "rate_per_s": 0.0}, "arrivals.rate_per_s must be > 0 and finite, got 0.0; "),
        ({"kind": "constant", "rate_per_s": float("nan")}, "arrivals.rate_per_s must be > 0 and finite, got nan; "),
        ({"kind": "constant", "rate_per_s": float("inf")}, r'got inf; .* kind = "saturate" for full load'),
        ({"kind": "constant", "rate_per_s": 2e9}, "must be between 1e-09 and 1e[+]09, got 2000000000.0; "),
        ({"kind": "poisson", "rate_per_s": 1e-300}, "must be between 1e-09 and 1e[+]09, got 1e-300; "),
        ({"kind": "saturate", "window_batches": 0}, "arrivals.window_batches must be >= 1, got 0; "),
        ({"kind": "drain", "backlog_batches": -1}, "arrivals.backlog_batches must be >= 1, got -1; "),
        (
            {"kind": "onoff", "on_rate_per_s": 1e-10, "on_s": 1.0, "off_s": 1.0},
            "arrivals.on_rate_per_s must be between 1e-09 and 1e[+]09, got 1e-10; ",
        ),
        (
            {"kind": "onoff", "on_rate_per_s": 1.0, "on_s": 1e-4, "off_s": 1.0},
            "Expected `float` >= 0.001 - at `[$].on_s`",
        ),
        ({"kind": "mmpp", "states": [[1.0, 1.0]]}, "arrivals.states must have two states or more, got 1; "),
        ({"kind": "mmpp", "states": [[1.0, 1.0], [-1.0, 1.0]]}, "arrivals.states must be >= 0 and finite, got -1.0; "),
        ({"kind": "mmpp", "states": [[1.0, 1.0], [1.0, 0.0]]}, "arrivals.states must be between 0.001 .* s, got 0.0; "),
        ({"kind": "mmpp", "states": [[0.0, 1.0], [0.0, 2.0]]}, "arrivals.states must be > 0 and finite, got 0.0; "),
        ({"kind": "mmpp", "states": [[1.0]]}, "Expected `array` of length 2, got 1"),
        ({"kind": "step", "steps": []}, r"arrivals.steps must have a step, got \[\]; "),
        ({"kind": "step", "steps": [[2.0, 1.0], [2.0, 3.0]]}, "arrivals.steps must have rising times, got 2 after 2; "),
        ({"kind": "step", "steps": [[2.0, 0.0]]}, "arrivals.steps must have a rate above 0, got 0 for each; "),
        ({"kind": "step", "steps": [[0.0, 1.0]]}, "arrivals.steps must be between 0.001 and 1e[+]06 s, got 0.0; "),
        (
            {"kind": "ramp", "from_rate_per_s": 1.0, "to_rate_per_s": 1e-10, "over_s": 1.0},
            "arrivals.to_rate_per_s must be between 1e-09 and 1e[+]09, got 1e-10; ",
        ),
        ({"kind": "trace", "path": "a.log", "speed": 1e-7}, "Expected `float` >= 1e-06 - at `[$].speed`"),
        ({"kind": "trace", "path": "a.log", "format": "nginx"}, "Invalid enum value 'nginx'"),
        ({"kind": "poisson"}, "missing required field `rate_per_s`"),
        ({"kind": "poisson", "rate_per_s": 1.0, "rate": 1.0}, "unknown field `rate`"),
        ({"kind": "poisson", "rate_per_s": "1"}, "Expected `float`, got `str`"),
        ({"kind": "saturate", "window_batches": 1.5}, "Expected `int | null`, got `float`"),
        ({"kind": "posson", "rate_per_s": 1.0}, "Invalid value 'posson'"),
        ({"rate_per_s": 1.0}, "missing required field `kind`"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(table: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message) as caught:
        msgspec.convert(table, Arrivals)
    assert "\n" not in str(caught.value)


def test_construction_refuses_what_decoding_refuses() -> None:
    with pytest.raises(ValueError, match=r"got -3\.0"):
        Poisson(rate_per_s=-3.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: OnOff(on_rate_per_s=0.0, on_s=1.0, off_s=1.0),
            "arrivals.on_rate_per_s must be > 0 and finite, got 0.0",
        ),
        (
            lambda: OnOff(on_rate_per_s=1.0, on_s=1.0, off_s=1.0, off_rate_per_s=-1.0),
            "arrivals.off_rate_per_s must be >= 0 and finite, got -1.0",
        ),
        (lambda: OnOff(on_rate_per_s=1.0, on_s=1.0, off_s=float("nan")), "arrivals.off_s must be between .*, got nan"),
        (lambda: Ramp(from_rate_per_s=1.0, to_rate_per_s=0.0, over_s=1.0), "arrivals.to_rate_per_s must be > 0"),
        (
            lambda: Ramp(from_rate_per_s=1.0, to_rate_per_s=1.0, over_s=2e6),
            "arrivals.over_s must be between .* 2000000.0",
        ),
        (lambda: Trace(path="x", speed=0.0), "arrivals.speed must be between 1e-06 and 1e[+]06, got 0.0"),
    ],
)
def test_construction_knows_the_limits_of_the_tables_keys(make: Callable[[], ArrivalProcess], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_process_cannot_be_changed_after_its_check() -> None:
    process = Poisson(rate_per_s=1.0)
    with pytest.raises(AttributeError):
        process.rate_per_s = -1.0  # type: ignore[misc]


class Silent(OpenLoopProcess, frozen=True, kw_only=True, tag="silent"):
    """A process as another package may offer it."""


class SecondPoisson(OpenLoopProcess, frozen=True, kw_only=True, tag="poisson"):
    """One that takes a kind which exists."""


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an importable module that offers the above."""
    module = ModuleType("offers_arrivals")
    module.Silent, module.SecondPoisson, module.number = Silent, SecondPoisson, 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_an_installed_package_adds_a_kind(offers: str) -> None:
    processes = collect(ArrivalProcess, GROUP, BUILT_IN, [EntryPoint("silent", f"{offers}:Silent", GROUP)])
    assert [kind_of(process) for process in processes] == [*map(kind_of, BUILT_IN), "silent"]


def test_a_kind_offered_twice_is_refused(offers: str) -> None:
    point = EntryPoint("other", f"{offers}:SecondPoisson", GROUP)
    with pytest.raises(ValueError, match=r"'other' \(caudal.arrivals\) must offer a new kind, got 'poisson'"):
        collect(ArrivalProcess, GROUP, BUILT_IN, [point])


def test_an_entry_point_that_is_no_arrival_process_is_refused(offers: str) -> None:
    with pytest.raises(ValueError, match=r"'n' .* must name a subclass of ArrivalProcess, got offers_arrivals:number"):
        collect(ArrivalProcess, GROUP, BUILT_IN, [EntryPoint("n", f"{offers}:number", GROUP)])


def test_an_open_loop_process_without_times_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="Silent must give blocks"):
        Silent().blocks(1, 1)
    with pytest.raises(NotImplementedError, match="Silent must give scaled"):
        Silent().scaled(2.0)
    with pytest.raises(NotImplementedError, match="Silent must give mean_rate_per_s"):
        Silent().draw(1, 1, 10)
