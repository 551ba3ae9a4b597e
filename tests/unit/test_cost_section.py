"""The cost table of the report: each figure under its part, what is missing with its reason, nothing of failed trials."""

import re
from typing import Any

import msgspec

from experiments.metrics.queue import QueueLength
from experiments.metrics.trial import TrialSummary, summarise
from experiments.report.cost import cost_section
from tests import made_trial

SOUND = summarise(*made_trial.trial())

COST = {
    "cpu_s_per_million_records": {"workers": 2.5, "gateway": 0.25, "worker_children": 2.0, "swarm": None},
    "context_switches_per_thousand_records": {"gateway": 1234.5},
    "syscalls_per_thousand_records": None,
    "resident_bytes": {"gateway": 95_387_648.0, "runner": 1e8},
    "wire_bytes_per_record": {"agents_to_gateway": 217.926, "loopback": None},
    "gateway_resident_bytes_per_connection": 12_345.0,
    "probes_cpu_ratio": 0.0049,
    "missing": {"syscalls_per_thousand_records": "tracefs isn't <mounted>"},
}


def section(**more: Any) -> str:
    given: TrialSummary = msgspec.structs.replace(SOUND, **more)
    return "\n".join(cost_section([given], {given.index: "7: engine <re>"}))


def cells(page: str) -> list[list[str]]:
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]


def test_each_figure_stands_under_its_part() -> None:
    page = section(cost=COST, queues={"queued_tasks": QueueLength(mean=8.87, max=15.0, samples=31)})
    head, *rows = cells(page)
    assert head == ["", "gateway", "workers", "worker children", "swarm", "runner"]
    by_title = {row[0]: row[1:] for row in rows}
    assert by_title["CPU s, a million records"] == ["0.25", "2.50", "2.00", "–", "–"]
    assert by_title["context switches, a thousand records"] == ["1,234.50", "–", "–", "–", "–"]
    assert by_title["resident memory, MB"] == ["95.39", "–", "–", "–", "100.00"]
    assert by_title["system calls, a thousand records"] == ["–"] * 5
    assert "7: engine &lt;re&gt;" in page
    for line in (
        "no syscalls per thousand records: tracefs isn&#x27;t &lt;mounted&gt;",
        "bytes a record on the wire: agents to gateway 217.93<",
        "gateway memory a connection, batches in hand included: 12.35 kB",
        "queued tasks: 8.9 on average, 15 at most (31 samples)",
        "the probes took 0.49% of one CPU",
    ):
        assert line in page, page


def test_a_trial_of_before_there_were_probes_has_its_cpu_time_and_says_why_no_more() -> None:
    old = summarise(*made_trial.trial(probes=None))
    page = section(cost=old.cost, queues=old.queues)
    head, first, *_ = cells(page)
    assert head == ["", "gateway", "broker", "workers", "swarm"]
    assert first[1:] == [f"{old.cost['cpu_s_per_million_records'][part]:,.2f}" for part in head[1:]]
    assert "the result is from before there were probes" in page


def test_a_failed_trial_has_no_table() -> None:
    assert "<table" not in section(cost={})
