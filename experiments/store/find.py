"""Finds a run where a person points: at its folder, or at a folder of runs."""

from pathlib import Path

from experiments.store.run import PARTIAL, RunFolder, StoreError


def find(path: str | Path) -> RunFolder:
    """The run in this folder; of a folder that holds runs (`results/cores`, `results`), the newest that is sealed.

    Raises: StoreError if there is none.
    """
    here = Path(path)
    if (here / "manifest.json").is_file():
        return RunFolder.open_sealed(here)
    runs = [one.parent for depth in ("*", "*/*") for one in here.glob(f"{depth}/manifest.json")]
    sealed = [one for one in runs if not one.name.endswith(PARTIAL)]
    if not sealed:
        raise StoreError(f"{here} is no run and holds none; `caudal run CONFIG` makes one, and prints its folder last")
    return RunFolder.open_sealed(max(sealed, key=lambda one: one.name))
