"""How long to wait before the next attempt to connect: exponential backoff with full jitter, bounded.

The wait is uniform between 0 and a bound that doubles with each attempt in vain up to `cap_s`. Without the jitter,
agents that a restarted gateway cut off together would come back together, again and again.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (the variant "full jitter").
"""

import random

import msgspec

#: 2**60 times any base is beyond any cap: counting further would only overflow.
_MOST_DOUBLINGS = 60


class Backoff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waits of uniform(0, min(cap_s, base_s * 2**attempt)) seconds; attempt 0 is the first."""

    base_s: float = 0.1
    cap_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 < self.base_s <= self.cap_s < float("inf"):
            raise ValueError(
                f"backoff must have 0 < base_s <= cap_s, both finite, got base_s = {self.base_s}, cap_s = {self.cap_s}"
            )

    def bound_s(self, attempt: int) -> float:
        """Gives the longest wait before this attempt."""
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt, _MOST_DOUBLINGS))

    def wait_s(self, attempt: int, draw: random.Random) -> float:
        """Gives the wait before this attempt."""
        return draw.uniform(0.0, self.bound_s(attempt))
