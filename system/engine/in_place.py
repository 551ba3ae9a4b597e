"""In-place scanning: one Hyperscan scan of a batch as it came names the few records that are worth a look.

The database holds relaxed signatures (`system.signatures.relax`): one matches within a record wherever its signature
does, whatever bytes stand around. Hyperscan reports every end offset, so a match that runs over a record's end hides no
other. The end of a match says which record it may be in; whether it is, the engine's own scan of that record decides.
"""

from collections.abc import Mapping, Sequence

import hyperscan
import numpy as np

from system.engine.database import compiled
from system.engine.engine import Offsets
from system.engine.scratches import Scratches
from system.signatures.dialect import parse
from system.signatures.model import Signature
from system.signatures.relax import relaxed

#: Past so many matches a record the scan is given up: a Python call for each (0.3 us) costs more than scanning one by one
#: (1 us a record) then saves.
MATCHES_A_RECORD = 4


class InPlace:
    """The relaxed database. `left_out`: indices of the signatures that can't be relaxed, or not compiled then."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        relaxations = {index: relaxed(parse(signature)) for index, signature in enumerate(signatures)}
        parts = {index: stretches for index, stretches in relaxations.items() if stretches is not None}
        # All at once first: to compile each alone as well takes a large pack twice as long.
        database = _compiled(_joined(parts))
        if database is None:
            parts = {index: stretches for index, stretches in parts.items() if _compiled(stretches) is not None}
            database = _compiled(_joined(parts))
        self.left_out = [index for index in relaxations if index not in parts]
        #: The database; None where there is nothing in it.
        self.shared = Scratches(database) if database is not None else None

    def candidates(self, buffer: bytes, starts: Offsets, ends: Offsets) -> list[int] | None:
        """The records, each once and in order, outside of which no signature but those left out matches.

        None if it can't tell: the records aren't in the order of the buffer, or there are more matches than it is worth.
        """
        if self.shared is None or not len(starts):
            return []
        if (starts[1:] < ends[:-1]).any():
            return None
        found: list[int] = []
        most = MATCHES_A_RECORD * len(starts)

        def matched(_expression: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            found.append(end)
            return len(found) > most

        scratch = self.shared.take()
        try:
            self.shared.database.scan(buffer, matched, scratch=scratch)
        except hyperscan.ScanTerminated:
            return None
        finally:
            self.shared.give_back(scratch)
        if not found:
            return []
        places = np.array(found, np.int64)
        records = starts.searchsorted(places) - 1  # the last that begins before the match's end
        return sorted(set(records[(records >= 0) & (places <= ends[records])].tolist()))


def _joined(parts: Mapping[int, Sequence[bytes]]) -> list[bytes]:
    return [one for stretches in parts.values() for one in stretches]


def _compiled(expressions: Sequence[bytes]) -> hyperscan.Database | None:
    """The database; None where there is nothing to compile, or Hyperscan refuses something."""
    if not expressions:
        return None
    try:
        return compiled(expressions, 0)
    except hyperscan.error:
        return None
