"""Whole runs through the command line: every way of handing a batch over, every load, real lines; sealed and rebuilt."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.store.run import RunFolder
from loadgen.link import ACK_BYTES
from system.wire.chunk import Chunk
from system.wire.packing import message_header, message_option

from .conftest import Shell

WAYS = """
[experiment]
name = "ways"
replicates = 1
[swarm]
agents = 5
batch_size = 50
timeout_s = 0.1
[swarm.arrivals]
kind = "constant"
rate_per_s = 200.0
[trial]
warmup_s = 0.3
measure_s = 1.5
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
[[factors.zip]]
"system.profile" = ["memoria", "tuned", "tuned", "tuned"]
"system.publisher" = ["celery", "celery", "pipelined", "pipelined"]
"system.handoff" = ["arguments", "claim_check", "claim_check", "arguments"]
"system.journal" = [false, true, false, false]
"system.coalesce" = [1, 4, 4, 1]
"system.engine" = ["hyperscan", "re", "hyperscan", "re"]
"""

LOADS = """
[experiment]
name = "loads"
replicates = 1
[swarm]
agents = 5
batch_size = 50
[swarm.arrivals]
{arrivals}
[trial]
warmup_s = 0.3
measure_s = 0.7
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
"""


def ledger_is_whole(trial: dict[str, Any]) -> None:
    ledger = trial["ledger"]
    assert trial["valid"], trial["reasons"]
    assert ledger["planned"] == ledger["sent"] == ledger["acknowledged"] == ledger["analysed"] > 0
    assert ledger["lost"] == ledger["duplicate_results"] == ledger["unexpected"] == 0


def costs_are_told(trial: dict[str, Any]) -> None:
    """What the probes read agrees with what is known another way, and nothing is missing but what wasn't asked for."""
    cost = trial["cost"]
    assert set(cost["missing"]) == {"syscalls_per_thousand_records"}, cost["missing"]
    cpu = cost["cpu_s_per_million_records"]
    assert cpu["worker_parents"] > 0
    assert cpu["worker_children"] > 0
    assert {"gateway", "broker", "worker_parents", "worker_children", "swarm", "recorder", "runner"} <= set(
        cost["context_switches_per_thousand_records"]
    )
    assert {"gateway", "worker_children", "recorder", "probes"} <= set(cost["redis_commands_per_batch"])
    # Every record goes over the wire once and into the broker once, as it is or decoded.
    wire = cost["wire_bytes_per_record"]
    assert 50 < wire["agents_to_gateway"] < 1000
    assert wire["into_broker"] > 50
    assert wire["loopback"] > wire["agents_to_gateway"]
    assert all(5e6 < size < 1e9 for size in cost["resident_bytes"].values())
    assert set(trial["queues"]) == {"queued_tasks", "held_tasks", "pending_batches", "waiting_rows"}


def run(shell: Shell, text: str, *words: str) -> tuple[dict[str, Any], Path]:
    (shell.folder / "config.toml").write_text(text)
    done = shell.run("run", "config.toml", *words, timeout_s=300)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = shell.folder / done.stdout.strip().splitlines()[-1]
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary, folder


