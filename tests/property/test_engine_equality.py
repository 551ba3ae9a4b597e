r"""Every engine means what the reference means: over the built-in pack, over random patterns, over hostile records.

Records are cut from the pack's own examples (truncated, doubled, case changed, bytes put in) and from the bytes on which
engines are known to differ: newlines (`$`, `.`), vertical tabs and NULs (`\s`, C strings), bytes above 127 (`\w`, case).
"""

import functools
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, example, find, given, settings
from hypothesis import strategies as st

from system.engine.database import compiled
from system.engine.engine import SIGNATURE_BITS, EngineError, Hits, Offsets, SignatureEngine, hits_of
from system.engine.equality import Batch, differences, lay_out
from system.engine.hyperscan_engine import FLAGS, HyperscanEngine
from system.engine.reference import ReferenceEngine
from system.engine.registry import SCANNING, build
from system.engine.scratches import Scratches
from system.signatures.dialect import DialectError, canonical, parse
from system.signatures.loaders import load
from system.signatures.model import Signature

PACK = load(("builtin",))
EXAMPLES = [line.encode() for signature in PACK for line in (*signature.match, *signature.no_match)]


@functools.cache
def of_pack(name: str) -> SignatureEngine:
    return build(name, PACK)


#: Bytes on which engines could differ, and a few for them to stand beside.
ODD_BYTES = st.sampled_from([bytes((byte,)) for byte in b'\n\r\v\f\t \x00\x7f\x80\xa0\xe9\xffaAzZ0_"%+$.'])
SNIPPETS = st.lists(ODD_BYTES, max_size=6).map(b"".join)


CHANGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda text: text,
    lambda text: text.upper(),
    lambda text: text.lower(),
    lambda text: text.swapcase(),
    lambda text: text * 2,
)


@st.composite
def hostile_records(draw: st.DrawFn) -> bytes:
    """A record: pieces of examples, changed, with odd bytes between."""
    pieces = []
    for _ in range(draw(st.integers(0, 3))):
        line = draw(st.sampled_from(EXAMPLES))
        start = draw(st.integers(0, len(line)))
        piece = line[start : draw(st.integers(start, len(line)))] if draw(st.booleans()) else line
        change = draw(st.sampled_from(CHANGES))
        pieces += [change(piece), draw(SNIPPETS)]
    return b"".join(pieces) if pieces else draw(SNIPPETS | st.binary(max_size=40))


BATCHES = st.builds(lay_out, st.lists(hostile_records(), max_size=8), st.sampled_from([b"", b"\n", b"\x00", b"a"]))


@pytest.mark.parametrize("name", [name for name in SCANNING if name != "reference"])
@given(batch=BATCHES)
@settings(max_examples=150, deadline=None)
def test_engines_find_what_the_reference_finds_with_the_built_in_pack(name: str, batch: Batch) -> None:
    assert differences(of_pack(name), of_pack("reference"), PACK, batch) == []


# Random patterns of the dialect, written as text: what a user could write, not what the parser makes of it.
LITERALS = st.sampled_from(["a", "b", "B", "0", "_", " ", "%", r"\.", r"\$", r"\x00", r"\xff", r"\n", r"\v", "k"])
CLASSES = st.sampled_from(
    [
        ".",
        r"\s",
        r"\S",
        r"\w",
        r"\W",
        r"\d",
        r"\D",
        "[ab]",
        "[^a]",
        "[^\\n]",
        r"[\s_]",
        r"[^\W0]",
        "[a-c$^]",
        "[]a]",
        "[Z-a]",
    ]
)
ATOMS = LITERALS | CLASSES
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "+?", "{0,2}?"])
FLAG_GROUPS = st.sampled_from(["(", "(?:", "(?i:", "(?s:", "(?-i:"])


def grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=3).map("|".join)
    return st.builds("{}{}){}".format, FLAG_GROUPS, body, REPEATS)


PIECES = st.recursive(
    st.builds("{}{}".format, ATOMS, REPEATS) | st.just(r"\b"),
    lambda inner: grouped(inner) | st.lists(inner, min_size=1, max_size=3).map("".join),
    max_leaves=6,
)
EDGES_BEFORE = st.sampled_from(["", "", "", "^", r"\A", r"\b", "(?:^|a)"])
EDGES_AFTER = st.sampled_from(["", "", "", "$", r"\b", "(?:$|b)", r"\n?$"])
PATTERNS = st.builds("{}{}{}".format, EDGES_BEFORE, PIECES, EDGES_AFTER) | PIECES
FLAGGED = st.builds(
    lambda prefix, pattern, ignore_case, dot_all: Signature(
        id="random", pattern=prefix + pattern, ignore_case=ignore_case, dot_all=dot_all
    ),
    st.sampled_from(["", "", "", "(?i)", "(?s)", "(?is)"]),
    PATTERNS,
    st.booleans(),
    st.booleans(),
)
SMALL_RECORDS = st.lists(
    st.lists(st.sampled_from([bytes((byte,)) for byte in b"abABz0_ %.$\n\n\v\x00\xff\xe9"]), max_size=8).map(b"".join),
    min_size=1,
    max_size=8,
)


def runnable(name: str, signatures: Sequence[Signature]) -> list[Signature]:
    """The signatures that an engine takes; a refusal must be its own, by name."""
    taken = []
    for signature in signatures:
        try:
            build(name, (signature,))
        except EngineError as error:
            if repr(signature.id) not in str(error):
                raise
        else:
            taken.append(signature)
    return taken


