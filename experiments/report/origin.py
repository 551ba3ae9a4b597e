"""Where the figures come from: the machine, versions, config, seeds, and the command that makes them again."""

import html
import json
from collections.abc import Iterator

from experiments.analysis.naming import cell_name
from experiments.report.table import table
from experiments.report.view import View


def machine(view: View) -> Iterator[str]:
    """What the run's machine said of itself, and the versions that can move a number."""
    found = view.summary.machine
    known = {key: value for key, value in found.items() if value is not None and key != "packages"}
    packages = ", ".join(f"{key} {version}" for key, version in found.get("packages", {}).items())
    lines = [f"{key.replace('_', ' ')}: {value}" for key, value in known.items()] + [f"packages: {packages}"]
    brokers = {_broker(record.target.get("broker")) for record in view.found.records.values()} - {""}
    lines += [f"broker: {one}" for one in sorted(brokers)]
    if found.get("pinned") is False:
        lines.append("unpinned: this machine can't bind processes to CPUs")
    yield f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


def _broker(one: object) -> str:
    return " ".join(str(value) for value in one.values() if value) if isinstance(one, dict) else ""


def again(view: View) -> Iterator[str]:
    """The command first; then the config as resolved, cell by cell, and the seeds."""
    found = view.summary
    changed = " with uncommitted changes" if found.dirty else ""
    commit = html.escape(found.commit or "unknown")
    yield f"<p>Run {html.escape(found.run_id)}, commit {commit}{changed}. To run it again:</p>"
    yield f"<pre>{html.escape(found.command)}</pre>"
    experiment = view.found.experiment
    if "seed" in experiment:
        yield f"<p>Seed {experiment['seed']}; a trial's own seed, from which its load is drawn again, is in the table.</p>"
    rows = ([trial.index, trial.replicate, str(trial.seed), f"{trial.wall_s:.1f}"] for trial in found.trials)
    yield table(["trial", "replicate", "seed", "wall time, s"], rows)
    for cell, config in zip(experiment.get("cells", ()), experiment.get("configs", ()), strict=False):
        levels = cell_name(cell["levels"])
        text = json.dumps(config, indent=2, ensure_ascii=False)
        yield (
            f"<details><summary>Config as resolved: {html.escape(levels)}</summary><pre>{html.escape(text)}</pre></details>"
        )
