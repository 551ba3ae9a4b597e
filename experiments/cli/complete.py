"""What a shell may offer while a command line is typed: configs, keys of --set, and their values.

Called by click for each Tab, in a process of its own; so what is slow is imported when it is asked for.
"""

from importlib.resources import files
from typing import Any, get_args, get_origin

import click
from click.shell_completion import CompletionItem


def configs(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The names of the configs that come with Caudal; files, if none begins so."""
    folder = files("experiments") / "configs"
    known = sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    named = [CompletionItem(one) for one in known if one.startswith(begun)]
    return named or [CompletionItem(begun, type="file")]  # bash takes either


def keys(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """`KEY=` for every key of a config; behind it the values, where only some are taken."""
    return _keys("", begun)


def system_keys(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The same for the keys of `[system]`, without the table's name."""
    return _keys("system.", begun)


def _keys(table: str, begun: str) -> list[CompletionItem]:
    from experiments.design.tables import ROOT, Key, walk

    known = {
        one.path.removeprefix(table): one for one in walk(ROOT) if isinstance(one, Key) and one.path.startswith(table)
    }
    name, equals, value = begun.partition("=")
    if equals and name in known:
        return [CompletionItem(f"{name}={one}") for one in values(known[name]) if one.startswith(value)]
    return [CompletionItem(f"{one}=") for one in known if one.startswith(begun)]


def values(key: Any) -> list[str]:
    """What a key takes, where that can be listed: names, and true or false."""
    if key.path == "system.engine":
        from system.engine.registry import ENGINES

        return sorted(ENGINES)
    if key.accepted is bool:
        return ["true", "false"]
    return [str(one) for one in get_args(key.accepted)] if str(get_origin(key.accepted)).endswith("Literal") else []
