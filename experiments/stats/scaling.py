"""How throughput grows with size: the universal scalability law and Amdahl's, fitted to trials, with intervals.

    X(N) = r N / (1 + s (N - 1) + k N (N - 1))        N: size (count), X: records/s, r: records/s of one

`s` is the share that runs one at a time (contention), `k` what each pair costs for agreeing (crosstalk); Amdahl has k = 0.
Trials differ by a factor, so squares of log residuals are least, with r, s, k >= 0. Intervals: parametric bootstrap over the
trials, from residuals of the fit's own spread (which is drawn too, as its estimate scatters).

A law is fitted only where there are more sizes than parameters: else it goes through any points and says nothing.
Sources: N. J. Gunther, "Guerrilla Capacity Planning" (2007), chapters 4 and 5; G. M. Amdahl, AFIPS 30 (1967).
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Floats = npt.NDArray[np.float64]

#: Draws of a bootstrap, and the seed of all of them: the same trials give the same intervals.
DRAWS: Final = 1000
_SEED: Final = 20261128

#: Residuals that an interval needs beside the parameters, as five trials of a cell leave four.
LEAST_FREEDOM: Final = 4

#: Names of the parameters, in their order. A law has the first so many.
PARAMETERS: Final = ("rate_per_s", "serial_ratio", "crosstalk_ratio")

#: By law: its number of parameters.
LAWS: Final = {"amdahl": 2, "usl": 3}

_STEPS: Final = 50
_CLOSE: Final = 1e-10


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A size that the law was fitted without: its mean as measured, as predicted, and predicted by measured less 1."""

    size: int
    measured_records_per_s: float
    predicted_records_per_s: float
    error_ratio: float


class LawFit(msgspec.Struct, frozen=True, kw_only=True):
    """One law. `peak`: the size of most throughput, where its interval is finite. `spread_ratio`: of trials about the law."""

    law: str
    parameters: dict[str, Bounded]
    peak: Bounded | None
    spread_ratio: float
    trials: int
    left_out: list[LeftOut]


class Fit(NamedTuple):
    """A fitted law: (r, s, k), and the same of each draw, shape (draws, 3), empty without intervals."""

    law: str
    values: Floats
    draws: Floats
    spread: float
    trials: int

    def bounds(self) -> tuple[Floats, Floats] | None:
        """The bounds of the parameters' 95 % intervals, each (r, s, k); None without intervals."""
        if not len(self.draws):
            return None
        low, high = np.percentile(self.draws, (2.5, 97.5), axis=0)
        return low, high

    def curve(self, sizes: Sequence[float]) -> tuple[Floats, Floats | None, Floats | None]:
        """Throughput at some sizes, and the bounds of its 95 % interval there."""
        at = np.asarray(sizes, np.float64)
        if not len(self.draws):
            return throughput(self.values, at), None, None
        drawn = np.stack([throughput(one, at) for one in self.draws])
        low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
        return throughput(self.values, at), low, high


def throughput(parameters: Floats, sizes: Floats) -> Floats:
    """X(N) of the module's equation, for (r, s, k)."""
    rate, serial, crosstalk = parameters
    found: Floats = rate * sizes / (1 + serial * (sizes - 1) + crosstalk * sizes * (sizes - 1))
    return found


def peak(parameters: Floats) -> float:
    """The size of most throughput, sqrt((1 - s) / k); infinite where throughput never falls, 1 where it falls at once."""
    _, serial, crosstalk = (float(one) for one in parameters)
    if crosstalk <= 0:
        return math.inf if serial < 1 else 1.0
    return max(1.0, math.sqrt(max(0.0, 1 - serial) / crosstalk))


def fit(law: str, sizes: Sequence[int], rates: Sequence[float]) -> Fit | None:
    """A law fitted to trials, one size and one rate (> 0, records/s) each.

    Gives None where the sizes are no more than the parameters, or no finite law is nearest.
    """
    number = LAWS[law]
    at, logs = np.asarray(sizes, np.float64), np.log(np.asarray(rates, np.float64))
    if len(np.unique(at)) <= number:
        return None
    values = _nearest(number, at, logs)
    if values is None:
        return None
    freedom = len(logs) - number
    spread = math.sqrt(float(np.sum((logs - np.log(throughput(values, at))) ** 2)) / freedom)
    draws = _bootstrap(number, at, values, spread, freedom) if freedom >= LEAST_FREEDOM else np.empty((0, 3))
    return Fit(law, values, draws, spread, len(logs))


