"""Laws of scaling in report.html: their parameters with intervals, and each size predicted from the others."""

import html
from collections.abc import Iterator
from typing import Final

from experiments.analysis.scaling import Scaling
from experiments.report.table import table
from experiments.report.view import View, figure
from experiments.stats.scaling import LAWS, Bounded

_NOTE: Final = (
    "<p>X(N) = r N / (1 + s (N &minus; 1) + k N (N &minus; 1)): s is contention, k crosstalk; Amdahl's law has k = 0. Least"
    " squares of the logarithms; 95 % intervals by parametric bootstrap over trials. A law stands here only where there are"
    " more sizes than parameters. How far it can be trusted shows where it is fitted without a size and predicts it.</p>"
)
_EMULATED: Final = (
    "<p><b>Emulated:</b> workers wait a service time instead of computing, so that many share the real cores. What is said of"
    " them holds for the coordination (Celery's parents, Redis, the gateway), not for real cores.</p>"
)


def scaling_section(view: View) -> Iterator[str]:
    """The section without its heading; nothing where the run didn't vary its size."""
    found = view.summary.scaling
    if not found:
        return
    if any(one.emulated for one in found):
        yield _EMULATED
        yield figure(view, "emulated_scaling", "Emulated scaling: carried load against emulated worker children.")
    if not any(one.laws for one in found):
        yield f"<p>{html.escape('; '.join(f'{_named(one)}: {_none(one)}' for one in found))}.</p>"
        return
    yield _NOTE
    head = [
        "series",
        "sizes",
        "law",
        "r, records/s",
        "s",
        "k",
        "peak",
        "spread of trials, %",
        "sizes left out, error in %",
    ]
    yield table(head, (row for one in found for row in _rows(one)))


def _rows(one: Scaling) -> Iterator[list[object]]:
    name = _named(one)
    sizes = ", ".join(f"{size} (out of real cores)" if size in one.out_of_cores else str(size) for size in one.sizes)
    if not one.laws:
        yield [name, sizes, f"none: {_none(one)}", *[None] * 6]
    for law in one.laws:
        r, s, k = (law.parameters.get(key) for key in ("rate_per_s", "serial_ratio", "crosstalk_ratio"))
        errors = ", ".join(f"{each.size}: {each.error_ratio * 100:+.1f}" for each in law.left_out)
        spread = f"{law.spread_ratio * 100:.1f}"
        yield [name, sizes, law.law, _said(r, 0), _said(s, 4), _said(k, 6), _said(law.peak, 1), spread, errors or None]


def _named(one: Scaling) -> str:
    return f"{'emulated: ' if one.emulated else ''}{one.series or 'all trials'}"


def _none(one: Scaling) -> str:
    """Why a series has no law."""
    return f"{len(one.sizes) - len(one.out_of_cores)} sizes, a law needs {min(LAWS.values()) + 1} or more"


def _said(one: Bounded | None, digits: int) -> str | None:
    if one is None:
        return None
    text = f"{one.value:,.{digits}f}"
    return text if one.low is None or one.high is None else f"{text} [{one.low:,.{digits}f}, {one.high:,.{digits}f}]"
