"""Relaxed patterns: which part of a signature is looked for in place, and which signatures have none."""

import re

import pytest

from system.signatures.dialect import parse
from system.signatures.loaders import load
from system.signatures.model import Signature
from system.signatures.relax import relaxed


def of(pattern: str, **flags: bool) -> list[str] | None:
    found = relaxed(parse(Signature(id="one", pattern=pattern, **flags)))
    return None if found is None else [each.decode() for each in found]


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("abc", ["abc"]),
        ("^abc$", ["abc"]),
        (r"\babc\b", ["abc"]),
        ("a|bc", ["a", "bc"]),
        ("(?:a|bc)", ["a", "bc"]),
        ("x(?:a|bc)", ["x(?:a|bc)"]),
        # What may be absent at an end is left out, and so are repeats there beyond the least.
        ("x*abc?", ["ab"]),
        ("a{2,5}bc+", ["a{2}bc"]),
        ("ab{2,}c", ["ab{2,}c"]),
        ("(?:(?:))a", ["a"]),
        # A gap divides; the stretch that tells most is taken.
        ('"[A-Z]{3,8} [^"]*select', ["select"]),
        ("Failed password for .{0,128} port", [r"Failed\x20password\x20for\x20"]),
        # Short repeats and small sets are no gaps.
        ("a.{0,8}b", [r"a[^\x0a]{0,8}b"]),
        (r"a\d*b", ["a[0-9]{0,}b"]),
        # A gap alone is still something that must be there.
        ('[^"]{3,}', [r"[^\x22]"]),
    ],
)
def test_the_part_that_is_looked_for(pattern: str, parts: list[str]) -> None:
    assert of(pattern) == parts


@pytest.mark.parametrize("pattern", ["a*", "^$", r"\b", "a|b*", "(?:a|)", "(?:a?b?)*", "x?(?:^|$)"])
def test_what_may_match_nothing_can_not_be_relaxed(pattern: str) -> None:
    assert of(pattern) is None


def test_case_and_newlines_are_in_the_bytes() -> None:
    assert of("a.c", ignore_case=True, dot_all=True) == [r"[Aa][\x00-\xff][Cc]"]


@pytest.mark.parametrize("signature", load(("builtin",)), ids=lambda signature: signature.id)
def test_every_built_in_signature_has_a_part_and_its_examples_hold_it(signature: Signature) -> None:
    parts = relaxed(parse(signature))
    assert parts is not None
    assert all(any(re.search(part, line.encode()) for part in parts) for line in signature.match)
