"""Writes a run's report.html and figures: one self-contained page, no network, verdict first."""

import html
from collections.abc import Mapping
from importlib.resources import files

from experiments.analysis.findings import Findings, findings
from experiments.analysis.summary import Summary
from experiments.plots import style
from experiments.plots.registry import figures
from experiments.plots.words import Words
from experiments.report.sections import SECTIONS
from experiments.report.verdict import verdict
from experiments.report.view import View
from experiments.store.run import RunFolder


def write_report(
    run: RunFolder, found: Summary, *, language: str = "en", formats: tuple[str, ...] = style.FORMATS
) -> None:
    """Writes report.html and figures/NAME.csv, and each figure in the formats, into the run's folder.

    Args:
        run: the folder.
        found: its summary.
        language: of the figures' labels, one of `plots.words.LANGUAGES`.
        formats: some of svg, pdf, png.
    """
    whole = findings(run, found)
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    drawn = {}
    for name, one, table in figures(whole, Words(language)):
        drawn[name] = style.inline(style.save(one, table, folder, name, formats), name)
    (run.path / "report.html").write_text(page(whole, drawn), encoding="utf-8")


def page(found: Findings, drawn: Mapping[str, str]) -> str:
    """The whole page as text. `drawn`: the figures as SVG elements, by name."""
    view = View(found, drawn)
    parts = list(verdict(view))
    for title, make in SECTIONS:
        inner = "\n".join(filter(None, make(view)))
        if inner:
            parts.append(f"<section>\n<h2>{html.escape(title)}</h2>\n{inner}\n</section>")
    shell = (files("experiments.report") / "page.html").read_text(encoding="utf-8")
    return shell.replace("{{title}}", html.escape(f"Caudal: {found.summary.experiment}")).replace(
        "{{body}}", "\n".join(parts)
    )
