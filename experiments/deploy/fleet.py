"""The swarm's processes, run as one: started together, told the same, their counters and last words put together."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from experiments.deploy.process import ChildProcess, ProcessError
from loadgen.account import progress_path
from loadgen.progress import SWARM, Progress, Together
from loadgen.spec import SwarmSpec

#: Last words that are no counts to add up but quantiles: the latest process speaks for all, the pooled one is no greater.
_GREATEST: Final = ("late_p50_ns", "late_p99_ns", "late_max_ns")

_LOOK_S: Final = 0.005


class Fleet:
    """`spec.processes` swarm processes. `spec` is the first one's."""

    def __init__(self, spec: SwarmSpec, cpus: Sequence[int]) -> None:
        folder = Path(spec.folder)
        self._folder = folder
        self._heard: set[tuple[str, int]] = set()
        self._progress: Together | None = None
        self.connections: Final = -(-spec.agents // spec.agents_per_connection)
        self.processes: Final[list[ChildProcess]] = []
        for number in range(spec.processes):
            path = folder / f"swarm-{number}.json"
            path.write_bytes(msgspec.json.encode(msgspec.structs.replace(spec, process=number)))
            command = [sys.executable, "-m", "loadgen.swarm", str(path)]
            self.processes.append(ChildProcess(f"swarm{number}", command, folder, cpus=cpus, environment={}))

    def said(self, word: str) -> bool:
        """Whether every process has said `word` by now."""
        for number, process in enumerate(self.processes):
            if (word, number) not in self._heard and process.said(word) is not None:
                self._heard.add((word, number))
        return all((word, number) in self._heard for number in range(len(self.processes)))

    def wait(self, word: str, deadline_s: float, beside: Sequence[ChildProcess] = ()) -> None:
        """Waits until every process has said `word`; `beside` must live as long.

        Raises: ProcessError: one died, or it wasn't said in time.
        """
        until = time.monotonic() + deadline_s
        while not self.said(word):
            for process in (*self.processes, *beside):
                process.check_alive()
            if time.monotonic() > until:
                raise ProcessError(f"the swarm didn't say `{word}` within {deadline_s:g} s")
            time.sleep(_LOOK_S)

    def tell(self, line: str) -> None:
        """Writes a line to every process."""
        for process in self.processes:
            process.tell(line)

    @property
    def progress(self) -> Together:
        """The counters of all, live. Only after all have said `connecting`."""
        if self._progress is None:
            self._progress = Together(
                [Progress.read(progress_path(self._folder, number), SWARM) for number in range(len(self.processes))]
            )
        return self._progress

    @property
    def loaded(self) -> bool:
        """Whether every process has cut its last batch."""
        return self.progress["loaded"] == len(self.processes)

    def stop(self, grace_s: float) -> dict[str, int]:
        """Tells all to stop; gives what they counted. Raises: ProcessError if one doesn't say it within `grace_s`."""
        self.tell("stop")
        until = time.monotonic() + grace_s
        found: dict[str, int] = {}
        for process in self.processes:
            said = msgspec.json.decode(
                "{" + process.expect("{", max(0.0, until - time.monotonic())), type=dict[str, int]
            )
            for name, value in said.items():
                before = found.get(name, 0)
                found[name] = max(before, value) if name in _GREATEST else before + value
        return found

    def end(self) -> None:
        """Ends what still runs, at once."""
        for process in self.processes:
            process.stop(grace_s=0.0)

    def cpu_s(self) -> float:
        """CPU seconds so far of all processes."""
        return sum(process.cpu_s() for process in self.processes)
