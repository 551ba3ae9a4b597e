"""What is done to head's copy so that the truth of a verdict is known: nothing, or a process that uses more CPU.

Both sides are builds of one commit. A plant is a patch to the files of head's build: lines behind a module that wrap one of
its methods, so that the process burns a share of all the CPU time that it has used since its first call. No setting does
this: the commit that is measured holds no code for it.
"""

import subprocess
from typing import Final

import msgspec

from experiments.gate.build import Build

#: `share` of what the process used besides, by its own CPU clock; a forked child counts from its own first call.
_PATCH: Final = """

def _burning(method, share):
    import os
    import time

    state = {{}}

    def slowed(*arguments, **named):
        try:
            return method(*arguments, **named)
        finally:
            now = time.process_time_ns()
            since, burned = state.get(os.getpid(), (now, 0))
            until = since + round((now - since - burned) * (1 + share))
            while now < until:
                now = time.process_time_ns()
            state[os.getpid()] = (since, round((now - since) * share / (1 + share)))

    return slowed


{owner}.{method} = _burning({owner}.{method}, {share})
"""


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of verdict. `process` burns `share` of its CPU time more; None: nothing differs, an A/A verdict."""

    name: str
    process: str | None = None
    share: float = 0.0

    def apply(self, side: Build) -> None:
        """Patches a side's files and compiles them. Raises: SideError if the method isn't there."""
        if self.process is None:
            return
        module, owner, method = _WRAPPED[self.process]
        path = side.root.joinpath(*module.split(".")).with_suffix(".py")
        path.write_text(
            path.read_text("utf-8") + _PATCH.format(owner=owner, method=method, share=self.share), encoding="utf-8"
        )
        check = f"from {module} import {owner}; assert {owner}.{method}.__name__ == 'slowed'"
        for words in (("-m", "compileall", "-q", "system"), ("-P", "-c", check)):
            done = subprocess.run(
                [str(side.python), *words], cwd=side.root, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise side.error("built", f"{owner}.{method} of {module} can't be slowed: {done.stderr.strip()[-200:]}")


#: By process: the module, the class and the method that does most of its work.
_WRAPPED: Final = {
    "workers": ("system.worker.analyst", "Analyst", "analyse"),
    "gateway": ("system.gateway.connection", "Connection", "data_received"),
}

#: A/A; at the bottleneck, which at full load the workers are; and elsewhere.
PLANTS: Final = {
    one.name: one
    for one in (
        Plant(name="a-a"),
        *(
            Plant(name=f"{process}-{per_cent}", process=process, share=per_cent / 100)
            for process in _WRAPPED
            for per_cent in (5, 10)
        ),
    )
}
