"""Whether two engines mean the same: the checker behind the conformance suite, the property tests and any new engine.

It compares hits, record by record and signature by signature, and says in words where they part. What it must itself
be able to see (a dropped hit, a hit too many, wrong order, a repeat) is planted in tests/property/test_engine_equality.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from system.engine.engine import Hits, Offsets, SignatureEngine
from system.signatures.model import Signature


class Batch(NamedTuple):
    """Records in a buffer, as engines take them."""

    buffer: bytes
    starts: Offsets
    ends: Offsets


def lay_out(records: Sequence[bytes], between: bytes = b"\n") -> Batch:
    """The records in one buffer, with `between` before, between and behind them."""
    lengths = np.array([len(record) for record in records], np.int64)
    ends = np.cumsum(lengths + len(between))
    return Batch(between + between.join(records) + between, ends - lengths, ends)


def differences(
    engine: SignatureEngine, reference: SignatureEngine, signatures: Sequence[Signature], batch: Batch
) -> list[str]:
    """Where `engine` departs from `reference` on a batch, one sentence each; empty if it doesn't.

    Args:
        engine, reference: built from `signatures`, in this order.
    """
    found = engine.scan(*batch)
    wanted = reference.scan(*batch)
    sentences = list(_malformed(engine.name, found))
    got, due = _pairs(found), _pairs(wanted)
    for record, signature in sorted(got ^ due):
        text = batch.buffer[batch.starts[record] : batch.ends[record]] if record < len(batch.starts) else None
        name = signatures[signature].id if signature < len(signatures) else signature
        what = "finds" if (record, signature) in got else "misses"
        sentences.append(f"{engine.name} {what} {name} in record {record}, {text!r}; {reference.name} does not")
    return sentences


def _pairs(hits: Hits) -> set[tuple[int, int]]:
    return set(zip(hits.record.tolist(), hits.signature.tolist(), strict=True))


def _malformed(name: str, hits: Hits) -> list[str]:
    if (hits.record.dtype.name, hits.signature.dtype.name) != ("uint32", "uint16"):
        return [f"{name} gives hits of types {hits.record.dtype} and {hits.signature.dtype}, not uint32 and uint16"]
    pairs = list(zip(hits.record.tolist(), hits.signature.tolist(), strict=True))
    if pairs != sorted(set(pairs)):
        return [f"{name} gives hits that are not sorted, or repeated: {pairs}"]
    return []
