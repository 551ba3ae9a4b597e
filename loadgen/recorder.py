"""The recorder: drains the result rows from Redis into rows.bin and counts the trial's own where the swarm can see it.

A process of its own, so that neither the swarm's pace nor the runner's screen delays it. What it can't take in time
overflows in Redis, where the system counts it (`rows_dropped`): recorder loss, never silent.
"""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import redis

from loadgen.model.fleet import process_of
from loadgen.passage import BUCKETS, passages
from loadgen.progress import Progress, recorder_names
from system.wire import row

#: Rows taken in one reply. At 6 kB of hits a row at the most this stays below 30 MB.
ROWS_A_TURN: Final = 5000
#: Seconds between looks at a list that was emptied: 200 looks a second cost about 1 % of a core. Also where rows come all
#: the time: a turn costs some 250 us however few it takes, and without a pause it took five.
IDLE_S: Final = 0.005


class Dealt(NamedTuple):
    """How agents are dealt to the swarm's processes: each waits for the ends of its own batches."""

    processes: int
    agents_per_connection: int


ONE_PROCESS: Final = Dealt(processes=1, agents_per_connection=1)


class Recorder:
    """Drains one Redis list: writes every row down, and counts those of the batches that bear `epoch`.

    What other clients sent is none of this trial's: a window that counted it would take it for room.
    """

    def __init__(self, client: Any, key: str, folder: Path, epoch: int, dealt: Dealt = ONE_PROCESS) -> None:
        self._client = client
        self._key = key
        self._epoch = np.uint64(epoch)
        self._file = (folder / "rows.bin").open("wb")
        self._dealt = dealt
        self._progress = Progress.create(folder / "recorder.progress", recorder_names(dealt.processes))

    def drain(self) -> int:
        """Takes what is there, at most ROWS_A_TURN rows. Gives how many."""
        rows = self._client.lpop(self._key, ROWS_A_TURN)
        if not rows:
            return 0
        joined = b"".join(rows)
        self._file.write(joined)
        headers, _ = row.split(joined)
        own = (headers["epoch"] == self._epoch) & (headers["agent"] != row.FOREIGN_AGENT)
        analysed = own & (headers["kind"] == row.ANALYSED)
        progress = self._progress
        progress.add("records", int(headers["records"][analysed].sum()))
        progress.part(BUCKETS)[:] += passages(
            headers["received_mono_ns"][analysed], headers["scanned_mono_ns"][analysed], headers["records"][analysed]
        )
        progress.add("hits", int(headers["hits"][analysed].sum()))
        dead = own & (headers["kind"] == row.DEAD)
        progress.add("dead_batches", int(dead.sum()))
        agents = headers["agent"][analysed | dead].astype(np.int64)
        played = process_of(agents, self._dealt.agents_per_connection, self._dealt.processes)
        for number, ended in enumerate(np.bincount(played, minlength=self._dealt.processes).tolist()):
            progress.add(f"ended_{number}", ended)
        progress.add("batches", int(analysed.sum()))
        progress.add("rows", len(rows))
        return len(rows)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Drains until it is `stopping` and the list is empty. A broker that is away for a moment is tried again."""
        with self._file:
            while True:
                ending = stopping()
                try:
                    taken = self.drain()
                except (redis.ConnectionError, redis.TimeoutError):
                    if ending:
                        break
                    time.sleep(0.1)
                    continue
                if not taken and ending:
                    break
                if taken < ROWS_A_TURN and not ending:
                    time.sleep(IDLE_S)


def main() -> None:
    """`python -m loadgen.recorder KEY FOLDER EPOCH PROCESSES AGENTS_PER_CONNECTION`: drains a Redis until SIGTERM.

    Its URL is the first line it is told: that holds a password, which must not stand on a command line that everybody on
    the machine can read.
    """
    key, folder, epoch, *dealt = sys.argv[1:6]
    url = sys.stdin.readline().strip()
    # Not an Event: a handler that sets one waits for good for the lock of the `wait` that it interrupted.
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Without a deadline: a broker that stands still pops the rows once it goes on, and a reply nobody waits for is lost.
    client = redis.Redis.from_url(url, socket_timeout=None)
    recorder = Recorder(client, key, Path(folder), int(epoch), Dealt(*map(int, dealt)))
    print("ready", flush=True)
    recorder.run(lambda: bool(told))


if __name__ == "__main__":
    main()
