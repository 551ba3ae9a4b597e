"""What the commands share that run a part of the system: options for Redis, profile and settings, and how they begin."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from experiments.cli import complete
from experiments.cli.options import REDIS
from experiments.design.config import decode
from system.settings import PROFILES, Process, SystemSettings, to_environment


def system_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --redis, --profile and --set: the arguments of `process_settings`."""
    for option in (
        click.option(
            "--set",
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            shell_complete=complete.system_keys,
            help="A key of [system]: engine=re.",
        ),
        click.option("--profile", type=click.Choice(sorted(PROFILES)), default="tuned", show_default=True),
        REDIS,
    ):
        command = option(command)
    return command


def settings_of(profile: str, settings: tuple[str, ...]) -> SystemSettings:
    """The settings of a profile with overrides. Raises: ConfigError."""
    text = f'[experiment]\nname = "system"\n[system]\nprofile = "{profile}"\n[swarm.arrivals]\nkind = "saturate"\n'
    overrides = [f"system.{one}" for one in settings]
    return decode(text, source="--set", folder=Path.cwd(), overrides=overrides).configs[0].system


def process_settings(redis: str, profile: str, settings: tuple[str, ...]) -> Process:
    """What a single process of the system is told. Raises: ConfigError."""
    return Process(system=settings_of(profile, settings), redis_url=redis)


def become(module: str, *words: str, process: Process) -> NoReturn:
    """Turns this process into `python -m module`, so that signals reach it and nothing stands between."""
    environment = {**os.environ, **to_environment(process)}
    os.execve(sys.executable, [sys.executable, "-m", module, *words], environment)
