r"""Relaxed patterns: what must end within a record wherever the signature matches it, whatever stands around the record.

Scanning a batch as it came, headers and all, is as quick as memory allows, but a pattern then sees its neighbours' bytes:
`^`, `$` and `\b` mean something else there. A relaxed pattern is a condition that is necessary and free of them, so that
a record without a relaxed match has no match, and the few others are looked at one by one (`system.engine.in_place`).

Sound because every step gives a pattern that matches a non-empty part of whatever the one before matches: assertions are
dropped; a sequence gives one of its stretches; its ends lose what may be absent (`x*y{2,}z?` gives `yy`); an alternative
gives its alternatives. The part begins and ends within the record, since the match does.

Which stretch is chosen changes the speed alone. Behind a gap (`[^"]*`, `.{0,128}`) begins a new one, and the one that
tells most is taken. With `"[A-Z]{3,8} [^"]*` before each web
signature every line of a log kept twenty automata busy: 0.64 GB/s clean and 0.33 with 2 % attacks, against 1.42 and 0.86
without (55 signatures, 240-byte web lines, one core of a busy AMD EPYC guest).
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from system.signatures.dialect import Parsed, render_set
from system.signatures.reader import Token

#: A byte set this large, repeated this often at most or without end, is a gap: nothing in it tells anything.
GAP_MEMBERS = 64
GAP_REPEATS = 8

_REPEAT = re.compile(rb"\{(\d+)(,?)(\d*)\}")


class Piece(NamedTuple):
    """A byte set or alternatives, `low` to `high` times (None: without end)."""

    what: "frozenset[int] | tuple[Sequence_, ...]"
    low: int = 1
    high: int | None = 1


Sequence_: TypeAlias = tuple[Piece, ...]


def relaxed(parsed: Parsed) -> tuple[bytes, ...] | None:
    """Patterns of which at least one matches wherever the signature does, none of them the empty string.

    None if there are none: the signature may match the empty string, or nothing but assertions.
    """
    tokens = iter(parsed.tokens)
    stretches: list[bytes] = []
    for alternative in _alternatives(tokens):
        found = _necessary(alternative)
        if found is None:
            return None
        stretches += map(_render, found)
    return tuple(dict.fromkeys(stretches))


def _alternatives(tokens: Iterator[Token]) -> tuple[Sequence_, ...]:
    """Reads up to the end or the closing bracket, without assertions."""
    found: list[Sequence_] = []
    pieces: list[Piece] = []
    for token in tokens:
        if token.kind == "bytes":
            pieces.append(Piece(token.members))
        elif token.text == b"(?:":
            pieces.append(Piece(_alternatives(tokens)))
        elif token.text == b"|":
            found.append(tuple(pieces))
            pieces = []
        elif token.text == b")":
            break
        elif token.kind == "text":
            pieces[-1] = Piece(pieces[-1].what, *_times(token.text))
    return (*found, tuple(pieces))


def _times(repeat: bytes) -> tuple[int, int | None]:
    """`{2,}` is 2 to None."""
    if found := _REPEAT.match(repeat):
        low = int(found[1])
        return low, int(found[3]) if found[3] else None if found[2] else low
    return {b"*": (0, None), b"+": (1, None), b"?": (0, 1)}[repeat[:1]]


def _necessary(sequence: Sequence_) -> tuple[Sequence_, ...] | None:
    """Stretches of which one is in every match of the sequence; None if a match may be empty."""
    stretches = [_trimmed(stretch) for stretch in _stretches(_flat(sequence))]
    best = max(stretches, key=_bits)
    if not best:
        return None
    if len(best) > 1 or isinstance(best[0].what, frozenset):
        return (best,)
    # Alternatives alone: each has stretches of its own.
    found: list[Sequence_] = []
    for alternative in best[0].what:
        inner = _necessary(alternative)
        if inner is None:
            return None
        found += inner
    return tuple(found)


def _flat(sequence: Sequence_) -> Iterator[Piece]:
    """The sequence with its plain groups dissolved."""
    for piece in sequence:
        if isinstance(piece.what, tuple) and len(piece.what) == 1 and piece.low == piece.high == 1:
            yield from _flat(piece.what[0])
        else:
            yield piece


def _stretches(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    """What stands between gaps."""
    stretch: list[Piece] = []
    for piece in pieces:
        many = piece.high is None or piece.high > GAP_REPEATS
        if many and isinstance(piece.what, frozenset) and len(piece.what) >= GAP_MEMBERS:
            yield stretch
            # All that there is of a pattern like `[^"]{3,}` is a gap.
            yield [Piece(piece.what)] if piece.low else []
            stretch = []
        else:
            stretch.append(piece)
    yield stretch


def _trimmed(stretch: Sequence[Piece]) -> Sequence_:
    """Without what may be absent at its ends, and with as few repeats there as there may be."""
    kept = [place for place, piece in enumerate(stretch) if piece.low and not _may_be_empty(piece)]
    if not kept:
        return ()
    first, last = kept[0], kept[-1]
    least = [
        Piece(piece.what, piece.low, piece.low) if place in (first, last) else piece
        for place, piece in enumerate(stretch)
    ]
    return tuple(least[first : last + 1])


def _may_be_empty(piece: Piece) -> bool:
    if isinstance(piece.what, frozenset):
        return piece.low == 0
    return piece.low == 0 or any(all(map(_may_be_empty, alternative)) for alternative in piece.what)


def _bits(sequence: Sequence_) -> float:
    """How much the least telling match of the sequence tells."""
    return math.fsum(
        piece.low
        * (8 - math.log2(len(piece.what)) if isinstance(piece.what, frozenset) else min(map(_bits, piece.what)))
        for piece in sequence
    )


def _render(sequence: Sequence_) -> bytes:
    return b"".join(map(_render_piece, sequence))


def _render_piece(piece: Piece) -> bytes:
    if isinstance(piece.what, frozenset):
        what = render_set(piece.what)
    else:
        what = b"(?:" + b"|".join(map(_render, piece.what)) + b")"
    if piece.low == piece.high == 1:
        return what
    if piece.low == piece.high:
        return what + b"{%d}" % piece.low
    high = b"" if piece.high is None else b"%d" % piece.high
    return what + b"{%d,%b}" % (piece.low, high)
