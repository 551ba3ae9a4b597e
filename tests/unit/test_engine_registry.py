"""Engines from outside: the registry, refusals, and the shape of hits."""

import importlib.metadata
import random
from collections.abc import Sequence

import numpy as np
import pytest

from system.engine import re2_engine, registry
from system.engine.engine import SIGNATURE_BITS, EngineError, check_count, hits_of
from system.engine.equality import differences, lay_out
from system.engine.hyperscan_engine import HyperscanEngine
from system.engine.registry import build
from system.settings import SystemSettings
from system.signatures.dialect import DialectError, canonical, parse
from system.signatures.loaders import load
from system.signatures.model import Signature


def test_hits_are_sorted_and_each_pair_once() -> None:
    keys = [record << SIGNATURE_BITS | signature for record, signature in [(2, 1), (0, 65535), (2, 0), (2, 1)]]
    hits = hits_of(keys)
    assert hits.record.tolist() == [0, 2, 2]
    assert hits.signature.tolist() == [65535, 0, 1]
    assert (hits.record.dtype, hits.signature.dtype) == (np.dtype("uint32"), np.dtype("uint16"))


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EngineError, match=r"must be one of emulated, hyperscan, re, re2, reference, got 'hyprscan'"):
        build("hyprscan", ())


def theirs(signatures: Sequence[Signature], system: SystemSettings) -> HyperscanEngine:
    """What a package offers."""
    assert system.attempts == 7
    return HyperscanEngine(signatures)


def test_an_installed_package_can_offer_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = importlib.metadata.EntryPoint("theirs", f"{__name__}:theirs", registry.GROUP)

    def entry_points(group: str) -> importlib.metadata.EntryPoints:
        return (
            importlib.metadata.EntryPoints([offered]) if group == registry.GROUP else importlib.metadata.EntryPoints()
        )

    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert isinstance(build("theirs", (), SystemSettings(attempts=7)), HyperscanEngine)
    with pytest.raises(EngineError, match="theirs"):
        build("nobody", ())


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("xa|x^b", "Embedded start anchors"),
        ("a{70000}", "Bounded repeat is too large"),
        ("a$b", "Embedded end anchors"),
    ],
)
def test_hyperscan_refuses_what_it_can_not_run_by_name_and_reason(pattern: str, reason: str) -> None:
    signatures = (Signature(id="ok", pattern="ok"), Signature(id="odd.one", pattern=pattern))
    with pytest.raises(EngineError, match=f"engine hyperscan can't run signature 'odd.one': .*{reason}") as caught:
        build("hyperscan", signatures)
    assert 'engine = "re"' in str(caught.value)
    build("re", signatures)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("a{1001}", r"invalid repetition size: \{1001\}"), ("(?:[ab]{1000}){9}", r"invalid repetition size: \{9\}")],
)
def test_re2_refuses_what_it_can_not_run_by_name_and_reason(pattern: str, reason: str) -> None:
    signatures = (Signature(id="ok", pattern="ok"), Signature(id="odd.one", pattern=pattern))
    with pytest.raises(EngineError, match=f"engine re2 can't run signature 'odd.one': .*{reason}") as caught:
        build("re2", signatures)
    assert 'engine = "re"' in str(caught.value)
    build("re", signatures)


def test_re2_refuses_a_pack_that_does_not_fit_its_memory_as_a_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re2_engine, "BUDGETS_BYTES", (1 << 19, 1 << 20))
    signatures = [Signature(id=f"n{number}", pattern=f"{number}[a-f]{{200}}") for number in range(300)]
    with pytest.raises(EngineError, match=r"can't run these 300 signatures together within 1048576 bytes"):
        build("re2", signatures)
    build("re2", signatures[:1])


def test_re2_misses_nothing_when_its_memory_is_short_and_its_states_are_thrown_away() -> None:
    """A set that ran out of memory in a match would say nothing and find nothing."""
    pack = load(("builtin",))
    short = build("re2", pack)
    short._set = re2_engine._compiled([canonical(parse(one), "re2") for one in pack], 1 << 20)  # type: ignore[attr-defined]
    examples = [line.encode() for one in pack for line in one.match]
    draw = random.Random(1)
    records = [b"".join(draw.choice(examples)[draw.randrange(40) :] for _ in range(4)) for _ in range(1500)]
    assert differences(short, build("hyperscan", pack), pack, lay_out(records)) == []


@pytest.mark.parametrize("name", registry.SCANNING)
def test_an_engine_refuses_a_pattern_outside_the_dialect(name: str) -> None:
    with pytest.raises(DialectError, match=r"'odd\.one'"):
        build(name, (Signature(id="ok", pattern="ok"), Signature(id="odd.one", pattern="a(?!b)")))


def test_more_signatures_than_hits_can_name_are_refused() -> None:
    one: Sequence[Signature] = [Signature(id="x", pattern="x")]
    check_count("some", list(one) * 65536)
    with pytest.raises(EngineError, match="at most 65536, got 65537"):
        check_count("some", list(one) * 65537)


def test_signatures_keep_their_index_up_to_the_last() -> None:
    signatures = [Signature(id=f"n{number}", pattern=f"<{number}>") for number in range(300)]
    batch = lay_out([b"<299>", b"<0><256>"])
    for name in registry.SCANNING:
        hits = build(name, signatures).scan(*batch)
        assert list(zip(hits.record.tolist(), hits.signature.tolist(), strict=True)) == [(0, 299), (1, 0), (1, 256)]


def test_the_built_in_pack_compiles_to_less_than_two_megabytes() -> None:
    assert 0 < HyperscanEngine(load(("builtin",))).database_bytes < 2_000_000
