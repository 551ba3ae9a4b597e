"""What a signature engine is: given a buffer and where its records lie, it says which signatures each record matches.

The worker finds the records of a batch (`system.wire.records`) and hands the whole batch to `scan`, so an engine is
free to look at the records one by one or at the buffer as a whole. Invariant, whatever the engine: a record's hits
depend on that record's bytes alone, and are those of the reference engine (`tests/conformance/test_engines.py`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from system.settings import SystemSettings
from system.signatures.model import Signature
from system.wire.chunk import Chunk

#: Offsets into a batch's buffer: record i is `buffer[starts[i]:ends[i]]`.
Offsets: TypeAlias = npt.NDArray[np.int64]

#: `Hits.signature` is a uint16. A hit as one number is `record << SIGNATURE_BITS | signature`: cheap to collect and
#: to sort.
SIGNATURE_BITS = 16


class Hits(NamedTuple):
    """Which record matches which signature: pairs sorted by (record, signature), each pair once; empty arrays for none.

    `record` counts from 0 in the batch, `signature` is an index into the engine's signatures.
    """

    record: npt.NDArray[np.uint32]
    signature: npt.NDArray[np.uint16]


class EngineError(ValueError):
    """An engine can't run a signature, or can't be built: names the engine, the signature and the reason."""


class SignatureEngine(Protocol):
    """Finds signatures in the records of a buffer. Callers may be several threads at once; usable after a fork.

    An engine is built from its signatures by a `Builder`. It runs every one of them or refuses to be built
    (`EngineError`, or `DialectError` for a pattern that no engine takes): it never leaves one out.
    """

    @property
    def name(self) -> str:
        """Its name in the registry."""

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records.

        Args:
            buffer: any bytes; what lies outside the records has no say.
            starts, ends: offsets of each record, 0 <= starts[i] <= ends[i] <= len(buffer); a record may be empty.
        """


@runtime_checkable
class ChunkEngine(SignatureEngine, Protocol):
    """An engine that also goes by which batch it is given. A worker calls this instead of `scan`."""

    def scan_chunk(self, chunk: Chunk, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records of the batch `chunk`; for the rest see `scan`.

        Args:
            chunk: the batch's name; for another client's batch a made-up one, the same at each attempt.
        """


#: Builds an engine from its signatures and the system's settings. Raises: EngineError, DialectError.
Builder: TypeAlias = Callable[[Sequence[Signature], SystemSettings], SignatureEngine]


def hits_of(keys: Sequence[int]) -> Hits:
    """Hits from `record << SIGNATURE_BITS | signature` in any order, with or without repeats."""
    table = np.unique(np.array(keys, np.int64))
    return Hits((table >> SIGNATURE_BITS).astype(np.uint32), (table & ((1 << SIGNATURE_BITS) - 1)).astype(np.uint16))


def check_count(engine: str, signatures: Sequence[Signature]) -> None:
    """Raises EngineError if there are more signatures than `Hits` can name."""
    if len(signatures) > 1 << SIGNATURE_BITS:
        limit = 1 << SIGNATURE_BITS
        raise EngineError(
            f"engine {engine}: signatures must be at most {limit}, got {len(signatures)}; load fewer rules"
        )
