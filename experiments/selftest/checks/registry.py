"""Every check, in the order of telling."""

from experiments.selftest.check import Check
from experiments.selftest.checks import (
    account,
    batch_wait,
    cpu,
    little,
    recursion,
    service,
    stall,
    throughput,
    waiting,
)

CHECKS: tuple[Check, ...] = (
    recursion.CHECK,
    cpu.CHECK,
    account.CHECK,
    service.CHECK,
    waiting.CHECK,
    little.CHECK,
    batch_wait.CHECK,
    stall.CHECK,
    throughput.CHECK,
)
