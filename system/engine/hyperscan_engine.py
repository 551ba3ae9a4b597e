"""Engine `hyperscan`: all patterns in one database, one scan for each record.

Hyperscan reports every end offset of a match; with SINGLEMATCH each pattern reports once a scan, and a record is one
scan, so no hit can reach over a record's end. ALLOWEMPTY lets through patterns that match the empty string. No other
flag is set: case, newlines and the record's end are in the patterns already (`system.signatures.dialect`).

The database and its scratch space are plain memory, so an engine compiled before a fork works in the children, each
with a scratch of its own by copy on write (tests/conformance/test_engines.py). Source: Hyperscan's Developer's
Reference.
"""

from collections.abc import Sequence

import hyperscan

from system.engine.engine import SIGNATURE_BITS, EngineError, Hits, Offsets, check_count, hits_of
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
            self._database = _compiled(expressions) if expressions else None
        except hyperscan.error as error:
            raise _refusal(signatures, expressions, error) from error

    @property
    def database_bytes(self) -> int:
        """The size of the compiled database."""
        return self._database.size() if self._database else 0

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records (see `SignatureEngine.scan`)."""
        if self._database is None:
            return hits_of(())
        keys: list[int] = []

        def matched(signature: int, _start: int, _end: int, _flags: int, record: object) -> None:
            assert isinstance(record, int)  # what `scan` was given below; the binding types it as object
            keys.append(record << SIGNATURE_BITS | signature)

        scan = self._database.scan
        for record, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            scan(buffer[start:end], matched, 0, record)
        return hits_of(keys)


def _compiled(expressions: Sequence[bytes]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, flags=FLAGS)
    return database


def _refusal(signatures: Sequence[Signature], expressions: Sequence[bytes], error: hyperscan.error) -> EngineError:
    """The error for a pack that doesn't compile: Hyperscan doesn't say which pattern it was, so each is tried alone."""
    for signature, expression in zip(signatures, expressions, strict=True):
        try:
            _compiled([expression])
        except hyperscan.error as own:
            return EngineError(
                f"engine hyperscan can't run signature {signature.id!r}: {own} "
                f'Pattern: {signature.pattern!r}; rewrite it, leave it out, or choose engine = "re"'
            )
    return EngineError(
        f"engine hyperscan can't compile these {len(signatures)} signatures together, though each alone: {error} "
        'Load fewer rules, or choose engine = "re"'
    )
