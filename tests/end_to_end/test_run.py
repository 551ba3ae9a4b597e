"""Whole runs through the command line: every way of handing a batch over, every load, real lines; sealed and rebuilt."""

import json
from pathlib import Path
from typing import Any

import pytest

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
measure_s = 0.7
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
"""


def ledger_is_whole(trial: dict[str, Any]) -> None:
    ledger = trial["ledger"]
    assert trial["valid"], trial["reasons"]
    assert ledger["planned"] == ledger["sent"] == ledger["acknowledged"] == ledger["analysed"] > 0
    assert ledger["lost"] == ledger["duplicate_results"] == ledger["unexpected"] == 0


def run(shell: Shell, text: str, *words: str) -> tuple[dict[str, Any], Path]:
    (shell.folder / "config.toml").write_text(text)
    done = shell.run("run", "config.toml", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = shell.folder / done.stdout.strip().splitlines()[-1]
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary, folder


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
    assert trial["response_time_s"]["count"] > 0
    for stage in ("batch_wait", "send_lag", "ingest", "queue_wait", "fetch", "scan", "commit"):
        assert trial["stages_s"][stage]["p50"] >= 0


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
