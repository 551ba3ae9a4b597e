r"""The dialect: what a pattern becomes for each engine, and what is refused, by name."""

import re

import pytest

from system.signatures.dialect import DialectError, canonical, parse
from system.signatures.model import Signature


def signature(pattern: str, *, ignore_case: bool = False, dot_all: bool = False) -> Signature:
    return Signature(id="test.one", pattern=pattern, ignore_case=ignore_case, dot_all=dot_all)


@pytest.mark.parametrize(
    ("pattern", "as_re", "as_hyperscan"),
    [
        ("a$", rb"a\Z", rb"a\z"),
        (r"a\$", rb"a\x24", rb"a\x24"),
        ("[$a]", rb"[\x24a]", rb"[\x24a]"),
        (r"[\]$]$", rb"[\x24\x5d]\Z", rb"[\x24\x5d]\z"),
        ("[]$]|b$", rb"[\x24\x5d]|b\Z", rb"[\x24\x5d]|b\z"),
        (r"\\$", rb"\x5c\Z", rb"\x5c\z"),
        ("^a", rb"\Aa", rb"\Aa"),
        (r"\Aa", rb"\Aa", rb"\Aa"),
        (r"\ba\b", rb"\ba\b", rb"\ba\b"),
        (".", rb"[^\x0a]", rb"[^\x0a]"),
        (r"\s", rb"[\x09-\x0d\x20]", rb"[\x09-\x0d\x20]"),
        (r"\d\w", rb"[0-9][0-9A-Z_a-z]", rb"[0-9][0-9A-Z_a-z]"),
        (r"[^\W\d]", rb"[A-Z_a-z]", rb"[A-Z_a-z]"),
        (r"\v\x00\xfF", rb"\x0b\x00\xff", rb"\x0b\x00\xff"),
        ("a{,3}", rb"a{0,3}", rb"a{0,3}"),
        ("a{3}b{2,}?", rb"a{3}b{2,}?", rb"a{3}b{2,}?"),
        ("a{b{}", rb"a\x7bb\x7b\x7d", rb"a\x7bb\x7b\x7d"),
        ("(?P<x>a)(b)(?:c)", rb"(?:a)(?:b)(?:c)", rb"(?:a)(?:b)(?:c)"),
        ("(?i)a1", rb"[Aa]1", rb"[Aa]1"),
        ("(?i:a)a", rb"(?:[Aa])a", rb"(?:[Aa])a"),
        ("(?i)a(?-i:b)c", rb"[Aa](?:b)[Cc]", rb"[Aa](?:b)[Cc]"),
        ("(?s:.).", rb"(?:[\x00-\xff])[^\x0a]", rb"(?:[\x00-\xff])[^\x0a]"),
        ("(?i)[^a-c]", rb"[^A-Ca-c]", rb"[^A-Ca-c]"),
    ],
)
def test_a_pattern_is_rendered_for_each_engine(pattern: str, as_re: bytes, as_hyperscan: bytes) -> None:
    parsed = parse(signature(pattern))
    assert canonical(parsed, "re") == as_re
    assert canonical(parsed, "hyperscan") == as_hyperscan


def test_flags_of_a_signature_hold_for_its_whole_pattern() -> None:
    parsed = parse(signature("a.$", ignore_case=True, dot_all=True))
    assert canonical(parsed, "re") == rb"[Aa][\x00-\xff]\Z"
    assert (parsed.as_written, parsed.flags) == (rb"a.\Z", re.IGNORECASE | re.DOTALL)


@pytest.mark.parametrize("pattern", ["a$", "(?:x|b$)c?", r"\$$", "[$]a$"])
def test_the_end_is_never_the_place_before_a_last_newline(pattern: str) -> None:
    """`$` as Python has it would match here: that is the mistake a translation that forgets one makes."""
    parsed = parse(signature(pattern))
    for compiled in (re.compile(parsed.as_written), re.compile(canonical(parsed, "re"))):
        assert not any(compiled.search(record) for record in (b"a\n", b"b\n", b"$\n", b"$a\n"))


