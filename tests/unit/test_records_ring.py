"""Rings: planting, labels, the share of the kinds, packs, and rings of a user's own files."""

from collections import Counter
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from loadgen.model.records import SIZE_RECORDS, Labels, Mix, Ring, from_files, synthetic
from loadgen.model.records import files as files_module
from loadgen.model.records.attacks import SIGNATURES


def labels_in(ring: Ring) -> Labels:
    assert ring.labels is not None
    return ring.labels


def test_the_same_arguments_give_the_same_ring_and_another_seed_another() -> None:
    first, second, other = (synthetic(seed, size=500, attack_ratio=0.1) for seed in (5, 5, 6))
    assert first.lines == second.lines
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(("ratio", "attacks"), [(0.0, 0), (0.01, 20), (0.5, 1000), (1.0, 2000)])
def test_exactly_the_share_asked_for_is_planted(ratio: float, attacks: int) -> None:
    labels = labels_in(synthetic(1, size=2000, attack_ratio=ratio))
    assert len(set(labels.record.tolist())) == attacks


def test_weights_of_any_sum_become_shares() -> None:
    assert Mix.of({"web": 3.0, "app": 1.0}) == Mix(web=0.75, sshd=0.0, app=0.25)


def test_labels_are_sorted_pairs_each_once() -> None:
    labels = labels_in(synthetic(2, size=3000, attack_ratio=0.4))
    pairs = list(zip(labels.record.tolist(), labels.signature.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert labels.record.dtype == labels.signature.dtype == np.int64
    assert labels.judged.all()


def test_a_ring_of_the_default_size_at_one_percent_plants_nearly_every_signature() -> None:
    labels = labels_in(synthetic(3))
    assert len(set(labels.signature.tolist())) >= 50
    assert len(labels.signatures) == 55


def test_the_kinds_come_in_the_shares_of_the_mix_and_attacks_likewise() -> None:
    ring = synthetic(4, size=8000, attack_ratio=0.25, mix=Mix(0.5, 0.3, 0.2))
    labels = labels_in(ring)
    planted = set(labels.record.tolist())
    # Web lines alone have their stamp in brackets after two hyphens, auth lines alone begin with a month.
    kinds = {
        at: "web" if b" - - [" in line[:60] else "sshd" if line[:3] == b"Jan" else "app"
        for at, line in enumerate(ring.lines)
    }
    for chosen in (set(kinds), planted):
        share = Counter(kinds[at] for at in chosen)
        assert share["web"] / len(chosen) == pytest.approx(0.5, abs=0.05)
        assert share["sshd"] / len(chosen) == pytest.approx(0.3, abs=0.05)
        assert share["app"] / len(chosen) == pytest.approx(0.2, abs=0.05)
    group = {"web": "web", "auth": "sshd", "app": "app"}
    for record, signature in zip(labels.record.tolist(), labels.signature.tolist(), strict=True):
        assert kinds[record] == group[SIGNATURES[signature].split(".")[0]]


def test_a_mix_of_web_alone_gives_web_alone() -> None:
    ring = synthetic(5, size=500, attack_ratio=0.2, mix=Mix(1.0, 0.0, 0.0))
    assert all(b" - - [" in line for line in ring.lines)


def test_a_longer_ring_begins_like_a_shorter_one_without_attacks() -> None:
    assert synthetic(6, size=300, attack_ratio=0.0).lines == synthetic(6, size=900, attack_ratio=0.0).lines[:300]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size must be >= 1 record, got 0"),
        ({"attack_ratio": 1.5}, "attack_ratio must be a share from 0 to 1, got 1.5; for 1 % write 0.01"),
        ({"attack_ratio": float("nan")}, "attack_ratio must be a share from 0 to 1, got nan"),
        ({"mix": Mix(0.7, 0.2, 0.2)}, r"the shares of mix must be >= 0 and add up to 1, .*sum 1.1"),
        ({"mix": Mix(1.2, -0.2, 0.0)}, "the shares of mix must be >= 0"),
        ({"mix": Mix(float("nan"), 0.5, 0.5)}, "the shares of mix must be >= 0"),
    ],
)
def test_arguments_outside_their_range_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        synthetic(1, **arguments)  # type: ignore[arg-type]


