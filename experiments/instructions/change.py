"""What became of each benchmark's instructions between two commits, and whether that may be.

More than the threshold is a failure, whatever the reason: a count has no noise to hide in. So is a benchmark that base had
and head hasn't, for a renamed one would otherwise never be compared again.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from experiments.gate.commits import BENCH, TRAILER

#: Two builds of one commit differ by at most 0.05 % (docs/adr/0018), so that 1 % is never chance.
MOST_RISE_RATIO: Final = 0.01
#: The accepted change that says: this benchmark is gone on purpose.
GONE_RATIO: Final = -1.0

What = Literal["same", "fewer", "more", "accepted", "new", "missing"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark: instructions a call, None where a side doesn't have it. `allowed_ratio`: accepted on purpose."""

    name: str
    base: float | None
    head: float | None
    allowed_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """head / base."""
        return self.head / self.base if self.base and self.head is not None else None

    @property
    def what(self) -> What:
        """What became of it."""
        if self.base is None:
            return "new"
        if self.ratio is None:
            return "accepted" if self.allowed_ratio == GONE_RATIO else "missing"
        if self.ratio > (1 + (self.allowed_ratio or 0.0)) * (1 + MOST_RISE_RATIO):
            return "more"
        if self.ratio > 1 + MOST_RISE_RATIO:
            return "accepted"
        return "fewer" if self.ratio < 1 - MOST_RISE_RATIO else "same"

    @property
    def failure(self) -> str | None:
        """The sentence for what may not be; None if it may."""
        if self.what == "missing":
            return (
                f"{self.name}: base has this benchmark and head doesn't; give it back its name, or put this line at the end "
                f"of a commit's message: {TRAILER}: {BENCH}/{self.name} {GONE_RATIO:.0%}"
            )
        if self.what != "more" or self.ratio is None:
            return None
        beside = "" if self.allowed_ratio is None else f" beside the accepted {self.allowed_ratio:+.0%}"
        return (
            f"{self.name}: {self.base:,.0f} to {self.head:,.0f} instructions a call, a ratio of {self.ratio:.4f}; more than "
            f"{MOST_RISE_RATIO:.0%}{beside} is a failure; to accept it on purpose, put this line at the end of a commit's "
            f"message: {TRAILER}: {BENCH}/{self.name} {self.ratio - 1:+.1%}"
        )

    def __str__(self) -> str:
        cells = [f"{one:>14,.0f}" if one is not None else f"{'–':>14}" for one in (self.base, self.head)]
        change = "" if self.ratio is None else f"{self.ratio - 1:+.3%}"
        return f"{self.name:<50} {cells[0]} {cells[1]} {change:>10}  {self.what}"


def changes(base: Mapping[str, float], head: Mapping[str, float], allowed: Mapping[str, float]) -> list[Change]:
    """Every benchmark of either side, by name. `allowed`: by name, accepted changes as ratios."""
    return [
        Change(name=name, base=base.get(name), head=head.get(name), allowed_ratio=allowed.get(name))
        for name in sorted({*base, *head})
    ]
