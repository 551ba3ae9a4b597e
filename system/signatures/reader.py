r"""Reads one pattern, from left to right, into tokens: the parser behind `system.signatures.dialect`.

Whatever takes one byte becomes the set of the bytes it takes (case folded, classes and escapes expanded); `^`, `$` and
`\b` become assertions; groups lose their names and flags. What the dialect lacks is refused by name. Whether brackets
balance and repeats have something to repeat is left to `re.compile`, which `dialect.parse` calls on the same text.
"""

import re
from typing import Literal, NamedTuple

from system.signatures.model import Signature
from system.signatures.refused import REFUSED_ESCAPES, REFUSED_GROUPS

ALL = frozenset(range(256))
NEWLINE = frozenset(b"\n")
DIGIT = frozenset(b"0123456789")
WORD = frozenset(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
SPACE = frozenset(b"\t\n\v\f\r ")
CLASS_ESCAPES = {"d": DIGIT, "D": ALL - DIGIT, "w": WORD, "W": ALL - WORD, "s": SPACE, "S": ALL - SPACE}
BYTE_ESCAPES = {"a": b"\a", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v"}

FLAGS = re.compile(r"\(\?([aiLmsux]+)\)")
MISPLACED_FLAGS = re.compile(r"\(\?[aiLmsux-]+\)")
FLAGGED_GROUP = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?:")
NAMED_GROUP = re.compile(r"\(\?P<[A-Za-z_][A-Za-z0-9_]*>")
REPEAT = re.compile(r"[*+?]|\{(\d*)(,?)(\d*)\}", re.ASCII)
HEX_DIGITS = re.compile(r"[0-9a-fA-F]{2}")


class DialectError(ValueError):
    """A pattern is outside the dialect: names the signature, the construct, its place and what to write instead."""


class Token(NamedTuple):
    """One piece of a parsed pattern. `bytes` takes one byte of `members`; `text` is what all engines write alike."""

    kind: Literal["bytes", "start", "end", "boundary", "text"]
    members: frozenset[int] = frozenset()
    text: bytes = b""


class Reader:
    """One reading of one pattern. Afterwards `ends` holds the offsets of its `$`."""

    def __init__(self, signature: Signature) -> None:
        self.id = signature.id
        self.text = signature.pattern
        self.at = 0
        self.ends: list[int] = []
        self.ignore_case = signature.ignore_case
        self.dot_all = signature.dot_all

    def read(self) -> tuple[Token, ...]:
        """The tokens of the whole pattern. Raises: DialectError."""
        if not self.text:
            raise DialectError(
                f"signature {self.id!r}: pattern must not be empty, got ''; write one or remove the signature"
            )
        for at, character in enumerate(self.text):
            if not " " <= character <= "~":
                raise self.refuse("not printable ASCII", character, r"write its bytes, as \xc3\xa9 or \n", at)
        if flags := FLAGS.match(self.text):
            self.set_flags(flags[1], on=True)
            self.at = flags.end()
        tokens: list[Token] = []
        outer: list[tuple[bool, bool]] = []  # the flags outside each open group
        while self.at < len(self.text):
            if self.text[self.at] == "(":
                outer.append((self.ignore_case, self.dot_all))
                self.open_group()
                tokens.append(Token("text", text=b"(?:"))
                continue
            if self.text[self.at] == ")" and outer:
                self.ignore_case, self.dot_all = outer.pop()
            tokens.append(self.token())
        return tuple(tokens)

    def refuse(self, what: str, construct: str, remedy: str, at: int | None = None) -> DialectError:
        """The error for a construct at an offset (by default here)."""
        place = self.at if at is None else at
        shown = construct if construct.isprintable() else ascii(construct)[1:-1]
        return DialectError(
            f"signature {self.id!r}: '{shown}' at offset {place} of its pattern is {what}, "
            f"which the dialect does not have; {remedy}"
        )

    def token(self) -> Token:
        """The token here, which is not the opening of a group."""
        if found := REPEAT.match(self.text, self.at):
            return self.repeat(found)
        character = self.text[self.at]
        self.at += 1
        match character:
            case "[":
                return Token("bytes", self.read_class())
            case "\\":
                return self.escape()
            case ".":
                return Token("bytes", ALL if self.dot_all else ALL - NEWLINE)
            case "^":
                return Token("start")
            case "$":
                self.ends.append(self.at - 1)
                return Token("end")
            case "|" | ")":
                return Token("text", text=character.encode())
        return Token("bytes", self.folded(frozenset(character.encode())))

    def repeat(self, found: re.Match[str]) -> Token:
        """A repeat. Laziness is kept: it changes no match, but it may be what makes `re` quick."""
        text, (low, comma, high) = found[0], found.groups()
        if text == "{}":  # no repeat to `re` or Hyperscan, but two bytes
            self.at += 1
            return Token("bytes", frozenset(b"{"))
        after = self.text[found.end() : found.end() + 1]
        if after == "+":
            raise self.refuse("a possessive repeat", text + after, f"write {text}")
        lazy = "?" if after == "?" else ""
        self.at = found.end() + len(lazy)
        if text[0] == "{":
            text = f"{{{low or 0}{comma}{high}}}"  # {,3} is four bytes to Hyperscan
        return Token("text", text=(text + lazy).encode())

    def open_group(self) -> None:
        """Goes past the opening of a group and sets the flags that hold in it."""
        rest = self.text[self.at :]
        if found := NAMED_GROUP.match(rest):
            self.at += found.end()
        elif found := FLAGGED_GROUP.match(rest):
            self.set_flags(found[1], on=True)
            self.set_flags(found[2] or "", on=False)
            self.at += found.end()
        elif found := MISPLACED_FLAGS.match(rest):
            raise self.refuse("a flag that is not at the start", found[0], f"write {found[0][:-1]}:...)")
        else:
            for opening, (what, remedy) in REFUSED_GROUPS.items():
                if rest.startswith(opening):
                    raise self.refuse(what, opening, remedy)
            if rest.startswith("(?"):
                raise self.refuse("an unknown group", rest[:3], "write (?: or (")
            self.at += 1

    def set_flags(self, letters: str, *, on: bool) -> None:
        """Turns flags on or off from here to the end of the group."""
        for letter in letters:
            if letter == "i":
                self.ignore_case = on
            elif letter == "s":
                self.dot_all = on
            else:
                remedy = "only i (ignore case) and s (dot matches newline) mean the same to every engine"
                raise self.refuse("a flag", f"(?{letter})", remedy)

    def folded(self, members: frozenset[int]) -> frozenset[int]:
        """`members`, with both cases of their letters where case is ignored."""
        if not self.ignore_case:
            return members
        return members | frozenset(bytes(members).lower()) | frozenset(bytes(members).upper())

    def escape(self) -> Token:
        """What a backslash outside a class says; `at` is after the backslash."""
        if self.text.startswith(("b", "A"), self.at):
            self.at += 1
            return Token("boundary" if self.text[self.at - 1] == "b" else "start")
        return Token("bytes", self.folded(self.escaped_bytes()))

    def escaped_bytes(self) -> frozenset[int]:
        """The bytes that an escape stands for, in a class or outside; `at` is after the backslash."""
        start = self.at - 1
        letter = self.text[self.at : self.at + 1]
        self.at += 1
        if letter in CLASS_ESCAPES:
            return CLASS_ESCAPES[letter]
        if letter in BYTE_ESCAPES:
            return frozenset(BYTE_ESCAPES[letter])
        if letter == "x" and (digits := HEX_DIGITS.match(self.text, self.at)):
            self.at += 2
            return frozenset((int(digits[0], 16),))
        if letter in REFUSED_ESCAPES:
            what, remedy = REFUSED_ESCAPES[letter]
            raise self.refuse(what, "\\" + letter, remedy, start)
        if letter.isdigit():
            remedy = r"write the repeated text out, or the byte as \x00"
            raise self.refuse("a back-reference or an octal escape", "\\" + letter, remedy, start)
        if not letter or letter.isalpha():
            raise self.refuse(
                "an unknown escape", "\\" + letter, r"write the byte itself, or \\ for a backslash", start
            )
        return frozenset(letter.encode())

    def read_class(self) -> frozenset[int]:
        """The bytes of a class; `at` is after its opening bracket."""
        start = self.at - 1
        negated = self.text.startswith("^", self.at)
        self.at += negated
        members: frozenset[int] = frozenset()
        first = self.at
        while self.at == first or not self.text.startswith("]", self.at):
            low = self.class_item(start)
            if self.text.startswith("-", self.at) and not self.text.startswith(("-]", "--"), self.at):
                self.at += 1
                high = self.class_item(start)
                if len(low) != 1 or len(high) != 1 or min(high) < min(low):
                    remedy = r"put the lower end first, or escape the hyphen, as \-"
                    raise self.refuse("a range without two ordered ends", self.text[start : self.at], remedy, start)
                low = frozenset(range(min(low), min(high) + 1))
            members |= low
        self.at += 1
        members = self.folded(members)
        if negated:
            members = ALL - members
        if not members:
            raise self.refuse("a class of no byte", self.text[start : self.at], "name what may stand there", start)
        return members

    def class_item(self, start: int) -> frozenset[int]:
        """The bytes of one item of the class that opened at `start`: a byte, or all that an escape stands for."""
        character = self.text[self.at : self.at + 1]
        if not character:
            raise self.refuse("a class without its closing bracket", self.text[start:], r"close it, or write \[", start)
        if character == "[":
            raise self.refuse(
                "a nested set or a POSIX class", self.text[start : self.at + 1], r"escape it, as \[", start
            )
        if character in "-&~|" and self.text.startswith(character * 2, self.at):
            raise self.refuse("a set operation", character * 2, f"escape it, as \\{character}")
        self.at += 1
        if character != "\\":
            return frozenset(character.encode())
        if self.text.startswith("b", self.at):
            raise self.refuse("a backspace in a class", r"\b", r"write \x08", self.at - 1)
        return self.escaped_bytes()
