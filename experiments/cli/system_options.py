"""Options that the commands share which run a part of the system: Redis, profile, settings, addresses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from experiments.design.config import decode
from system.settings import PROFILES, Process, SystemSettings


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT, as a pair."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The pair. IPv6 hosts stand in brackets."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:24224", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


def SYSTEM_OPTIONS(command: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """--redis, --profile and --set."""
    for option in (
        click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A key of [system]: engine=re."),
        click.option("--profile", type=click.Choice(sorted(PROFILES)), default="tuned", show_default=True),
        click.option("--redis", default="redis://127.0.0.1:6379/0", show_default=True, metavar="URL"),
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
    return msgspec.structs.replace(Process(system=settings_of(profile, settings)), redis_url=redis)