@pytest.mark.timeout(400)
def test_every_way_of_handing_over_carries_every_record(shell: Shell) -> None:
    summary, folder = run(shell, WAYS)
    assert summary["verdict"] == "valid"
    assert len(summary["trials"]) == 4
    seen = set()
    for trial in summary["trials"]:
        ledger_is_whole(trial)
        assert trial["detections"]["planted"] == trial["detections"]["found"] > 0
        assert (trial["detections"]["missed"], trial["detections"]["spurious"]) == (0, 0)
        assert trial["commit_instants_unknown"] == 0
        costs_are_told(trial)
        seen.add((trial["ledger"]["planned"], trial["detections"]["planted"], trial["seed"]))
    assert len(seen) == 1, "one replicate sends the same records in every cell"
    # Rebuilt from the raw data alone, byte by byte.
    before = {name: (folder / name).read_bytes() for name in ("summary.json", "report.html")}
    done = shell.run("report", str(folder))
    assert done.returncode == 0
    assert {name: (folder / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    "arrivals",
    ['kind = "saturate"', 'kind = "drain"\nbacklog_batches = 40', 'kind = "poisson"\nrate_per_s = 200.0'],
    ids=["saturate", "drain", "poisson"],
)
def test_every_load_is_carried_and_accounted_for(shell: Shell, arrivals: str) -> None:
    summary, _ = run(shell, LOADS.format(arrivals=arrivals))
    (trial,) = summary["trials"]
    ledger_is_whole(trial)
    assert trial["carried_records_per_s"] > 0
    if "drain" in arrivals:
        assert trial["ledger"]["planned"] == 40 * 50
        assert trial["offered_records_per_s"] is None
        assert trial["response_time_s"]["count"] == 0, "a backlog's waiting is no response time"
        return
    assert trial["response_time_s"]["count"] > 0
    for stage in ("batch_wait", "send_lag", "ingest", "queue_wait", "fetch", "scan", "commit"):
        assert trial["stages_s"][stage]["p50"] >= 0


def test_the_bytes_that_the_swarm_sent_are_those_of_its_batches(shell: Shell) -> None:
    _, folder = run(shell, LOADS.format(arrivals='kind = "poisson"\nrate_per_s = 300.0'))
    opened = RunFolder.open(folder)
    (record,) = opened.records()
    tables = opened.tables(record)
    assert tables is not None
    framed = int(tables.results["packed_bytes"].sum())
    for batch, packed in zip(tables.results, tables.results["packed_bytes"], strict=True):
        chunk = Chunk(record.epoch, int(batch["agent"]), int(batch["first"]), int(batch["count"])).encode()
        framed += len(message_header(b"caudal", int(packed))) + len(message_option(chunk, int(batch["count"])))
    last = {str(row["figure"]): row["value"] for row in tables.probes[tables.probes["part"] == "swarm"]}
    assert last["sent_bytes"] == framed
    assert last["received_bytes"] == len(tables.results) * ACK_BYTES


def test_real_lines_count_matches_and_have_no_truth(shell: Shell) -> None:
    lines = [b'192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "sqlmap/1.7"', b"nothing here"]
    (shell.folder / "some.log").write_bytes(b"\n".join(lines) + b"\n")
    text = LOADS.format(arrivals='kind = "saturate"\n[swarm.records]\nsource = "files"\npaths = ["some.log"]')
    summary, _ = run(shell, text)
    (trial,) = summary["trials"]
    ledger_is_whole(trial)
    assert trial["detections"] == {
        "planted": None, "found": trial["ledger"]["analysed"] // 2, "missed": None, "spurious": None,
    }  # fmt: skip


def test_the_last_line_printed_is_the_run_and_quiet_prints_nothing_else(shell: Shell) -> None:
    (shell.folder / "config.toml").write_text(LOADS.format(arrivals='kind = "saturate"'))
    done = shell.run("run", "config.toml", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert (shell.folder / line / "report.html").is_file()
    assert not list((shell.folder / line).rglob("broker.conf")), "it holds the broker's password"


def test_plan_runs_nothing_and_tells_the_trials(shell: Shell) -> None:
    done = shell.run("plan", "quickstart")
    assert done.returncode == 0
    assert "7 cells x 1 replicates = 7 trials" in done.stdout
    assert not (shell.folder / "results").exists()


def test_tasks_that_run_while_the_queue_is_empty_are_waited_for(shell: Shell) -> None:
    """The plain design acknowledges a task before it runs: ending its worker then would be the harness's loss."""
    text = LOADS.format(arrivals='kind = "drain"\nbacklog_batches = 3').replace("batch_size = 50", "batch_size = 8000")
    summary, _ = run(shell, text + '[system]\nprofile = "memoria"\n')
    (trial,) = summary["trials"]
    ledger_is_whole(trial)
    assert trial["ledger"]["planned"] == 24_000
