"""Kinds of values, and options, that several commands take. Imports nothing that is slow to load."""

import math
import socket
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from experiments.cli import complete

#: Where runs are kept unless a command says otherwise.
DEFAULT_OUT = Path("results")


class FiniteRange(click.FloatRange):
    """A float within limits; click's own range takes NaN and infinity for numbers within it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


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


class Node(click.ParamType[int]):
    """A node's number, or `host`: one made from this host's name, where containers can't be told numbers."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, 0 to 65535."""
        if value == "host":
            return zlib.crc32(socket.gethostname().encode()) & 0xFFFF
        if str(value).isdecimal() and int(value) <= 0xFFFF:
            return int(value)
        return self.fail(f"{value!r} is neither a number from 0 to 65535 nor `host`", param, ctx)


class RedisUrl(click.ParamType[str]):
    """Where a Redis is."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URL. One that is wrong isn't told again whole: it may hold a password."""
        try:
            parts = urlsplit(str(value))
            whole = bool(parts.port or parts.hostname or (parts.scheme == "unix" and parts.path))
        except ValueError as error:
            return self.fail(f"it is no URL: {error}; write redis://HOST:PORT/DATABASE", param, ctx)
        if parts.scheme not in ("redis", "rediss", "unix") or not whole:
            self.fail("it is not redis://HOST:PORT/DATABASE, rediss://... or unix://PATH", param, ctx)
        return str(value)


#: Where the broker is. From the environment too, because everybody on a machine can read a command line's password.
REDIS = click.option(
    "--redis", default="redis://127.0.0.1:6379/0", show_default=True, metavar="URL", type=RedisUrl(), envvar="CAUDAL_REDIS",
    show_envvar=True, help="The broker.",
)  # fmt: skip
#: Of the commands that take an experiment's config.
OVERRIDES = click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, shell_complete=complete.keys,
    help="Override a key, e.g. swarm.agents=50. Repeatable.",
)  # fmt: skip
OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_OUT, show_default=True,
    help="Where runs are kept.",
)  # fmt: skip
NODE = click.option("--node", type=Node(), default=0, show_default=True, help="This node's number, or `host`.")


def command_line(command: str, config: str, overrides: Sequence[str], out: Path) -> list[str]:
    """The words that run an experiment's command again: sealed with the run, and told where it can be gone on with."""
    words = ["caudal", command, config, *(word for one in overrides for word in ("--set", one))]
    return words if out == DEFAULT_OUT else [*words, "--out", str(out)]
