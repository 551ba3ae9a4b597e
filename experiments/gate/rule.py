"""The rule at one look, for one metric: slower (FAIL), not slower (as PASS wants it), or not known yet; and the mirror of it.

    slower      a slowdown of more than 1 % is proven at a_k / m
    not slower  a slowdown of less than 5 % is proven at b_k
    faster      an improvement of more than 1 % is proven at a_k / m: a gate that finds only slowdowns is broken

A regression that was accepted on purpose (`accepted`, a log-ratio) moves the origin: 1 % and 5 % count from there.
"""

from typing import Final, Literal

from experiments.gate.looks import Look
from experiments.gate.metric import Metric
from experiments.gate.paired import Paired

#: A slowdown must be more than this to FAIL, and less than that to PASS.
FAIL_ABOVE_RATIO: Final = 0.01
PASS_BELOW_RATIO: Final = 0.05

Finding = Literal["slower", "not slower", "unknown"]


def finding(pairs: Paired, metric: Metric, look: Look, metrics: int, accepted: float = 0.0) -> Finding:
    """What a look proves. Where both are proven (a slowdown of 3 %, known exactly), it is slower."""
    if pairs.p_slower(accepted + metric.slowdown(FAIL_ABOVE_RATIO)) <= look.fail / metrics:
        return "slower"
    if pairs.p_faster(accepted + metric.slowdown(PASS_BELOW_RATIO)) <= look.passing:
        return "not slower"
    return "unknown"


def faster(pairs: Paired, metric: Metric, look: Look, metrics: int) -> bool:
    """Whether a look proves an improvement."""
    return pairs.p_faster(metric.slowdown(-FAIL_ABOVE_RATIO)) <= look.fail / metrics
