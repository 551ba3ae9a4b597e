"""The top of the page: VALID or INVALID, the best cell with its interval, what limited it, and the sums of the accounts."""

import html
from collections.abc import Iterator

from experiments.analysis.naming import cell_name
from experiments.analysis.summary import Summary
from experiments.analysis.totals import Totals, totals
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
    reasons = [f"trial {trial.index}: {reason}" for trial in found.trials for reason in trial.reasons]
    if reasons:
        yield f"<ul class=invalid>{''.join(f'<li>{html.escape(one)}</li>' for one in reasons)}</ul>"
    repeated = [
        f"trial {trial.index}, attempt {attempt}: {'; '.join(reasons)}"
        for trial in found.trials
        for attempt, reasons in enumerate(trial.repeated, start=1)
    ]
    if repeated:
        listed = "".join(f"<li>{html.escape(one)}</li>" for one in repeated)
        yield f"<details><summary>Invalid at first, and repeated: {len(repeated)}</summary><ul>{listed}</ul></details>"


def _tiles(found: Summary) -> Iterator[tuple[str, str]]:
    if (best := found.best) is not None:
        known = sum(cell.carried_records_per_s.value is not None for cell in found.cells)
        one = best.carried_records_per_s
        interval = (
            "no interval" if one.low is None else f"95\N{NO-BREAK SPACE}% interval {one.low:,.0f} to {one.high:,.0f}"
        )
        which = cell_name(best.cell)
        yield (
            f"{one.value:,.0f}",
            f"records/s carried by the best of {known} cells ({which}); {interval}, n = {one.n}",
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
    yield from _total_tiles(totals(found.trials))


def _total_tiles(of: Totals) -> Iterator[tuple[str, str]]:
    if of.ledgers:
        yield (
            f"{of.lost:,} lost, {of.duplicate_results:,} twice",
            f"of {of.sent:,} records sent in {of.ledgers} trials",
        )
    if (judged := of.detections) is not None:
        if judged.planted is None:
            yield f"{judged.found:,} detections", "in real lines: nothing was planted"
        else:
            yield (
                f"{judged.missed:,} missed, {judged.spurious:,} spurious",
                f"of {judged.planted:,} planted detections",
            )
    yield f"{of.valid} of {of.trials}", "trials valid: the instrument worked"
    if of.overloaded:
        yield (
            f"{of.overloaded} of {of.trials}",
            "trials overloaded: the queue grew, or was not empty at the end",
        )
    if of.died:
        yield f"{of.died} of {of.trials}", "trials in which the system died: they enter no estimate"
