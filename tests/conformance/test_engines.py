"""What every engine of the registry keeps to: the same hits as the reference, record by record, also after a fork.

An engine that looks for nothing (`SILENT`) finds nothing, in the right form.
"""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from system.engine.engine import SignatureEngine
from system.engine.equality import Batch, differences, lay_out
from system.engine.reference import ReferenceEngine
from system.engine.registry import ENGINES, SCANNING, SILENT, build
from system.signatures.loaders import load
from system.signatures.model import Signature

every = pytest.mark.parametrize("name", ENGINES)
scanning = pytest.mark.parametrize("name", SCANNING)
silent = pytest.mark.parametrize("name", sorted(SILENT))

PACK = load(("builtin",))

#: Signatures on whatever engines read differently, in one pack.
CORNERS = tuple(
    Signature(id=f"corner.{number}", pattern=pattern)
    for number, pattern in enumerate(
        [
            "^a",
            "a$",
            "^$",
            r"\bab\b",
            "a.b",
            "(?s)a.b",
            r"\s",
            r"\W$",
            "(?i)K",
            "a*",
            "a{2,3}$",
            r"\x00",
            "[^a]",
        ]
    )
)


def hits(engine: SignatureEngine, records: list[bytes], between: bytes = b"\n") -> list[tuple[int, int]]:
    found = engine.scan(*lay_out(records, between))
    return list(zip(found.record.tolist(), found.signature.tolist(), strict=True))


@every
def test_it_says_its_name(name: str) -> None:
    assert build(name, PACK[:1]).name == name


@every
def test_no_records_give_no_hits_of_the_right_types(name: str) -> None:
    found = build(name, CORNERS).scan(b"aaaa", np.empty(0, np.int64), np.empty(0, np.int64))
    assert (found.record.size, found.signature.size) == (0, 0)
    assert (found.record.dtype, found.signature.dtype) == (np.dtype("uint32"), np.dtype("uint16"))


@every
def test_no_signatures_give_no_hits(name: str) -> None:
    assert hits(build(name, ()), [b"a", b""]) == []


@silent
def test_an_engine_that_looks_for_nothing_finds_nothing_whatever_there_is(name: str) -> None:
    assert hits(build(name, PACK), [line.encode() for signature in PACK for line in signature.match]) == []


def test_every_engine_either_looks_for_what_the_reference_finds_or_is_said_to_look_for_nothing() -> None:
    assert {*SCANNING, *SILENT} == set(ENGINES)
    assert "reference" in SCANNING


@scanning
def test_a_signature_hits_a_record_once_however_often_it_occurs(name: str) -> None:
    engine = build(name, (Signature(id="x", pattern="ab"), Signature(id="y", pattern="a")))
    assert hits(engine, [b"ab ab ab", b"", b"aaa"]) == [(0, 0), (0, 1), (2, 1)]


@scanning
def test_corner_cases_are_those_of_the_reference(name: str) -> None:
    records = [
        b"",
        b"a",
        b"ab",
        b"a\nb",
        b"ab\n",
        b"\n",
        b"\v",
        b"x ab y",
        b"xaby",
        b"aaa",
        b"k",
        b"K",
        b"\xe2\x84\xaa",
    ]
    records += [b"\x00", b"a\x00b", b"\xff", b"a\xffb", b"\xa0", b"\x85", b"\x1c", b"_ab", b"ab-"]
    assert differences(build(name, CORNERS), ReferenceEngine(CORNERS), CORNERS, lay_out(records)) == []


@scanning
@pytest.mark.parametrize("between", [b"", b"\n", b"a", b"ab", b"\x00"])
def test_a_neighbouring_record_never_lends_a_byte(name: str, between: bytes) -> None:
    """Each pattern would match if it could see past the record's end, or before its start."""
    signatures = tuple(
        Signature(id=f"cut.{number}", pattern=pattern)
        for number, pattern in enumerate(["abcd", r"a\nb", "bc.*da", r"^cd", "ab$", r"\bcd", r"ab\b", "(?s)b.c"])
    )
    records = [b"ab", b"cd", b"abc", b"d", b"xcd", b"abx", b"ab", b"", b"cd", b"b", b"c"]
    engine, reference = build(name, signatures), ReferenceEngine(signatures)
    alone = [
        (number, signature) for number, record in enumerate(records) for _, signature in hits(engine, [record], b"")
    ]
    assert hits(engine, records, between) == alone
    assert differences(engine, reference, signatures, lay_out(records, between)) == []


@scanning
def test_examples_cut_in_two_records_hit_only_where_a_half_does(name: str) -> None:
    engine, reference = build(name, PACK), ReferenceEngine(PACK)
    halves = []
    for signature in PACK:
        line = signature.match[0].encode()
        halves += [line[: len(line) // 2], line[len(line) // 2 :]]
    assert differences(engine, reference, PACK, lay_out(halves, b"")) == []


@scanning
def test_records_may_lie_in_any_order_and_overlap(name: str) -> None:
    engine = build(name, (Signature(id="x", pattern="^bc$"), Signature(id="y", pattern="^ab")))
    found = engine.scan(b"abcd", np.array([1, 0, 2], np.int64), np.array([3, 4, 2], np.int64))
    assert list(zip(found.record.tolist(), found.signature.tolist(), strict=True)) == [(0, 0), (1, 1)]


@scanning
def test_a_scan_leaves_no_trace_in_the_next(name: str) -> None:
    engine = build(name, PACK)
    lines = [signature.match[0].encode() for signature in PACK]
    first = hits(engine, lines)
    assert len(first) >= len(PACK)
    assert hits(engine, [b"nothing"]) == []
    assert hits(engine, lines) == first


FORKS = """
import os, sys
from system.engine.equality import lay_out
from system.engine.registry import build
from system.signatures.loaders import load

pack = load(("builtin",))
engine = build(sys.argv[1], pack)
batch = lay_out([line.encode() for signature in pack for line in signature.match] * 5)
before = [hits.tolist() for hits in engine.scan(*batch)]
assert len(before[0]) > len(pack)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        same = all([hits.tolist() for hits in engine.scan(*batch)] == before for _ in range(20))
        os._exit(0 if same else 9)
    children.append(child)
after = [hits.tolist() for hits in engine.scan(*batch)]  # while the children scan
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert after == before and codes == [0, 0, 0], codes
"""


@scanning
def test_an_engine_built_before_a_fork_works_in_every_child_and_in_the_parent(name: str) -> None:
    """As Celery's prefork pool uses it. In a process of its own: the test runner may have threads, which don't fork."""
    done = subprocess.run([sys.executable, "-c", FORKS, name], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@scanning
def test_several_threads_scan_at_once_and_find_what_one_does(name: str) -> None:
    """As Celery's pool of threads uses it: Hyperscan lets go of the interpreter's lock, and refuses a shared scratch."""
    pack = PACK[:8] if name in ("re", "reference") else PACK
    engine = build(name, pack)
    batches = [lay_out([line.encode() for one in pack[at:] for line in one.match] * 20) for at in range(4)]
    alone = [[part.tolist() for part in engine.scan(*batch)] for batch in batches]
    start = threading.Barrier(4)

    def scan(batch: Batch) -> list[list[list[int]]]:
        start.wait(10)
        return [[part.tolist() for part in engine.scan(*batch)] for _ in range(10)]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(scan, batches))
    assert together == [[one] * 10 for one in alone]
