r"""The one dialect of patterns, and its rendering for each engine.

Patterns are written in a subset of Python's `re` syntax and are about bytes: `\d \w \s \b` and case folding are ASCII,
`.` is any byte but newline (with `dot_all`: any byte), `^` and `\A` are the start of the record, and `$` is its end,
never the place before a last newline. What engines read differently is refused by name (`refused`), or rendered
so that it can't differ: an engine sees byte sets, groups, alternatives, repeats and assertions, and needs no flags.

Invariant, held by property tests: `as_written` (the text, `$` made `\Z`) and `canonical` match the same records.
Sources: Python's `re`; Hyperscan's Developer's Reference, "Pattern Support" and "Semantics"; pcrepattern(3).
"""

import re
from typing import Literal, NamedTuple

from system.signatures.model import Signature
from system.signatures.reader import ALL, WORD, DialectError, Reader, Token

__all__ = ["DialectError", "Parsed", "canonical", "parse"]

#: What each engine calls the end of the record. Hyperscan, like PCRE, lets `$` and `\Z` match before a last newline as
#: well, `re` lets `$`; RE2 knows `\z` alone; and `re` has no `\z` before Python 3.14.
END = {"re": rb"\Z", "hyperscan": rb"\z", "re2": rb"\z"}


class Parsed(NamedTuple):
    """A pattern as engines need it: as its author wrote it, but for `$`, with the flags for `re`; and as tokens."""

    as_written: bytes
    flags: int
    tokens: tuple[Token, ...]


def parse(signature: Signature) -> Parsed:
    """The signature's pattern, checked against the dialect and against `re`.

    Raises: DialectError, which names the signature, the construct, its place and the remedy.
    """
    reader = Reader(signature)
    tokens = reader.read()
    pieces, after = [], 0
    for at in reader.ends:
        pieces += [signature.pattern[after:at], r"\Z"]
        after = at + 1
    as_written = "".join([*pieces, signature.pattern[after:]]).encode("ascii")
    flags = signature.ignore_case * re.IGNORECASE | signature.dot_all * re.DOTALL
    try:
        re.compile(as_written, flags)
    except (re.error, OverflowError) as error:
        found = f"signature {signature.id!r}: pattern {signature.pattern!r}"
        raise DialectError(f"{found} is not a regular expression: {error}; mend the pattern") from error
    return Parsed(as_written, flags, tokens)


def canonical(parsed: Parsed, engine: Literal["re", "hyperscan", "re2"]) -> bytes:
    """The pattern for an engine: equal in meaning to `as_written`, with no flag and no escape class in it."""
    return b"".join(_render(token, END[engine]) for token in parsed.tokens)


def _render(token: Token, end: bytes) -> bytes:
    match token.kind:
        case "bytes":
            return render_set(token.members)
        case "start":
            return rb"\A"
        case "end":
            return end
        case "boundary":
            return rb"\b"
        case "text":
            return token.text


def render_set(members: frozenset[int]) -> bytes:
    """A set of bytes as every engine reads it."""
    if len(members) == 1:
        return _render_byte(next(iter(members)))
    if members == ALL:
        return rb"[\x00-\xff]"
    negated = len(members) > 128
    ranges: list[list[int]] = []
    for byte in sorted(ALL - members if negated else members):
        if ranges and byte == ranges[-1][1] + 1:
            ranges[-1][1] = byte
        else:
            ranges.append([byte, byte])
    parts = [_render_byte(low) + (b"-" + _render_byte(high) if high > low else b"") for low, high in ranges]
    return (b"[^" if negated else b"[") + b"".join(parts) + b"]"


def _render_byte(byte: int) -> bytes:
    return bytes((byte,)) if byte in WORD else b"\\x%02x" % byte
