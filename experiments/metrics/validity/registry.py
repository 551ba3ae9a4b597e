"""Every rule of validity, in the order in which reasons are told. A new one is a function and a line here.

docs/validity.md has a row for each, with the test in which its fault is planted.
"""

from collections.abc import Sequence

from experiments.metrics.validity import account, instrument, rate
from experiments.metrics.validity.rule import Evidence, Rule

RULES: tuple[Rule, ...] = (
    Rule("ledger", "a line of the ledger doesn't add up", account.ledger_closes),
    Rule("schedule", "the schedule that was played, or is drawn again, isn't the sealed one",
         account.schedule_is_the_sealed_one),
    Rule("swarm log", "a batch stands twice in the swarm's log", account.logged_once),
    Rule("recorder", "result rows were lost on the way to the recorder", instrument.rows_all_drained),
    Rule("records", "a batch was found to hold another number of records than was sent", account.whole_batches),
    Rule("acknowledgements", "a batch was acknowledged that was never sent", instrument.acknowledgements_true),
    Rule("results", "a record has a result and was never sent", account.nothing_unexpected),
    Rule("instants", "a commit's instant is unknown although nothing was killed", instrument.instants_known),
    Rule("detections", "a planted attack was missed, or something else reported", account.detections_true),
    Rule("send lag", "the swarm was late", instrument.sent_in_time, passing=True),
    Rule("swarm CPU", "the swarm had no CPU to spare", instrument.swarm_had_cpu, passing=True),
    Rule("clock", "two hosts' clocks are too far apart", instrument.clocks_agree),
    Rule("steady state", "the rate was still warming up in the middle of the window", rate.steady_state,
         passing=True),
    Rule("trend", "the rate drifted over the window", rate.no_trend, passing=True),
)  # fmt: skip


def reasons(seen: Evidence) -> list[str]:
    """Why a trial is invalid, each with its rule's name; empty if it is valid."""
    return [f"{rule.name}: {reason}" for rule in RULES for reason in rule.check(seen)]


def passing(found: Sequence[str]) -> bool:
    """Whether a trial is invalid for nothing but what may have passed with its moment."""
    names = tuple(f"{rule.name}: " for rule in RULES if rule.passing)
    return bool(found) and all(reason.startswith(names) for reason in found)
