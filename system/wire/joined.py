"""Where the texts of many batches lie, found at once: batches laid end to end are read as one, if that is provably the same.

numpy's calls cost some 50 us a batch, however small it is: most of the time of a batch of 100 records. A chain of records
(records.py) that closes over batches laid end to end, and has a record's begin where each batch begins, is from there on
each batch's own. Where it isn't (another client's records, a cut batch), each batch is read alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from system.wire.records import SMALL_BYTES, Records, chain, locate


class Part(NamedTuple):
    """A batch's packed records: what lies in `buffer` from `begin` on."""

    buffer: bytes
    begin: int

    @property
    def packed(self) -> memoryview:
        """The records, not copied."""
        return memoryview(self.buffer)[self.begin :]


class Joined(NamedTuple):
    """The texts of all batches in one buffer: batch i's are `edges[i]` to `edges[i + 1]`, `malformed[i]` of them so."""

    records: Records
    edges: NDArray[np.int64]
    malformed: list[int]


def locate_all(parts: Sequence[Part]) -> Joined:
    """The text of every record of all parts, for each what `locate` gives of it alone."""
    if len(parts) == 1:
        found = _locate(parts[0])
        return Joined(found, np.array([0, len(found.starts)]), [found.malformed])
    buffer = b"".join(part.packed for part in parts)
    begins = np.cumsum([0, *(len(part.buffer) - part.begin for part in parts)])
    together = chain(buffer) if len(buffer) >= SMALL_BYTES else None
    if together is not None:
        places = np.append(0, together.ends)  # where records begin, and the end
        edges = np.searchsorted(places, begins)
        if np.array_equal(places[edges], begins):
            return Joined(together, edges, [0] * len(parts))
    alone = [locate(bytes(part.packed)) for part in parts]
    records = Records(
        buffer,
        np.concatenate([one.starts + begin for one, begin in zip(alone, begins[:-1].tolist(), strict=True)]),
        np.concatenate([one.ends + begin for one, begin in zip(alone, begins[:-1].tolist(), strict=True)]),
        sum(one.malformed for one in alone),
    )
    return Joined(records, np.cumsum([0, *(len(one.starts) for one in alone)]), [one.malformed for one in alone])


def _locate(part: Part) -> Records:
    found = chain(*part) if len(part.buffer) - part.begin >= SMALL_BYTES else None
    return locate(bytes(part.packed)) if found is None else found