def test_a_ring_of_the_default_size_is_rendered_in_well_under_a_second_and_a_half() -> None:
    begin_s = process_time()
    synthetic(7)
    # 0.2 s on a core of an AMD EPYC guest (November 2026); processor time, since other tests run beside this one.
    assert process_time() - begin_s < 1.0
    assert SIZE_RECORDS == 16_384


def test_the_fingerprint_sees_a_changed_byte_a_moved_line_end_and_a_moved_label() -> None:
    ring = Ring((b"ab", b"c"), Labels(np.array([0]), np.array([0]), ("x", "y"), np.array([True, True])))
    labels = labels_in(ring)
    others = [
        Ring((b"ab", b"d"), labels),
        Ring((b"a", b"bc"), labels),
        Ring(ring.lines, labels._replace(record=np.array([1]))),
        Ring(ring.lines, labels._replace(signature=np.array([1]))),
        Ring(ring.lines, None),
    ]
    assert len({ring.fingerprint(), *(other.fingerprint() for other in others)}) == 6


def test_labels_are_renumbered_for_a_pack_and_cut_to_what_it_holds() -> None:
    labels = Labels(np.array([1, 1, 4]), np.array([0, 2, 1]), ("a", "b", "c"), np.array([True, True, True]))
    mine = labels.for_pack(["c", "mine", "a"])
    assert mine.record.tolist() == [1, 1]
    assert mine.signature.tolist() == [0, 2]
    assert mine.signatures == ("c", "mine", "a")
    assert mine.judged.tolist() == [True, False, True]


def test_a_pack_that_names_a_signature_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a pack names each signature once, got 3 ids of which 2 differ"):
        labels_in(synthetic(1, size=10)).for_pack(["a", "b", "a"])


def test_lines_of_files_come_in_order_as_they_are_without_their_line_ends(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_bytes(b"first\r\n\xff\xfe odd\n\ntab\tand \r inside\n")
    (tmp_path / "two.log").write_bytes(b"no end\x0bof line\r")
    ring = from_files([tmp_path / "one.log", str(tmp_path / "two.log")])
    assert ring.lines == (b"first", b"\xff\xfe odd", b"", b"tab\tand \r inside", b"no end\x0bof line")
    assert ring.labels is None


@pytest.mark.parametrize(
    ("size", "expected"),
    [(None, b"1 2 3 4"), (1, b"1"), (2, b"1 2"), (3, b"1 2 3"), (4, b"1 2 3 4"), (7, b"1 2 3 4 1 2 3")],
)
def test_a_size_cuts_the_files_or_goes_through_them_again(tmp_path: Path, size: int | None, expected: bytes) -> None:
    (tmp_path / "a").write_bytes(b"1\n2\n")
    (tmp_path / "b").write_bytes(b"3\n4\n")
    assert b" ".join(from_files([tmp_path / "a", tmp_path / "b"], size).lines) == expected


def test_files_that_can_not_be_rings_are_refused_with_path_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "full").write_bytes(b"line one\nline two\n")
    cases: list[tuple[list[Path], int | None, str]] = [
        ([], None, "files needs at least one path"),
        ([tmp_path / "none"], None, r"none doesn't exist; paths count from the directory"),
        ([tmp_path], None, r"can't be read \(Is a directory\); name a plain file"),
        ([tmp_path / "full", tmp_path / "empty"], None, r"empty is empty: .*leave the file out"),
        ([tmp_path / "full"], 0, r"size must be >= 1 record, got 0"),
    ]
    for paths, size, message in cases:
        with pytest.raises(ValueError, match=message) as caught:
            from_files(paths, size)
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(files_module, "LIMIT_BYTES", 10)
    with pytest.raises(ValueError, match=r"full: a ring holds at most .* of lines; give a size"):
        from_files([tmp_path / "full"])
    assert from_files([tmp_path / "full"], 1).lines == (b"line one",)