@pytest.mark.parametrize(
    ("pattern", "construct", "says", "remedy"),
    [
        ("a(?=b)", "(?=", "look-ahead", "match the bytes after it"),
        ("a(?!b)", "(?!", "negative look-ahead", "class"),
        ("(?<=a)b", "(?<=", "look-behind", "match the bytes before it"),
        ("(?<!a)b", "(?<!", "negative look-behind", "class"),
        (r"(a)\1", r"\1", "back-reference", "write the repeated text out"),
        ("(?P<n>a)(?P=n)", "(?P=", "back-reference", "write the repeated text out"),
        (r"\101", r"\1", "octal", r"\x00"),
        (r"[\0]", r"\0", "octal", r"\x00"),
        (r"a\Z", r"\Z", "end anchor", "write $"),
        (r"a\z", r"\z", "end anchor", "write $"),
        (r"\Ba", r"\B", "not-a-word-boundary", "class"),
        ("a(?i)b", "(?i)", "not at the start", "(?i:...)"),
        ("(?i)(?s)b", "(?s)", "not at the start", "(?s:...)"),
        ("(?m)^a", "(?m)", "flag", "only i"),
        ("(?x: a)", "(?x)", "flag", "only i"),
        ("a*+", "*+", "possessive", "write *"),
        ("a{2}+", "{2}+", "possessive", "write {2}"),
        ("(?>a)", "(?>", "atomic", "write (?:"),
        ("(?<n>a)", "(?<", "named group", "write (?:"),
        ("(a)(?(1)b|c)", "(?(", "conditional", "alternatives"),
        ("a(?#why)", "(?#", "comment", "description"),
        ("(?R)", "(?R", "recursion", "write the group out"),
        ("[[:alpha:]]", "[[", "POSIX class", r"\["),
        ("[a&&b]", "&&", "set operation", r"\&"),
        ("[a--b]", "--", "set operation", r"\-"),
        ("[+--]", "--", "set operation", r"\-"),
        (r"[\b]", r"\b", "backspace", r"\x08"),
        (r"\pL", r"\p", "Unicode property", "ASCII class"),
        (r"\h", r"\h", "horizontal-space", r"[ \t]"),
        (r"\x4", r"\x", "hexadecimal", r"\x0a"),
        (r"\q", r"\q", "unknown escape", "the byte itself"),
        ("a\\", "\\", "unknown escape", "backslash"),
        ("[a", "[a", "closing bracket", r"\["),
        ("[z-a]", "[z-a", "two ordered ends", "lower end first"),
        (r"[a-\d]", r"[a-\d", "two ordered ends", "lower end first"),
        (r"[^\s\S]", r"[^\s\S]", "class of no byte", "name what may stand there"),
        ("naïve", "ï", "not printable ASCII", r"\xc3"),
        ("a\nb", r"\n", "not printable ASCII", r"\n"),
        ("(?", "(?", "unknown group", "write (?:"),
    ],
)
def test_a_construct_outside_the_dialect_is_refused_by_name(
    pattern: str, construct: str, says: str, remedy: str
) -> None:
    with pytest.raises(DialectError) as caught:
        parse(signature(pattern))
    message = str(caught.value)
    assert "signature 'test.one'" in message
    assert f"'{construct}' at offset" in message
    assert says in message
    assert remedy in message.split("; ", 1)[1]
    assert "\n" not in message


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "unterminated subpattern"),
        ("a)|(b", "unbalanced parenthesis"),
        ("*a", "nothing to repeat"),
        ("a**", "multiple repeat"),
        ("^*", "nothing to repeat"),
        ("a{3,2}", "min repeat greater than max repeat"),
        ("a{99999999999}", "too large"),
    ],
)
def test_what_is_no_regular_expression_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(DialectError, match=f"'test.one'.*{reason}"):
        parse(signature(pattern))


def test_an_empty_pattern_is_refused() -> None:
    with pytest.raises(DialectError, match="must not be empty"):
        parse(signature(""))
