"""The figures of README.md and docs/the-design-on-trial.md, made from the sealed runs of results/published: `make figures`.

Reads results/published, writes docs/figures; the same data give the same bytes, which a test holds. The picture of the report
is made only where there is a Chromium, and isn't compared: fonts differ.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from experiments.analysis.findings import Findings, findings
from experiments.analysis.summary import summary
from experiments.plots import style
from experiments.plots.registry import PLOTS
from experiments.plots.words import Words
from experiments.report.page import write_report
from experiments.store.find import find

ROOT: Final = Path(__file__).parents[1]
PUBLISHED: Final = ROOT / "results" / "published"
FIGURES: Final = ROOT / "docs" / "figures"

#: The experiment whose newest published run is drawn, and the plot.
WANTED: Final = (
    ("quickstart", "throughput"),
    ("cores", "throughput_vs_cores"),
    ("batching", "batching_frontier"),
    ("emulated-cores", "emulated_scaling"),
    ("decision-broker", "hypotheses"),
    ("decision-gateway", "hypotheses"),
    ("decision-pools", "hypotheses"),
    ("decision-batching", "hypotheses"),
    ("decision-startup", "hypotheses"),
    ("decision-pause", "hypotheses"),
)


@cache
def published(experiment: str) -> Findings:
    """The findings of an experiment's newest published run, computed once."""
    return findings(find(PUBLISHED / experiment))


def figures(folder: Path) -> list[Path]:
    """Writes EXPERIMENT-PLOT.svg for each into the folder."""
    written = []
    for experiment, name in WANTED:
        plot = PLOTS[name]
        table = plot.table(published(experiment))
        path = folder / f"{experiment}-{name}.svg"
        path.write_text(style.as_svg(style.draw(plot, table, Words())), encoding="utf-8")
        written.append(path)
    return written


def screenshot(experiment: str, picture: Path) -> None:
    """The top of a published run's report as people see it. Raises: OSError or CalledProcessError if there is no browser."""
    with TemporaryDirectory() as scratch:
        run = find(shutil.copytree(find(PUBLISHED / experiment).path, Path(scratch) / "run"))
        write_report(run, summary(run), formats=())
        subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1150",
                f"--user-data-dir={scratch}/profile", f"--screenshot={picture}", (run.path / "report.html").as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


if __name__ == "__main__":
    FIGURES.mkdir(parents=True, exist_ok=True)
    for made in figures(FIGURES):
        print(made.relative_to(ROOT))
    if shutil.which("chromium"):
        screenshot("cores", FIGURES / "report.png")
        print((FIGURES / "report.png").relative_to(ROOT))
    else:
        print("no chromium here: docs/figures/report.png stays as it is", file=sys.stderr)
