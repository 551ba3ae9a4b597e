"""In-place scanning: which records a scan of the whole buffer names, and when it says that it can't tell."""

from collections.abc import Sequence

import numpy as np
import pytest

from system.engine import in_place
from system.engine.engine import Offsets
from system.engine.equality import Batch, differences, lay_out
from system.engine.hyperscan_engine import HyperscanEngine
from system.engine.in_place import MATCHES_A_RECORD, InPlace
from system.engine.reference import ReferenceEngine
from system.signatures.dialect import Parsed, canonical
from system.signatures.model import Signature


def named(patterns: Sequence[str], records: Sequence[bytes], between: bytes = b"\n") -> list[int] | None:
    signatures = [Signature(id=f"s{at}", pattern=pattern) for at, pattern in enumerate(patterns)]
    return InPlace(signatures).candidates(*lay_out(records, between))


def test_a_record_that_may_match_is_named_once_and_no_other() -> None:
    assert named(["ab", "^b"], [b"xx", b"abab", b"", b"b"]) == [1, 3]


def test_a_match_that_ends_between_records_names_none_and_hides_none() -> None:
    assert named(["a.{0,8}b"], [b"a", b"xb", b"axb"], between=b"b") == [1, 2]


def test_a_match_over_a_records_end_is_only_a_candidate() -> None:
    signatures = [Signature(id="s", pattern="ab")]
    batch = lay_out([b"xa", b"bx", b"ab"], b"")
    assert InPlace(signatures).candidates(*batch) == [1, 2]
    assert HyperscanEngine(signatures).scan(*batch).record.tolist() == [2]


def test_too_many_matches_are_given_up_and_the_engine_still_finds_all() -> None:
    signatures = [Signature(id="s", pattern="a")]
    batch = lay_out([b"a" * (MATCHES_A_RECORD + 1)] * 3)
    assert InPlace(signatures).candidates(*batch) is None
    assert HyperscanEngine(signatures).scan(*batch).record.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("starts", "ends"), [([2, 0], [4, 2]), ([0, 1], [3, 4])])
def test_records_out_of_order_or_overlapping_are_scanned_one_by_one(starts: list[int], ends: list[int]) -> None:
    signatures = [Signature(id="s", pattern="ab")]
    where: tuple[Offsets, Offsets] = (np.array(starts, np.int64), np.array(ends, np.int64))
    assert InPlace(signatures).candidates(b"abab", *where) is None
    batch = Batch(b"abab", *where)
    assert differences(HyperscanEngine(signatures), ReferenceEngine(signatures), signatures, batch) == []


def test_what_can_not_be_relaxed_is_looked_for_in_every_record() -> None:
    signatures = [Signature(id="word", pattern="ab"), Signature(id="empty", pattern="^$")]
    assert InPlace(signatures).left_out == [1]
    hits = HyperscanEngine(signatures).scan(*lay_out([b"", b"ab", b"x", b""]))
    assert list(zip(hits.record.tolist(), hits.signature.tolist(), strict=True)) == [(0, 1), (1, 0), (3, 1)]


def test_an_assertion_that_is_kept_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a boundary that the bytes around a record take away."""

    def kept(parsed: Parsed) -> tuple[bytes, ...]:
        return (canonical(parsed, "hyperscan"),)

    monkeypatch.setattr(in_place, "relaxed", kept)
    signatures = [Signature(id="word", pattern=r"ab\b")]
    batch = lay_out([b"ab", b"xx"], b"a")
    found = differences(HyperscanEngine(signatures), ReferenceEngine(signatures), signatures, batch)
    assert found == ["hyperscan misses word in record 0, b'ab'; reference does not"]
