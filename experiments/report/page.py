"""Writes a run's report.html and figures: one self-contained page, no network, verdict first."""

import html
from collections.abc import Callable, Mapping
from importlib.resources import files

from experiments.analysis.findings import Findings, findings
from experiments.analysis.summary import Summary, summary
from experiments.plots import style
from experiments.plots.registry import PLOTS, figures
from experiments.plots.words import Words
from experiments.report.sections import SECTIONS
from experiments.report.verdict import verdict
from experiments.report.view import View
from experiments.store.run import RunFolder

#: Told how far it is: what share is done, and what the last step was.
Watch = Callable[[float, str], None]


def rebuild(
    run: RunFolder,
    *,
    language: str = "en",
    formats: tuple[str, ...] = style.FORMATS,
    watch: Watch = lambda _share, _what: None,
) -> Summary:
    """Writes summary.json, report.html and the figures from the run's raw data; gives the summary. See `write_report`."""
    trials = len(run.records())
    total = trials + len(PLOTS)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        done += 1
        watch(done / total, what)

    found = summary(run, lambda: step(f"trial {done + 1} of {trials}"))
    run.write_json("summary.json", found)
    write_report(run, found, language=language, formats=formats, drawn=lambda name: step(f"figure {name}"))
    return found


def write_report(
    run: RunFolder,
    found: Summary,
    *,
    language: str = "en",
    formats: tuple[str, ...] = style.FORMATS,
    drawn: Callable[[str], None] = lambda _: None,
) -> None:
    """Writes report.html and figures/NAME.csv, and each figure in the formats, into the run's folder.

    Args:
        run: the folder.
        found: its summary.
        language: of the figures' labels, one of `plots.words.LANGUAGES`.
        formats: some of svg, pdf, png.
        drawn: called with a figure's name when it is written.
    """
    whole = findings(run, found)
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    inline = {}
    for name, one, table in figures(whole, Words(language)):
        inline[name] = style.inline(style.save(one, table, folder, name, formats), name)
        drawn(name)
    (run.path / "report.html").write_text(page(whole, inline), encoding="utf-8")


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
