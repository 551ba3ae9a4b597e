"""A signature: a named pattern with a severity, and the log lines that show what it is for.

Loaders make signatures out of files (`system.signatures.loaders`), engines run them (`system.engine`). What a pattern
may say, and what it means, is one matter for all engines: `system.signatures.dialect`.
"""

from typing import Literal

import msgspec

Severity = Literal["info", "low", "medium", "high", "critical"]


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to look for in a record. A record either matches it or doesn't: positions are no part of a match.

    Args:
        id: its name in results and detections, unique in a pack (`web.sqli.union-select`).
        pattern: a regular expression over the record's bytes, in the dialect of `system.signatures.dialect`.
        severity: how much a match matters.
        description: one sentence for the person who reads the detection.
        ignore_case: ASCII letters match in either case.
        dot_all: `.` also matches a newline.
        match: whole lines it must match; a loader refuses a signature that fails one.
        no_match: whole lines, near misses best, that it must not match.
    """

    id: str
    pattern: str
    severity: Severity = "medium"
    description: str = ""
    ignore_case: bool = False
    dot_all: bool = False
    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()
