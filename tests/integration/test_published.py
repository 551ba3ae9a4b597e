"""What is published holds: the README's figures come from the sealed runs, byte for byte; no run names a machine's path."""

import re
from pathlib import Path

import pytest

from experiments.design.config import load
from experiments.design.document import names
from experiments.readme_figures import FIGURES, PUBLISHED, ROOT, WANTED, figures, published
from experiments.report.hypotheses import decision_line
from experiments.store.find import find

DESIGN = ROOT / "docs" / "the-design-on-trial.md"
RUNS = sorted(path.parent for path in PUBLISHED.glob("*/*/manifest.json"))


@pytest.mark.timeout(300)
def test_the_figures_of_the_readme_are_what_the_published_runs_give(tmp_path: Path) -> None:
    made = figures(tmp_path)
    assert len(made) == len(WANTED)
    for path in made:
        assert path.read_bytes() == (FIGURES / path.name).read_bytes(), f"{path.name} is stale: `make figures`"


def test_the_pages_show_every_figure_that_is_made_and_no_other() -> None:
    text = (ROOT / "README.md").read_text() + DESIGN.read_text()
    shown = set(re.findall(r"figures/([\w-]+\.svg)", text))
    assert shown == {f"{experiment}-{plot}.svg" for experiment, plot in WANTED}


@pytest.mark.timeout(300)
def test_the_page_of_the_design_has_the_verdicts_of_the_published_runs() -> None:
    """Each decision's row: the verdict, and how many hypotheses fell which way."""
    text = DESIGN.read_text()
    tried = [name for name in names() if name.startswith("decision-")]
    assert all(load(name).hypotheses for name in tried)
    assert len(tried) >= 6
    for name in tried:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        if not (PUBLISHED / name).exists():
            assert row.endswith("| not published yet |"), name
            continue
        found = published(name).summary
        assert found.decision is not None
        assert row.endswith(f"| {decision_line(found.hypotheses, found.decision)} |"), name


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
def test_a_published_run_is_whole_named_in_the_list_and_bears_no_path_of_a_machine(run: Path) -> None:
    found = find(run)
    assert len(found.records()) % len(found.manifest["experiment"]["cells"]) == 0, "blocks are whole"
    assert f"| `{run.parent.name}` |" in (PUBLISHED / "README.md").read_text()
    for path in run.rglob("*.json"):
        assert re.findall(r'"/(?!/)[\w.]+/', path.read_text()) == [], path
    assert not (run / "logs").exists()
