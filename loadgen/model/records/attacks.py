"""Attacks: the planted lines, each with the complete set of signatures that it must raise.

Flow: a template of `web_attacks`, `auth_attacks` or `app_attacks` -> its fields drawn -> a frame of `web`, `sshd` or
`app` -> a line.

Invariants: the labels are written by construction, beside the attack and from what it is, never by running patterns:
they are the oracle that the detections are judged by, so they must not come from what is judged. Every signature has
at least two templates. A template is minimal: it raises its labels and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from loadgen.model.draws import Draws
from loadgen.model.records import app_attacks, auth_attacks, web_attacks, words
from loadgen.model.records.app import App
from loadgen.model.records.sshd import Sshd
from loadgen.model.records.web import Web

#: The kinds of record, in the order of `ring.Mix`.
KINDS = ("web", "sshd", "app")

#: A field in a template: «name». Guillemets, since every ASCII sign occurs in some attack.
FIELD = re.compile("«([a-z]+)»")

FIELDS: dict[str, Callable[[Draws], str]] = {
    "n": lambda draws: str(draws.between(1, 9)),
    "number": lambda draws: str(draws.between(1000, 99999)),
    "word": lambda draws: draws.choice(words.NOUNS),
    "user": lambda draws: draws.choice(words.USERS),
    "stranger": lambda draws: draws.choice(auth_attacks.STRANGERS),
    "ip": lambda draws: words.public_address(draws.below(762)),
    "port": lambda draws: str(draws.between(32768, 60999)),
    "host": lambda draws: f"{draws.choice(words.NOUNS)}.example.{draws.choice(('com', 'net', 'org'))}",
    "hex": lambda draws: words.hex_digits(draws, 12),
    "base": lambda draws: words.base64_digits(draws, 24),
    "caps": lambda draws: "".join(draws.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
}


class Attack(NamedTuple):
    """A template.

    Attributes:
        raises: the complete set of signature ids that a line made of it raises, sorted.
        via: where the text goes: for web "query", "target", "referer", "agent" or "post"; for auth the program; for
            app "message".
        parts: the text, cut at its fields: constants at the even places, names of fields at the odd ones.
    """

    raises: tuple[str, ...]
    via: str
    parts: tuple[str, ...]


def read_table(table: Sequence[tuple[str, str, str]]) -> tuple[Attack, ...]:
    """Gives the templates of a table of (signature ids with blanks between them, via, text).

    Raises:
        ValueError: a text names a field that doesn't exist.
    """
    attacks = []
    for raises, via, text in table:
        parts = tuple(FIELD.split(text))
        for name in parts[1::2]:
            if name not in FIELDS:
                raise ValueError(f"attack {text!r} names the field «{name}»; the fields are {', '.join(FIELDS)}")
        attacks.append(Attack(tuple(sorted(raises.split())), via, parts))
    return tuple(attacks)


#: All templates, by kind of record.
ATTACKS: dict[str, tuple[Attack, ...]] = {
    "web": read_table(web_attacks.TABLE),
    "sshd": read_table(auth_attacks.TABLE),
    "app": read_table(app_attacks.TABLE),
}

#: The ids of every signature that some template raises, sorted: a label is an index into this.
SIGNATURES: tuple[str, ...] = tuple(
    sorted({name for table in ATTACKS.values() for attack in table for name in attack.raises})
)


class Attacker:
    """Makes attack lines of one kind, going through the signatures in turn so that a few lines cover many.

    Args:
        kind: of KINDS.
        draws: for the order, the templates and their fields.
        frame: the log of that kind, which the attack lines are to look like.
    """

    def __init__(self, kind: str, draws: Draws, frame: Web | Sshd | App) -> None:
        self._draws = draws
        self._frame = frame
        by_signature: dict[str, list[Attack]] = {}
        for attack in ATTACKS[kind]:
            for name in attack.raises:
                by_signature.setdefault(name, []).append(attack)
        groups = [by_signature[name] for name in sorted(by_signature)]
        self._groups = [groups[place] for place in draws.order(len(groups))]
        self._turn = 0

    def line(self) -> tuple[bytes, tuple[str, ...]]:
        """Gives the next attack line and the ids of the signatures that it must raise."""
        attack = self._draws.choice(self._groups[self._turn])
        self._turn = (self._turn + 1) % len(self._groups)
        return self.render(attack), attack.raises

    def render(self, attack: Attack) -> bytes:
        """Gives a line made of this template."""
        draws, frame = self._draws, self._frame
        text = "".join(FIELDS[part](draws) if place % 2 else part for place, part in enumerate(attack.parts))
        if isinstance(frame, Sshd):
            return frame.hostile(attack.via, text)
        if isinstance(frame, App):
            return frame.hostile(text)
        match attack.via:
            case "referer":
                return frame.hostile(frame.page(), text.replace('"', '\\"'), None)
            case "agent":
                return frame.hostile(frame.page(), None, text.replace('"', '\\"'))
            case "target":
                return frame.hostile(text, None, None)
            case "post":
                return frame.hostile(text, None, None, "POST")
            case _:
                query = f"{draws.choice(web_attacks.PAGES)}?{draws.choice(web_attacks.PARAMETERS)}="
                return frame.hostile(query + draws.choice(web_attacks.ENCODINGS)(text), None, None)