@pytest.mark.parametrize("name", [name for name in SCANNING if name != "reference"])
@given(signatures=st.lists(FLAGGED, min_size=1, max_size=4), records=SMALL_RECORDS)
@example(signatures=[Signature(id="random", pattern="a$")], records=[b"a\n", b"a"])
@example(signatures=[Signature(id="random", pattern=r"\s")], records=[b"\v", b"\x1c", b"\x85", b"\xa0"])
@example(signatures=[Signature(id="random", pattern=r"\b"), Signature(id="random", pattern="a?")], records=[b"", b"a"])
@example(signatures=[Signature(id="random", pattern="(?i)[^a]")], records=[b"A", b"a", b"\xe1"])
@settings(max_examples=250, deadline=None)
def test_engines_find_what_the_reference_finds_with_random_patterns(
    name: str, signatures: list[Signature], records: list[bytes]
) -> None:
    taken = runnable(name, signatures)
    assume(taken)
    batch = lay_out(records, b"a")
    assert differences(build(name, taken), ReferenceEngine(taken), taken, batch) == []


@given(signature=FLAGGED, records=SMALL_RECORDS)
@settings(max_examples=300, deadline=None)
def test_the_canonical_form_is_what_python_makes_of_the_text(signature: Signature, records: list[bytes]) -> None:
    """Against `re` on the author's own text, where the two may be compared: records on which Python's `$` is the end."""
    own = re.compile(signature.pattern.encode(), signature.ignore_case * re.IGNORECASE | signature.dot_all * re.DOTALL)
    ours = re.compile(canonical(parse(signature), "re"))
    for record in records:
        if not record.endswith(b"\n"):
            assert bool(ours.search(record)) is bool(own.search(record)), (signature.pattern, record)


@given(text=st.text(st.sampled_from(list(r"ab01()[]{}|*+?^$.\-,:&~<>=!#PiSsxZzdDwWbBuAnk")), max_size=12))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_pattern_with_one_meaning_or_refused_by_name(text: str) -> None:
    signature = Signature(id="any.text", pattern=text)
    try:
        parsed = parse(signature)
    except DialectError as error:
        if "signature 'any.text'" not in str(error):
            raise
        return
    records = [b"", b"a", b"ab", b"ab\n", b"a-b", b"01 a", b"\n", b"(a]", b"aab{1,2}b", b"xk\\"]
    asked, made = re.compile(parsed.as_written), re.compile(canonical(parsed, "re"))
    assert [bool(made.search(record)) for record in records] == [bool(asked.search(record)) for record in records]


class Faulty:
    """An engine with a planted fault: what the checker must see."""

    name = "faulty"

    def __init__(self, signatures: Sequence[Signature], fault: str) -> None:
        self._engine = ReferenceEngine(signatures)
        self._fault = fault

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        if self._fault == "reads on":
            return self._engine.scan(buffer, starts, ends + 1)
        hits = self._engine.scan(buffer, starts, ends)
        match self._fault:
            case "drops a hit":
                return Hits(hits.record[:-1], hits.signature[:-1])
            case "adds a hit":
                pairs = zip(hits.record.tolist(), hits.signature.tolist(), strict=True)
                return hits_of([0, *(record << SIGNATURE_BITS | signature for record, signature in pairs)])
            case "turns the order":
                return Hits(hits.record[::-1], hits.signature[::-1])
            case "repeats a hit":
                return Hits(hits.record.repeat(2), hits.signature.repeat(2))
            case "widens the types":
                return Hits(hits.record.astype("int64"), hits.signature)
        raise AssertionError(f"no such fault: {self._fault}")


PLANTED = (Signature(id="planted.end", pattern="b$"), Signature(id="planted.word", pattern="ab"))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("drops a hit", "faulty misses planted.word in record 2, b'ab'"),
        ("adds a hit", "faulty finds planted.end in record 0, b'xx'"),
        ("turns the order", "not sorted, or repeated"),
        ("repeats a hit", "not sorted, or repeated"),
        ("widens the types", "int64"),
        ("reads on", "faulty misses planted.end in record 1, b'ab'"),
    ],
)
def test_the_checker_sees_a_planted_fault(fault: str, says: str) -> None:
    batch = lay_out([b"xx", b"ab", b"ab"])
    found = differences(Faulty(PLANTED, fault), ReferenceEngine(PLANTED), PLANTED, batch)
    assert says in " ".join(found)
    assert differences(ReferenceEngine(PLANTED), ReferenceEngine(PLANTED), PLANTED, batch) == []


class Untranslated(HyperscanEngine):
    """Hyperscan given the author's `$`, which it lets match before a last newline as well."""

    name = "untranslated"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        super().__init__(signatures)
        self._all = Scratches(compiled([one.pattern.encode() for one in signatures], FLAGS))


def test_a_dollar_that_was_not_translated_is_seen() -> None:
    found = differences(Untranslated(PLANTED), ReferenceEngine(PLANTED), PLANTED, lay_out([b"ab\n", b"ab"], b""))
    assert found == ["untranslated finds planted.end in record 0, b'ab\\n'; reference does not"]


class PythonDollar(ReferenceEngine):
    """`re` on the author's text: its `$` is Python's."""

    name = "python"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        super().__init__(signatures)
        self._patterns = [re.compile(one.pattern.encode()) for one in signatures]


def test_the_random_patterns_reach_the_place_where_engines_are_known_to_differ() -> None:
    """The search that finds no difference above does find one where it was planted."""

    def departs(drawn: tuple[str, list[bytes]]) -> bool:
        signatures = (Signature(id="random", pattern=drawn[0]),)
        return bool(
            differences(PythonDollar(signatures), ReferenceEngine(signatures), signatures, lay_out(drawn[1], b"a"))
        )

    pattern, _ = find(
        st.tuples(PATTERNS, SMALL_RECORDS),
        departs,
        settings=settings(max_examples=3000, derandomize=True, database=None, deadline=None),
    )
    assert "$" in pattern
