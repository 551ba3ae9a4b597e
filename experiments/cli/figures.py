"""The options that say how a run's figures are drawn: in which language, and as what files."""

from collections.abc import Callable
from typing import Any

import click

from experiments.plots.style import FORMATS
from experiments.plots.words import LANGUAGES


def figure_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --language and --figures to a command: its arguments `language` and `formats`."""
    language = click.option(
        "--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True, envvar="CAUDAL_LANGUAGE",
        show_envvar=True, help="Of the figures' labels.",
    )  # fmt: skip
    formats = click.option(
        "--figures", "formats", metavar="KINDS", default=",".join(FORMATS), show_default=True, callback=_formats,
        envvar="CAUDAL_FIGURES", show_envvar=True, help="The files that figures are kept as, beside report and CSV.",
    )  # fmt: skip
    return language(formats(command))


def _formats(context: click.Context, option: click.Parameter, said: str) -> tuple[str, ...]:
    kinds = tuple(kind for kind in said.split(",") if kind)
    if unknown := set(kinds) - set(FORMATS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))} is none of {', '.join(FORMATS)}", context, option)
    return kinds
