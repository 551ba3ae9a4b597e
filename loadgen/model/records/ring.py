"""Ring: a finite, seeded sequence of rendered log lines with the truth about the attacks planted in it.

Flow: (seed, size, attack ratio, mix) -> `synthetic` -> Ring; the swarm cuts its batches out of the lines (an agent's
record r is line (offset + r) modulo the ring's size, see `truth`), and the oracle judges detections by the labels.

Invariants: a function of its arguments alone: the same bytes and labels everywhere (the golden tests hold
fingerprints). Labels are sorted by (record, signature), each pair once; a record without a label raises no built-in
signature.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadgen.model.draws import Draws, weigh
from loadgen.model.records.app import App
from loadgen.model.records.attacks import KINDS, SIGNATURES, Attacker
from loadgen.model.records.sshd import Sshd
from loadgen.model.records.stamps import Stamps
from loadgen.model.records.web import Web

#: About 3.5 MB of lines: more than a processor's second cache, so that a scan meets cold text as it would in service.
SIZE_RECORDS = 16_384

#: Mean time between the stamps of two lines is half of this.
GAP_MS = 700


class Mix(NamedTuple):
    """Shares of the kinds of record, benign and hostile alike; they add up to 1."""

    web: float = 0.7
    sshd: float = 0.2
    app: float = 0.1

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Mix:
        """Gives the shares of weights by kind, which need not add up to 1; a kind that is left out has none.

        The swarm renders by it and the oracle judges by it: had each its own sum, a last bit could part them.
        """
        total = sum(weights.values())
        return cls(**{kind: weights.get(kind, 0.0) / total for kind in cls._fields})


USUAL_MIX = Mix()


class Labels(NamedTuple):
    """The planted attacks, as pairs sorted by (record, signature).

    Attributes:
        record: int64, places in the ring.
        signature: int64 of the same length, places in `signatures`.
        signatures: ids of signatures.
        judged: bool, one for each of `signatures`: whether the truth about it is known. It isn't for a signature for
            which no attack was written: a hit of it is neither right nor wrong.
    """

    record: NDArray[np.int64]
    signature: NDArray[np.int64]
    signatures: tuple[str, ...]
    judged: NDArray[np.bool_]

    def for_pack(self, pack: Sequence[str]) -> Labels:
        """Gives the labels that a pack of signatures can raise, in the pack's own numbering.

        Args:
            pack: the ids of the loaded signatures in the order in which an engine numbers them.

        Raises:
            ValueError: an id stands in the pack twice.
        """
        places = {name: place for place, name in enumerate(pack)}
        if len(places) != len(pack):
            raise ValueError(f"a pack names each signature once, got {len(pack)} ids of which {len(places)} differ")
        place_of = np.array([places.get(name, -1) for name in self.signatures], dtype=np.int64)
        signature = place_of[self.signature]
        kept = signature >= 0
        record, signature = self.record[kept], signature[kept]
        order = np.lexsort((signature, record))
        known = {name for name, judged in zip(self.signatures, self.judged, strict=True) if judged}
        judged = np.array([name in known for name in pack], dtype=np.bool_)
        return Labels(record[order], signature[order], tuple(pack), judged)


class Ring(NamedTuple):
    """Rendered lines, and what is known about them.

    Attributes:
        lines: the records' texts, without line ends.
        labels: the planted attacks, or None where nobody knows (lines from files).
    """

    lines: tuple[bytes, ...]
    labels: Labels | None

    def fingerprint(self) -> str:
        """Gives 32 hexadecimal digits over the lines and the labels: equal rings have equal ones (BLAKE2b)."""
        digest = hashlib.blake2b(digest_size=16, person=b"caudal ring")
        lengths = np.array([len(line) for line in self.lines], dtype="<i8")
        digest.update(lengths.tobytes())
        digest.update(b"".join(self.lines))
        if self.labels is not None:
            digest.update(self.labels.record.astype("<i8").tobytes())
            digest.update("\n".join(self.labels.signatures[place] for place in self.labels.signature).encode())
        return digest.hexdigest()


def synthetic(seed: int, size: int = SIZE_RECORDS, attack_ratio: float = 0.01, mix: Mix = USUAL_MIX) -> Ring:
    """Gives a ring of drawn lines of which round(size * attack_ratio) are attacks, at drawn places.

    Args:
        seed: any integer.
        size: records, >= 1.
        attack_ratio: 0 to 1.
        mix: shares of the kinds; the attacks are mixed alike.

    Raises:
        ValueError: an argument is outside its range.
    """
    if size < 1:
        raise ValueError(f"size must be >= 1 record, got {size}")
    if not 0.0 <= attack_ratio <= 1.0:
        raise ValueError(f"attack_ratio must be a share from 0 to 1, got {attack_ratio}; for 1 % write 0.01")
    if min(mix) < 0.0 or not math.isclose(sum(mix), 1.0, abs_tol=1e-6):
        raise ValueError(f"the shares of mix must be >= 0 and add up to 1, got {mix} (sum {sum(mix):g})")
    kinds = weigh(list(zip(KINDS, mix, strict=True)))
    stamps = Stamps()
    logs: dict[str, Web | Sshd | App] = {
        "web": Web(Draws(seed, "records", "web"), stamps),
        "sshd": Sshd(Draws(seed, "records", "sshd"), stamps),
        "app": App(Draws(seed, "records", "app"), stamps),
    }
    attackers = {kind: Attacker(kind, Draws(seed, "records", "attacks", kind), logs[kind]) for kind in KINDS}
    # An exact number of attacks rather than a chance for each line: the ratio in the config is the ratio in the ring.
    places = Draws(seed, "records", "places").order(size)[: round(size * attack_ratio)]
    hostile = np.zeros(size, dtype=np.bool_)
    hostile[places] = True
    order = Draws(seed, "records", "order")
    place_of = {name: place for place, name in enumerate(SIGNATURES)}
    lines: list[bytes] = []
    record: list[int] = []
    signature: list[int] = []
    for number, planted in enumerate(hostile.tolist()):
        stamps.advance(order.below(GAP_MS))
        kind = order.weighted(kinds)
        if not planted:
            lines.append(logs[kind].benign())
            continue
        line, raises = attackers[kind].line()
        lines.append(line)
        for name in raises:
            record.append(number)
            signature.append(place_of[name])
    labels = Labels(
        np.array(record, dtype=np.int64),
        np.array(signature, dtype=np.int64),
        SIGNATURES,
        np.ones(len(SIGNATURES), dtype=np.bool_),
    )
    return Ring(tuple(lines), labels)
