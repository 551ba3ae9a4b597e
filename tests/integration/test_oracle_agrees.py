"""The oracle and the patterns agree: written apart, they name the same attacks on the same lines, none on honest ones.

The labels of `loadgen.model.records` are by construction; the patterns of `system.signatures` are run by two engines.
Where they differ, one of the two is wrong, and every count of missed and spurious detections with it.
"""

from functools import cache

import msgspec
import numpy as np
import pytest

from loadgen.model.draws import Draws
from loadgen.model.records import Labels, Mix, Ring, synthetic
from loadgen.model.records.app import App
from loadgen.model.records.attacks import ATTACKS, KINDS, SIGNATURES, Attacker
from loadgen.model.records.sshd import Sshd
from loadgen.model.records.stamps import Stamps
from loadgen.model.records.web import Web
from loadgen.model.truth import Batches, Found, Judgement, judge, offset
from system.engine.engine import Hits, SignatureEngine
from system.engine.registry import build
from system.signatures.loaders import load
from system.signatures.model import Signature

SIZE = 20_000

#: The reference engine tries every pattern on every line by itself: of the big rings it sees each ninth line only.
SAMPLE = 9

MIXES = {"web": Mix(1.0, 0.0, 0.0), "sshd": Mix(0.0, 1.0, 0.0), "app": Mix(0.0, 0.0, 1.0)}


@cache
def pack() -> tuple[Signature, ...]:
    return load(("builtin",))


@cache
def engine(name: str) -> SignatureEngine:
    return build(name, pack())


@cache
def hostile_ring() -> Ring:
    return synthetic(11, size=SIZE, attack_ratio=0.5)


def scan(engine: SignatureEngine, lines: tuple[bytes, ...]) -> Hits:
    ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
    return engine.scan(b"".join(lines), ends - np.array([len(line) for line in lines], dtype=np.int64), ends)


def in_words(hits: Hits, lines: tuple[bytes, ...]) -> set[tuple[bytes, str]]:
    """The hits as (line, id), which is what a failing test should show."""
    return {(lines[r], pack()[s].id) for r, s in zip(hits.record.tolist(), hits.signature.tolist(), strict=True)}


def labels_of(ring: Ring) -> Labels:
    assert ring.labels is not None
    return ring.labels.for_pack([signature.id for signature in pack()])


def planted(ring: Ring) -> set[tuple[bytes, str]]:
    labels = labels_of(ring)
    return {
        (ring.lines[record], labels.signatures[signature])
        for record, signature in zip(labels.record.tolist(), labels.signature.tolist(), strict=True)
    }


def test_pack_and_templates_name_the_same_signatures() -> None:
    assert {signature.id for signature in pack()} == set(SIGNATURES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_raises_its_labels_and_nothing_else_whatever_is_drawn(kind: str) -> None:
    draws, stamps = Draws(12, "oracle"), Stamps()
    frames: dict[str, Web | Sshd | App] = {
        "web": Web(draws, stamps),
        "sshd": Sshd(draws, stamps),
        "app": App(draws, stamps),
    }
    attacker = Attacker(kind, draws, frames[kind])
    rendered = [(attacker.render(attack), attack.raises) for attack in ATTACKS[kind] for _ in range(60)]
    lines = tuple(line for line, _ in rendered)
    wanted = {(line, name) for line, raises in rendered for name in raises}
    assert in_words(scan(engine("hyperscan"), lines), lines) == wanted


def test_on_a_ring_half_of_attacks_the_hits_are_the_labels() -> None:
    ring = hostile_ring()
    assert in_words(scan(engine("hyperscan"), ring.lines), ring.lines) == planted(ring)


def test_the_reference_engine_says_the_same_of_a_sample() -> None:
    ring = hostile_ring()
    sample = ring.lines[::SAMPLE]
    chosen = set(sample)
    assert in_words(scan(engine("reference"), sample), sample) == {hit for hit in planted(ring) if hit[0] in chosen}


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_thousand_honest_lines_of_a_kind_raise_nothing(kind: str) -> None:
    lines = synthetic(13, size=50_000, attack_ratio=0.0, mix=MIXES[kind]).lines
    assert in_words(scan(engine("hyperscan"), lines), lines) == set()
    sample = lines[:: 5 * SAMPLE]
    assert in_words(scan(engine("reference"), sample), sample) == set()


def judged_batches(signatures: tuple[Signature, ...]) -> Judgement:
    """Cuts 200 batches of the ring as three agents would send them, scans each by itself and judges what was found."""
    ring, labels, scanner = hostile_ring(), labels_of(hostile_ring()), build("hyperscan", signatures)
    agent = np.arange(200, dtype=np.int64) % 3
    first = np.arange(200, dtype=np.int64) // 3 * 100 + 19_950
    rows, records, names = [], [], []
    for row in range(200):
        begin = offset(int(agent[row]), SIZE) + int(first[row])
        hits = scan(scanner, tuple(ring.lines[(begin + record) % SIZE] for record in range(100)))
        rows.append(np.full(len(hits.record), row, dtype=np.int64))
        records.append(hits.record.astype(np.int64))
        names.append(hits.signature.astype(np.int64))
    found = Found(np.concatenate(rows), np.concatenate(records), np.concatenate(names))
    return judge(labels, SIZE, Batches(agent, first, np.full(200, 100, dtype=np.int64)), found)


def test_batches_cut_from_the_ring_are_judged_without_a_miss_or_an_invention() -> None:
    total = judged_batches(pack()).totals()
    assert total["planted"] > 9_000
    assert total["found"] == total["planted"]
    assert (total["missed"], total["spurious"], total["unjudged"]) == (0, 0, 0)


def test_a_pattern_that_stopped_matching_is_seen_as_missed_and_one_that_matches_too_much_as_spurious() -> None:
    deaf = tuple(
        msgspec.structs.replace(signature, pattern="never-in-any-line")
        if signature.id == "web.probe.dotenv"
        else msgspec.structs.replace(signature, pattern="Failed password")
        if signature.id == "auth.ssh.root-failure"
        else signature
        for signature in pack()
    )
    judgement = judged_batches(deaf).totals()
    assert judgement["missed"] > 50
    assert judgement["spurious"] > 50
    assert judgement["found"] == judgement["planted"] - judgement["missed"]
