"""When the gate looks at its pairs, and what each look may spend of the two error probabilities.

    look after n pairs        12    18    24    32    40     sum
    FAIL if p <= a_k / m    .004  .002  .002  .001  .001    .010
    PASS if p <= b_k        .020  .010  .010  .005  .005    .050

m is the number of gated metrics of the whole run, so that its false-alarm rate, all scenarios together, is at most the sum of
a_k (Bonferroni over metrics and looks). Everything must be proven to PASS: that needs no correction over metrics.
"""

from typing import Final

import msgspec

from experiments.gate.signed_rank import attained


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look: after `pairs` pairs, with the levels `fail` (of all metrics together) and `passing` (of each)."""

    pairs: int
    fail: float
    passing: float


LOOKS: Final = tuple(
    Look(pairs=pairs, fail=fail, passing=passing)
    for pairs, fail, passing in (
        (12, 0.004, 0.020),
        (18, 0.002, 0.010),
        (24, 0.002, 0.010),
        (32, 0.001, 0.005),
        (40, 0.001, 0.005),
    )
)


def single(pairs: int) -> tuple[Look, ...]:
    """One look that spends everything: for pairs that are put together after they were all played."""
    return (Look(pairs=pairs, fail=sum(one.fail for one in LOOKS), passing=sum(one.passing for one in LOOKS)),)


def false_alarm_rate(looks: tuple[Look, ...], metrics: int) -> float:
    """The most that the probability of a FAIL can be while no metric is slower by more than FAIL's limit, exactly.

    The signed-rank statistic is discrete: at each look the level is not a_k / m but the next smaller one it can attain.
    """
    return metrics * sum(attained(look.pairs, look.fail / metrics) for look in looks)


def missed_rate(looks: tuple[Look, ...]) -> float:
    """The most that the probability of a PASS can be while a metric is slower by PASS's limit or more, exactly."""
    return sum(attained(look.pairs, look.passing) for look in looks)
