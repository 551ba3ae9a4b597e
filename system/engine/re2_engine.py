r"""Engine `re2`: all patterns in one RE2 set, a DFA built as it goes, one pass over each record.

RE2 takes bytes as Latin-1, so that a byte is a character; patterns come in canonical form, in which nothing is left that
RE2 reads differently (its `\s` lacks `\v`, it knows no `\Z`). A set has no second way to match: when its DFA runs out
of memory a `Match` says "none", and Python isn't told why. So the memory is never scarce: RE2 tries at `Compile` that
the DFA can begin, and with room for 20 states it can always go on, since it throws the old ones away.

Its DFA is shared between threads behind RE2's own locks, and is plain memory after a fork.
Source: RE2's re2/set.h, re2/dfa.cc and wiki page "Syntax".
"""

from collections.abc import Iterable, Sequence
from typing import Final

import re2

from system.engine.engine import SIGNATURE_BITS, EngineError, Hits, Offsets, check_count, hits_of
from system.signatures.dialect import canonical, parse
from system.signatures.model import Signature

#: Memory a set may take, program and DFA states together; the first that suffices. RE2's own 8 MiB are too little for a
#: pack of a few hundred web patterns; the last is what the OWASP Core Rule Set needs.
BUDGETS_BYTES: Final = (64 << 20, 256 << 20, 1 << 30)


class Re2Engine:
    """The engine that runs all patterns in one automaton of linear time."""

    name = "re2"

    def __init__(self, signatures: Sequence[Signature]) -> None:
        check_count(self.name, signatures)
        patterns = [canonical(parse(signature), "re2") for signature in signatures]
        for signature, pattern in zip(signatures, patterns, strict=True):
            try:
                _compiled([pattern])
            except re2.error as error:
                raise _refusal(signature, pattern, error) from None
        self._set = _within_budget(patterns) if patterns else None

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """The hits of all records (see `SignatureEngine.scan`)."""
        if self._set is None:
            return hits_of(())
        keys: list[int] = []
        match = self._set.Match
        for record, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            found = match(buffer[start:end])
            if found:
                keys += [record << SIGNATURE_BITS | signature for signature in found]
        return hits_of(keys)


def _options(memory_bytes: int) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory_bytes
    options.log_errors = False  # they are raised, not printed
    return options


def _compiled(patterns: Iterable[bytes], memory_bytes: int = BUDGETS_BYTES[0]) -> re2.Set:
    made = re2.Set.SearchSet(_options(memory_bytes))
    for pattern in patterns:
        made.Add(pattern)
    made.Compile()
    return made


def _within_budget(patterns: Sequence[bytes]) -> re2.Set:
    for memory_bytes in BUDGETS_BYTES:
        try:
            return _compiled(patterns, memory_bytes)
        except re2.error:
            continue
    raise EngineError(
        f"engine re2 can't run these {len(patterns)} signatures together within {BUDGETS_BYTES[-1]} bytes, though each "
        'alone; load fewer rules, or choose engine = "hyperscan"'
    )


def _refusal(signature: Signature, pattern: bytes, error: re2.error) -> EngineError:
    """The error for one signature. A set says only that it failed; RE2 alone says why."""
    try:
        re2.compile(pattern, _options(BUDGETS_BYTES[0]))
        reason = str(error)
    except re2.error as own:
        reason = own.args[0].decode("latin-1") if own.args and isinstance(own.args[0], bytes) else str(own)
    return EngineError(
        f"engine re2 can't run signature {signature.id!r}: {reason}. "
        f'Pattern: {signature.pattern!r}; rewrite it, leave it out, or choose engine = "re"'
    )
