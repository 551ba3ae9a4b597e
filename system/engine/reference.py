"""Engine `reference`: what a match is. Each pattern, as its author wrote it, by `re`, on each record alone.

The simplest code that can be read to be right: other engines are held to it in tests, over hostile records and random
patterns. It takes its patterns by another way than they do (`as_written`, not `canonical`), so that a fault in the
translation can't hide on both sides.
"""

import re
from collections.abc import Sequence

from system.engine.engine import SIGNATURE_BITS, Hits, Offsets, check_count, hits_of
from system.signatures.dialect import parse
from system.signatures.model import Signature


class ReferenceEngine:
    """The engine that decides. Slow; for tests and for `caudal scan --engine reference`."""

    name = "reference"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        check_count(self.name, signatures)
        self._patterns = [re.compile(parsed.as_written, parsed.flags) for parsed in map(parse, signatures)]

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records (see `SignatureEngine.scan`)."""
        keys = []
        for record, (start, end) in enumerate(zip(starts, ends, strict=True)):
            for signature, pattern in enumerate(self._patterns):
                if pattern.search(buffer[start:end]):
                    keys.append(record << SIGNATURE_BITS | signature)
        return hits_of(keys)
