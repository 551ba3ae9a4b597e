"""The top of the page: VALID or INVALID, the best cell with its interval, what limited it, and the sums of the accounts."""

import html
from collections.abc import Iterator

from experiments.analysis.naming import cell_name
from experiments.analysis.summary import Summary
from experiments.report.view import View


def verdict(view: View) -> Iterator[str]:
    """The verdict, the question, the tiles, and why trials are invalid."""
    found = view.summary
    yield f'<p class="verdict {found.verdict}">{found.verdict.upper()}</p>'
    yield f"<p>{html.escape(found.question)}</p>"
    tiles = "".join(f"<li><b>{html.escape(big)}</b> {html.escape(small)}</li>" for big, small in _tiles(found))
    yield f'<ul class="tiles">{tiles}</ul>'
    if not found.complete:
        yield f'<p class="invalid">Not all planned trials were run: {len(found.trials)} are here.</p>'
    repeated = [
        f"trial {trial.index}, attempt {attempt}, repeated: {'; '.join(reasons)}"
        for trial in found.trials
        for attempt, reasons in enumerate(trial.repeated, start=1)
    ]
    if repeated:
        yield f"<ul>{''.join(f'<li>{html.escape(one)}</li>' for one in repeated)}</ul>"
    reasons = [f"trial {trial.index}: {reason}" for trial in found.trials for reason in trial.reasons]
    if reasons:
        yield f"<ul class=invalid>{''.join(f'<li>{html.escape(one)}</li>' for one in reasons)}</ul>"


def _tiles(found: Summary) -> Iterator[tuple[str, str]]:
    known = [cell for cell in found.cells if cell.carried_records_per_s.value is not None]
    if known:
        best = max(known, key=lambda cell: cell.carried_records_per_s.value or 0.0)
        one = best.carried_records_per_s
        interval = "no interval" if one.low is None else f"95 % interval {one.low:,.0f} to {one.high:,.0f}"
        which = cell_name(best.cell)
        yield (
            f"{one.value:,.0f}",
            f"records/s carried by the best of {len(known)} cells ({which}); {interval}, n = {one.n}",
        )
        yield best.bottleneck or "no limit met", "is the bottleneck of that cell" if best.bottleneck else "in that cell"
        p99 = best.p99_response_s
        if p99.value is not None:
            sure = (
                "no interval"
                if p99.low is None or p99.high is None
                else f"{p99.low * 1e3:,.1f} to {p99.high * 1e3:,.1f} ms"
            )
            yield f"{p99.value * 1e3:,.1f} ms", f"99th percentile of its response time; {sure}, n = {p99.n}"
    ledgers = [trial.ledger for trial in found.trials if trial.ledger is not None]
    if ledgers:
        lost, twice = sum(one.lost for one in ledgers), sum(one.duplicate_results for one in ledgers)
        yield (
            f"{lost:,} lost, {twice:,} twice",
            f"of {sum(one.sent for one in ledgers):,} records sent in {len(ledgers)} trials",
        )
    judged = [trial.detections for trial in found.trials if trial.detections is not None]
    if judged and all(one.planted is not None for one in judged):
        missed, spurious = sum(one.missed or 0 for one in judged), sum(one.spurious or 0 for one in judged)
        yield (
            f"{missed:,} missed, {spurious:,} spurious",
            f"of {sum(one.planted or 0 for one in judged):,} planted detections",
        )
    elif judged:
        yield f"{sum(one.found for one in judged):,} detections", "in real lines: nothing was planted"
    valid = sum(trial.valid for trial in found.trials)
    yield f"{valid} of {len(found.trials)}", "trials valid: the instrument worked"
    died = sum(trial.valid and trial.outcome == "failed" for trial in found.trials)
    if died:
        yield f"{died} of {len(found.trials)}", "trials in which the system died: they enter no estimate"
