"""Durations on the command line: `90`, `90s`, `20m`, `1.5h`, as seconds."""

import math
import re
from typing import Any

import click


class Seconds(click.ParamType[float]):
    """A positive time with an optional unit."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        seconds = float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else math.nan
        if not seconds > 0:
            self.fail(f"{value!r} is not a time above 0: write 90s, 20m or 1.5h", param, ctx)
        return seconds


SECONDS = Seconds()
