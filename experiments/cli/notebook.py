"""`caudal notebook`: opens one of the project's notebooks on a run of the user's own."""

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import click

from experiments.store.find import find

#: They come with the source tree, beside this package.
FOLDER: Final = Path(__file__).parents[2] / "notebooks"


@click.command()
@click.argument("name")
@click.option(
    "--run", "runs", type=click.Path(path_type=Path), multiple=True,
    help="The run to open it on, or a folder of runs: the newest. Twice for a notebook that compares.",
)  # fmt: skip
@click.option("--no-open", is_flag=True, help="Write the notebook and start nothing.")
def notebook(name: str, runs: tuple[Path, ...], no_open: bool) -> int:
    """Copy the notebook NAME into the working folder, set it to --run, and open it in Jupyter.

    \b
    Examples:
      caudal notebook throughput_vs_cores --run results/cores
      caudal notebook compare_two_runs --run FIRST --run SECOND

    Without --run it reads the runs that come with the project. Prints the copy's path. A copy that is there already is
    opened as it is, for it may hold your work.
    """
    source = FOLDER / f"{name}.ipynb"
    if not source.is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.ipynb"))) or f"none in {FOLDER}"
        raise click.BadParameter(f"{name!r} is none of the notebooks: {known}", param_hint="NAME")
    opened = [find(run) for run in runs]
    copy = Path("-".join([name, *(run.run_id for run in opened)]) + ".ipynb")
    if not copy.exists():
        text = json.loads(source.read_text(encoding="utf-8"))
        set_parameters(text, [str(run.path.resolve()) for run in opened])
        copy.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(copy)
    if no_open:
        return 0
    if find_spec("jupyterlab") is None:
        raise click.ClickException("Jupyter isn't here: `make check` installs it with the other development tools")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(copy)])


def set_parameters(text: dict[str, Any], values: list[str]) -> None:
    """Gives the notebook's parameters, in their order, these values; without values, its own made independent of the folder.

    Raises: click.UsageError if it takes another number of them.
    """
    (cell,) = [one for one in text["cells"] if "parameters" in one["metadata"].get("tags", ())]
    assigned = [one for one in ast.parse("".join(cell["source"])).body if isinstance(one, ast.Assign)]
    names = [ast.unparse(one.targets[0]) for one in assigned]
    values = values or [str((FOLDER / ast.literal_eval(one.value)).resolve()) for one in assigned]
    if len(values) != len(names):
        raise click.UsageError(
            f"this notebook takes {len(names)} runs ({', '.join(names)}), got {len(values)}; repeat --run"
        )
    cell["source"] = "\n".join(f"{name} = {value!r}" for name, value in zip(names, values, strict=True))
