"""Rules about the rate: where the load is steady, what is carried has a steady state within the window."""

from collections.abc import Iterator

from experiments.metrics.validity.rule import Evidence


def steady_state(seen: Evidence) -> Iterator[str]:
    """The warm-up ends before the middle of the window."""
    if seen.steady is not None and not seen.steady.reached:
        yield "the carried rate was still warming up at the window's middle: raise trial.warmup_s or measure_s"


def no_trend(seen: Evidence) -> Iterator[str]:
    """The rate doesn't drift: the whole interval of its drift lies beyond the limit."""
    steady, limits = seen.steady, seen.limits
    if steady is None or limits is None or steady.trend_low is None or steady.trend_high is None:
        return
    if steady.reached and (steady.trend_low > limits.trend_ratio or steady.trend_high < -limits.trend_ratio):
        yield (
            f"the carried rate changed by {steady.trend_low:+.1%} to {steady.trend_high:+.1%} over the window, the limit is"
            f" {limits.trend_ratio:.1%} (validity.trend_ratio): warm up longer, or find what drifts"
        )
