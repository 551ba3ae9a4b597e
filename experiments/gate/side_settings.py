"""A scenario's `[system]` table as one side understands it: resolved by that side's own profiles and defaults.

A commit that changes a profile changes the system, and the gate must measure that: so the table is resolved by the side's
code, not by the harness's. What the harness must know of it (is there a journal, how many nodes) it reads in its own terms.
"""

import subprocess
from typing import Any, Final, NamedTuple

import msgspec

from experiments.design.document import anchored, locate, parse, read
from experiments.gate.build import Build
from system.settings import VARIABLE, Process, SystemSettings

_RESOLVE: Final = """
import json, sys
import msgspec
from system.settings import PROFILES, SystemSettings
def over(below, above):
    both = isinstance(below, dict) and isinstance(above, dict)
    return {**below, **{name: over(below.get(name), one) for name, one in above.items()}} if both else above
given = json.load(sys.stdin)
profile = given.get("profile", SystemSettings().profile)
if profile not in PROFILES:
    sys.exit(f"it has no profile {profile}")
resolved = msgspec.convert(over(PROFILES[profile], given), SystemSettings)
print(msgspec.json.encode(resolved).decode())
"""


class SideSettings(NamedTuple):
    """The system's settings as the side says them, and what the harness makes of them."""

    own: dict[str, Any]
    seen: SystemSettings

    def environment(self, process: Process) -> dict[str, str]:
        """The variables that hand a process of this side what the harness decided: defaults are left to the side."""
        told = msgspec.to_builtins(process)
        usual = msgspec.to_builtins(Process(system=process.system))
        given = {name: value for name, value in told.items() if name != "system" and value != usual[name]}
        return {VARIABLE: msgspec.json.encode({**given, "system": self.own}).decode()}


def resolve(side: Build, config: str) -> SideSettings:
    """The settings of a scenario on one side. Raises: SideError if the side doesn't know them; ConfigError."""
    path = locate(config)
    table = anchored(parse(read(path), str(path)), path.resolve().parent).get("system", {})
    try:
        done = subprocess.run(
            [str(side.python), "-P", "-c", _RESOLVE],
            input=msgspec.json.encode(table),
            capture_output=True,
            timeout=60,
        )
    except subprocess.TimeoutExpired as error:
        raise side.error("run", f"its settings took more than {error.timeout:g} s to import") from None
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise side.error("run", f"it doesn't take the [system] of {config}: {why[-1] if why else 'it said nothing'}")
    own = msgspec.json.decode(done.stdout, type=dict[str, Any])
    known = {name: value for name, value in own.items() if name in SystemSettings.__struct_fields__}
    try:
        return SideSettings(own, msgspec.convert(known, SystemSettings))
    except msgspec.ValidationError as error:
        raise side.error("spoken to", f"its settings mean something else here: {error}") from None