def told(found: Fit, sizes: Sequence[int], rates: Sequence[float]) -> LawFit:
    """What is stored of a fit: parameters and peak with intervals, and each size predicted from the others."""
    bounds = found.bounds()
    parameters = {
        name: Bounded(
            value=float(found.values[place]),
            low=None if bounds is None else float(bounds[0][place]),
            high=None if bounds is None else float(bounds[1][place]),
        )
        for place, name in enumerate(PARAMETERS[: LAWS[found.law]])
    }
    return LawFit(
        law=found.law,
        parameters=parameters,
        peak=_peak(found),
        spread_ratio=math.expm1(found.spread),
        trials=found.trials,
        left_out=left_out(found.law, sizes, rates),
    )


def left_out(law: str, sizes: Sequence[int], rates: Sequence[float]) -> list[LeftOut]:
    """Each size predicted by the law fitted to the others, where those are still more than the parameters."""
    at, logs = np.asarray(sizes, np.float64), np.log(np.asarray(rates, np.float64))
    if len(np.unique(at)) - 1 <= LAWS[law]:
        return []
    found = []
    for size in np.unique(at):
        values = _nearest(LAWS[law], at[at != size], logs[at != size])
        if values is None:
            continue
        measured = math.exp(float(logs[at == size].mean()))
        predicted = float(throughput(values, np.array([size]))[0])
        found.append(
            LeftOut(
                size=int(size),
                measured_records_per_s=measured,
                predicted_records_per_s=predicted,
                error_ratio=predicted / measured - 1,
            )
        )
    return found


def _peak(found: Fit) -> Bounded | None:
    value = peak(found.values)
    drawn = [peak(one) for one in found.draws]
    if not drawn or not math.isfinite(value):
        return None
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")  # no mean of two, of which one is infinite
    return Bounded(value=value, low=float(low), high=float(high)) if math.isfinite(high) else None


def _nearest(number: int, at: Floats, logs: Floats) -> Floats | None:
    """(r, s, k) of the least squares of logs, by Gauss's and Newton's steps; None where no finite law is nearest.

    N / X = a + b (N - 1) + c N (N - 1) is linear in (a, b, c) = (1, s, k) / r, so that each step is a linear problem under
    a, b, c >= 0. The first step has each trial's relative residual, which is its log residual but for a square.
    """
    terms = np.stack([np.ones_like(at), at - 1, at * (at - 1)][:number], axis=1)
    seen = np.log(at) - logs  # log(N / X)
    model = np.exp(seen)
    target = np.ones_like(seen)
    found = np.zeros(number)
    for _ in range(_STEPS):
        before = found
        found, _rest = nnls(terms / model[:, None], target)
        model = terms @ found
        if found[0] <= 0 or model.min() <= 0:
            return None
        target = 1 + seen - np.log(model)
        if np.max(np.abs(found - before)) <= _CLOSE * np.max(found):
            break
    rate = 1 / found[0]
    values = np.zeros(3)
    values[0], values[1:number] = rate, found[1:] * rate
    return values


def _bootstrap(number: int, at: Floats, values: Floats, spread: float, freedom: int) -> Floats:
    rng = np.random.Generator(np.random.PCG64(_SEED))
    centre = np.log(throughput(values, at))
    # The spread was estimated from so few trials: were it another, the interval would be as much wider or narrower.
    spreads = spread * np.sqrt(freedom / rng.chisquare(freedom, DRAWS))
    noise = rng.standard_normal((DRAWS, len(at)))
    found = [_nearest(number, at, centre + one * wide) for one, wide in zip(noise, spreads, strict=True)]
    return np.array([one for one in found if one is not None]).reshape(-1, 3)
