"""What the gate keeps of what it played: slots and pairs, raw and frozen, as they stand in result.json.

A pair is dropped as a whole if one of its slots can't be used, whichever it is: by what the instrument says, by a slot that
failed, or by a figure that is missing. The rules don't know the side. The first pair warms the machine up and never counts.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import msgspec

Side = Literal["base", "head"]
Position = Literal[1, 2]
SIDES: Final[tuple[Side, ...]] = get_args(Side)

#: More than this share of the pairs dropped, and the machine isn't fit to measure; judged from so many pairs on.
MOST_DROPPED_RATIO: Final = 0.2
JUDGED_FROM_PAIRS: Final = 10


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One side in one place of a pair: a fresh stack, warmed up, measured, ended.

    `figures`: metric -> value, None where there is none. `cpu_us_per_record`: by process. `wrong_records`: by kind, what may
    not happen at any speed (correctness.py). `spoiled`: what the instrument did wrong. `failure`: why nothing was measured.
    """

    side: Side
    position: Position
    figures: dict[str, float | None] = {}
    cpu_us_per_record: dict[str, float] = {}
    wrong_records: dict[str, int] = {}
    spoiled: tuple[str, ...] = ()
    failure: str | None = None
    wall_s: float = 0.0


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of each side, in the order that the coin said. `index` counts from 0 within its scenario."""

    scenario: str
    index: int
    base_first: bool
    slots: tuple[Slot, Slot]

    def __post_init__(self) -> None:
        """Raises: ValueError if the slots aren't what the coin says."""
        wanted = ("base", "head") if self.base_first else ("head", "base")
        if tuple(one.side for one in self.slots) != wanted or tuple(one.position for one in self.slots) != (1, 2):
            got = " then ".join(one.side for one in self.slots)
            raise ValueError(f"pair {self.index} of {self.scenario} must be {' then '.join(wanted)}, got {got}")

    def of(self, side: Side) -> Slot:
        """The side's slot."""
        return next(one for one in self.slots if one.side == side)

    def dropped(self, metrics: Sequence[str]) -> list[str]:
        """Why it doesn't count; empty if it does."""
        found = []
        for one in self.slots:
            told = [one.failure] if one.failure is not None else list(one.spoiled)
            missing = [name for name in metrics if not _usable(one.figures, name)]
            found += told or [f"{name} has no value" for name in missing]
        return found


def _usable(figures: Mapping[str, float | None], name: str) -> bool:
    value = figures.get(name)
    return value is not None and value > 0


def counting(pairs: Sequence[Pair], metrics: Sequence[str]) -> list[Pair]:
    """The pairs that count, in order: not the first, none that was dropped."""
    return [one for one in pairs if one.index > 0 and not one.dropped(metrics)]


def unfit(pairs: Sequence[Pair], metrics: Sequence[str]) -> str | None:
    """Why the machine isn't fit; None if not too many pairs were dropped."""
    played = [one for one in pairs if one.index > 0]
    reasons = [reason for one in played for reason in one.dropped(metrics)]
    dropped = sum(bool(one.dropped(metrics)) for one in played)
    if len(played) < JUDGED_FROM_PAIRS or dropped <= MOST_DROPPED_RATIO * len(played):
        return None
    most = max(set(reasons), key=reasons.count)
    return (
        f"{dropped} of {len(played)} pairs had to be dropped, the limit is {MOST_DROPPED_RATIO:.0%}: "
        f"this machine isn't fit to measure now; most often because of: {most}"
    )
