"""Engine `re`: Python's regular expressions, one search for each pattern and record.

This is what most Python programs would write, and the baseline of every comparison: so it is kept plain, but not made
slow. Records are sliced once and searched pattern by pattern, which keeps the loop in a list comprehension.
"""

import re
from collections.abc import Sequence

from system.engine.engine import SIGNATURE_BITS, Hits, Offsets, check_count, hits_of
from system.signatures.dialect import canonical, parse
from system.signatures.model import Signature


class ReEngine:
    """The engine that searches each record for each pattern by `re`."""

    name = "re"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        check_count(self.name, signatures)
        self._searches = [re.compile(canonical(parse(signature), "re")).search for signature in signatures]

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records (see `SignatureEngine.scan`)."""
        # Slices, not search(buffer, start, end): with a start position, `^` and `\b` still see the bytes before it.
        records = [buffer[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        keys = []
        for signature, search in enumerate(self._searches):
            keys += [record << SIGNATURE_BITS | signature for record, text in enumerate(records) if search(text)]
        return hits_of(keys)
