"""Stamps: the times that stand in the text of the rendered lines.

Flow: gaps drawn by the ring -> seconds since FIRST_DAY -> the forms that web servers, syslog and applications write.

Invariants: times never run backwards along a ring; English month names whatever the locale (so no strftime). They are
text for the patterns and the compressor only: a record's event time, which the measurements use, is its planned
arrival.
Source: Apache HTTP Server 2.4 documentation, mod_log_config (%t); RFC 3164 section 4.1.2 (syslog's TIMESTAMP).
"""

from __future__ import annotations

from datetime import date, timedelta

#: Every ring begins on this day at midnight: a constant, since a ring is a function of its seed alone.
FIRST_DAY = date(2026, 1, 12)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DAY_S = 86_400


class Stamps:
    """The time of the line that is being rendered, in the forms of the three kinds of record.

    Attributes:
        web: as %t of Apache's combined format without the brackets, "12/Jan/2026:10:05:03 +0000".
        syslog: "Jan 12 10:05:03", the day padded with a blank.
        iso: "2026-01-12 10:05:03".
        milli: 0 to 999, the thousandths of the second.
    """

    __slots__ = ("_second", "iso", "milli", "syslog", "web")

    def __init__(self) -> None:
        self.milli = 0
        self._set(0)

    def advance(self, milliseconds: int) -> None:
        """Moves the time on by this many milliseconds (>= 0)."""
        seconds, self.milli = divmod(self.milli + milliseconds, 1000)
        if seconds:
            self._set(self._second + seconds)

    def _set(self, second: int) -> None:
        self._second = second
        days, rest = divmod(second, DAY_S)
        day = FIRST_DAY + timedelta(days=days)
        hour, rest = divmod(rest, 3600)
        clock = f"{hour:02d}:{rest // 60:02d}:{rest % 60:02d}"
        month = MONTHS[day.month - 1]
        self.web = f"{day.day:02d}/{month}/{day.year}:{clock} +0000"
        self.syslog = f"{month} {day.day:2d} {clock}"
        self.iso = f"{day.year}-{day.month:02d}-{day.day:02d} {clock}"
