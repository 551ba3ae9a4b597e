"""The batches that benches move: packed web lines of some 250 bytes, as the swarm sends them."""

from loadgen.model.records.ring import Mix, synthetic
from loadgen.ring import PackedRing

#: Records rendered.
RING_RECORDS = 4096


def web_batches(batch_size: int, *, attack_ratio: float = 0.02, seed: int = 7) -> list[bytes]:
    """All different batches of a small ring, packed."""
    ring = PackedRing(synthetic(seed, RING_RECORDS, attack_ratio, Mix.of({"web": 1.0})), batch_size)
    return [bytes(ring.slice(0, first, batch_size)) for first in range(0, RING_RECORDS, batch_size)]
