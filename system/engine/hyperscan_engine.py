"""Engine `hyperscan`: all patterns in one database, one scan for each record that a scan of the whole batch names.

Most records of most batches match nothing, and one scan of the batch as it came finds that out (`in_place`). The records
it names are scanned one by one with all signatures, and all records with the few signatures that it had to leave out.

Hyperscan reports every end offset of a match; with SINGLEMATCH each pattern reports once a scan, and a record is one
scan, so no hit can reach over a record's end. ALLOWEMPTY lets through patterns that match the empty string. No other
flag is set: case, newlines and the record's end are in the patterns already (`system.signatures.dialect`).

The database and its scratch space are plain memory, so an engine compiled before a fork works in the children, each
with a scratch of its own by copy on write, and in threads with one a scan (tests/conformance/test_engines.py). Source:
Hyperscan's Developer's Reference.
"""

from collections.abc import Sequence

import hyperscan

from system.engine.database import compiled
from system.engine.engine import SIGNATURE_BITS, EngineError, Hits, Offsets, check_count, hits_of
from system.engine.in_place import InPlace
from system.engine.scratches import Scratches
from system.signatures.dialect import canonical, parse
from system.signatures.model import Signature

FLAGS = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY


class HyperscanEngine:
    """The engine that runs all patterns at once."""

    name = "hyperscan"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        check_count(self.name, signatures)
        expressions = [canonical(parse(signature), "hyperscan") for signature in signatures]
        try:
            self._all = Scratches(compiled(expressions, FLAGS)) if expressions else None
        except hyperscan.error as error:
            raise _refusal(signatures, expressions, error) from error
        self._in_place = InPlace(signatures)
        left_out = self._in_place.left_out
        self._left_out = (
            Scratches(compiled([expressions[index] for index in left_out], FLAGS, left_out)) if left_out else None
        )

    @property
    def database_bytes(self) -> int:
        """The size of the compiled database."""
        return self._all.database.size() if self._all else 0

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records (see `SignatureEngine.scan`)."""
        if self._all is None:
            return hits_of(())
        keys: list[int] = []

        def matched(signature: int, _start: int, _end: int, _flags: int, record: object) -> None:
            assert isinstance(record, int)  # what is given below; the binding types it as object
            keys.append(record << SIGNATURE_BITS | signature)

        def look(with_: Scratches, records: Sequence[int], places: Sequence[int] | slice) -> None:
            scan = with_.database.scan
            scratch = with_.take()
            try:
                for record, start, end in zip(records, starts[places].tolist(), ends[places].tolist(), strict=True):
                    scan(buffer[start:end], matched, 0, record, scratch)
            finally:
                with_.give_back(scratch)

        named = self._in_place.candidates(buffer, starts, ends) if len(starts) > 1 else None
        if named is None:
            look(self._all, range(len(starts)), slice(None))
        else:
            look(self._all, named, named)
            if self._left_out is not None:
                look(self._left_out, range(len(starts)), slice(None))
        return hits_of(keys)


def _refusal(signatures: Sequence[Signature], expressions: Sequence[bytes], error: hyperscan.error) -> EngineError:
    """The error for a pack that doesn't compile: Hyperscan doesn't say which pattern it was, so each is tried alone."""
    for signature, expression in zip(signatures, expressions, strict=True):
        try:
            compiled([expression], FLAGS)
        except hyperscan.error as own:
            return EngineError(
                f"engine hyperscan can't run signature {signature.id!r}: {own} "
                f'Pattern: {signature.pattern!r}; rewrite it, leave it out, or choose engine = "re"'
            )
    return EngineError(
        f"engine hyperscan can't compile these {len(signatures)} signatures together, though each alone: {error} "
        'Load fewer rules, or choose engine = "re"'
    )
