"""Which process costs more: CPU time a record by process, head against base over the same pairs.

It explains, it doesn't decide: four processes are compared without correction. A rise is named only if its 95 % interval lies
above 0; if none does, head waits where base didn't, and the message says so.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

from experiments.gate.metric import METRICS
from experiments.gate.paired import Paired
from experiments.gate.slot import Pair

#: The processes of the system under test: what the metric `cpu` is the sum of.
PROCESSES: Final = ("gateway", "broker", "workers", "sweeper")


class ProcessCost(msgspec.Struct, frozen=True, kw_only=True):
    """One process: medians over the pairs, and the change with its 95 % interval (None: too few pairs)."""

    process: str
    base_us: float
    head_us: float
    change_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None

    @property
    def rose(self) -> bool:
        """Whether a rise is proven, as far as one interval proves it."""
        return self.low_ratio is not None and self.low_ratio > 0

    def __str__(self) -> str:
        told = f"{self.process}: {self.base_us:.3g} to {self.head_us:.3g} us CPU a record"
        if self.change_ratio is None or self.low_ratio is None or self.high_ratio is None:
            return told
        change, low, high = (f"{one * 100:+.1f} %" for one in (self.change_ratio, self.low_ratio, self.high_ratio))
        return f"{told} ({change}, 95 % interval {low} to {high})"


def by_process(pairs: Sequence[Pair]) -> list[ProcessCost]:
    """What each process costs, the one that rose most first. Processes without a cost in every slot are left out."""
    found = []
    for process in PROCESSES:
        costs = [(one.of("base").cpu_us_per_record, one.of("head").cpu_us_per_record) for one in pairs]
        both = [(base.get(process, 0.0), head.get(process, 0.0)) for base, head in costs]
        if not both or min(min(one) for one in both) <= 0:
            continue
        cpu = METRICS["cpu"]
        paired = Paired([cpu.log_ratio(*one) for one in both], [one.base_first for one in pairs])
        interval = paired.interval()
        found.append(
            ProcessCost(
                process=process,
                base_us=median(base for base, _ in both),
                head_us=median(head for _, head in both),
                change_ratio=None if paired.estimate is None else cpu.change(paired.estimate),
                low_ratio=None if interval is None else cpu.change(interval[0]),
                high_ratio=None if interval is None else cpu.change(interval[1]),
            )
        )
    return sorted(found, key=lambda one: one.base_us - one.head_us)


def blamed(costs: Sequence[ProcessCost]) -> str:
    """The sentence for a failure message. `costs`: as `by_process` gives them."""
    rose = [one for one in costs if one.rose]
    if not rose:
        return "no process's CPU a record rose provably: head waits where base doesn't, or does less at a time"
    rises = sum(one.head_us - one.base_us for one in rose)
    share = (rose[0].head_us - rose[0].base_us) / rises if rises > 0 else 1.0
    more = f"; {share:.0%} of the rise of {', '.join(one.process for one in rose)}" if len(rose) > 1 else ""
    return f"CPU rose most in {rose[0]}{more}"
