"""Response times from each record's arrival, and their split by stage (response.py), as a tally of the walk over records.

The stages after the cut are a batch's, weighted by its records. Under full load a record arrives when its batch is cut,
and the latency is that of the window.
"""

import msgspec
import numpy as np

from experiments.metrics.quantiles import Quantiles, quantiles, told, want
from experiments.metrics.response import Done, stages
from experiments.metrics.walk import Piece, Records
from loadgen.model.ranks import Ranks


class ResponseTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles in seconds: the response time, and each stage (weighted by records)."""

    response: Quantiles
    stages: dict[str, Quantiles]


class Times:
    """Of the records that arrived within `window`, of all agents or of some: those that didn't finish count as slowest."""

    def __init__(self, records: Records, window: tuple[int, int], agents: range | None = None) -> None:
        self._records, self._window, self._agents = records, window, agents
        #: How many records arrived within the window, finished or not.
        self.arrived = 0
        self._response, self._batch_wait = Ranks(), Ranks()
        self._finished = np.zeros(len(records.agent), np.int64)

    def count(self, piece: Piece) -> None:
        if self._agents is not None and piece.agent not in self._agents:
            return
        self.arrived += sum(piece.arrived.counted(inside) for _, inside in piece.arrived.within(self._window))
        for _, inside in piece.finished.within(self._window):
            batch, stands = piece.finished.batch[inside], piece.finished.of(inside)
            self._response.count(piece.response_ns[inside], stands)
            self._batch_wait.count(self._waited_ns(piece, inside), stands)
            least = int(batch.min())
            found = np.bincount(batch - least, weights=stands if isinstance(stands, np.ndarray) else None)
            self._finished[least : least + len(found)] += found.astype(np.int64)

    def want(self) -> None:
        want(self._response, self._unfinished)
        want(self._batch_wait)

    def pick(self, piece: Piece) -> None:
        if self._agents is not None and piece.agent not in self._agents:
            return
        for _, inside in piece.finished.within(self._window):
            stands = piece.finished.of(inside)
            self._response.pick(piece.response_ns[inside], stands)
            self._batch_wait.pick(self._waited_ns(piece, inside), stands)

    def _waited_ns(self, piece: Piece, inside: slice) -> np.ndarray:
        waited_ns: np.ndarray = self._records.cut_mono_ns[piece.finished.batch[inside]] - piece.finished.arrived[inside]
        return waited_ns

    @property
    def _unfinished(self) -> int:
        return self.arrived - int(self._response.total)

    @property
    def response(self) -> Quantiles:
        """The response time."""
        return told(self._response, self._unfinished)

    @property
    def batch_wait(self) -> Quantiles:
        """How long records waited for their batch's cut."""
        return told(self._batch_wait)

    def split(self, timed: Done) -> ResponseTimes:
        """With the stages; `timed`: the batches that the records were made with."""
        weights = self._finished[self._records.timed]
        parts = {name: quantiles(value, weights, self._unfinished) for name, value in stages(timed).items()}
        return ResponseTimes(response=self.response, stages={"batch_wait": self.batch_wait, **parts})
