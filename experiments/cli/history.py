"""`caudal history`: a main commit's place beside the pinned reference, kept, drawn, and ready for Apache Otava."""

import sys
from pathlib import Path

import click
import msgspec

from experiments.gate import history as kept
from experiments.gate import outputs
from experiments.gate.commits import GateError
from experiments.plots import style
from experiments.plots.history import PLOT
from experiments.plots.words import LANGUAGES, Words


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(exists=True, path_type=Path))
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("results/history"),
              show_default=True, metavar="DIR", help="Where the history is kept.")  # fmt: skip
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True,
              help="Of the figures' labels.")  # fmt: skip
def history(result: Path, folder: Path, language: str) -> int:
    """Append what a gate's RESULT says of a commit against a pinned reference.

    RESULT is the folder of a caudal gate whose --base was the reference, the
    same commit always. Each scenario has its file, which Apache Otava reads,
    and its figure.

    \b
    Examples:
      caudal gate --base PINNED --head main --out gate
      caudal history gate
    """
    file = result / outputs.RESULT if result.is_dir() else result
    try:
        found = outputs.read(file)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise GateError(f"RESULT must be a result of caudal gate, got {file}: {error}") from None
    files = kept.append(folder, found)
    if not files:
        print(f"caudal: nothing to append: {found.verdict}: {found.reason}", file=sys.stderr)
        return 0
    for one in files:
        table = PLOT.table(kept.drawn(kept.read(one)))
        one.with_suffix(".svg").write_text(style.as_svg(style.draw(PLOT, table, Words(language))), encoding="utf-8")
        print(one)
    return 0
