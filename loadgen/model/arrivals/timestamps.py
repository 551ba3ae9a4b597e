"""Timestamps: the instants at which the lines of a log were written, read off the lines themselves.

Flow: a log file -> one instant a line -> `Trace`, which replays them. Forms: ISO 8601 (RFC 3339 too), syslog's
`Mon dd hh:mm:ss` (RFC 3164), the `[dd/Mon/yyyy:hh:mm:ss +zzzz]` of Apache's and nginx's access logs, and plain seconds
at the line's start.

Invariants: every line is a record. A line without a timestamp, as in a stack trace, came with the line before it. Lines
may be out of order by a little, as several processes write them: the instants are sorted. Nothing is dropped in
silence: a file that doesn't fit is refused in one line. One of the two modules of `loadgen.model` that read files, with
`records/files.py`.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from loadgen.model.arrivals.process import END_NS, NS_PER_S, Times

#: A trace stands in memory, in every process that draws from it, and packed in each result.
MOST_LINES = 5_000_000

#: Only the beginning of a line is searched: a timestamp stands there, and what comes later is the record's own text.
SEARCHED_BYTES = 200

MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

_ISO = re.compile(
    rb"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:\s?(Z|[+-]\d\d:?\d\d))?"
)
_APACHE = re.compile(rb"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?\]")
_SYSLOG = re.compile(rb"^(?:<\d{1,3}>)?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)\b")
_SECONDS = re.compile(rb"^\s*(\d{1,10})(?:\.(\d{1,9})\d*)?(?=[\s,;]|$)")

#: Syslog tells no year. 2000, for it has a 29 February; only differences count.
_YEAR = 2000
DAY_NS = 86_400 * NS_PER_S
_HALF_YEAR_NS = 183 * DAY_NS

Read = Callable[[bytes], int | None]


def _instant(year: int, month: int, day: int, clock: tuple[bytes, bytes, bytes], zone: bytes | None = None) -> int:
    hour, minute, second = map(int, clock)
    # A leap second is written as :60; it is the next second's begin.
    whole = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    since = whole - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since.days * 86_400 + since.seconds + (second == 60)
    if zone and zone != b"Z":
        sign = -1 if zone[:1] == b"-" else 1
        seconds -= sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return seconds * NS_PER_S


def _fraction(digits: bytes | None) -> int:
    return int(digits.ljust(9, b"0")) if digits else 0


def _iso(line: bytes) -> int | None:
    found = _ISO.search(line)
    if found is None:
        return None
    year, month, day, hour, minute, second, digits, zone = found.groups()
    return _instant(int(year), int(month), int(day), (hour, minute, second), zone) + _fraction(digits)


def _apache(line: bytes) -> int | None:
    found = _APACHE.search(line)
    if found is None or found[2] not in MONTHS:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    return _instant(int(year), MONTHS[month], int(day), (hour, minute, second), zone)


def _seconds(line: bytes) -> int | None:
    found = _SECONDS.search(line)
    return None if found is None else int(found[1]) * NS_PER_S + _fraction(found[2])


class _Syslog:
    """Reads lines without a year: one that seems half a year off its predecessor is of the next or the last year."""

    def __init__(self) -> None:
        self._year = _YEAR
        self._before: int | None = None

    def __call__(self, line: bytes) -> int | None:
        found = _SYSLOG.search(line)
        if found is None or found[1] not in MONTHS:
            return None
        month, day, hour, minute, second = found.groups()

        def within(year: int) -> int:
            return _instant(year, MONTHS[month], int(day), (hour, minute, second))

        instant = within(self._year)
        if self._before is not None and abs(instant - self._before) > _HALF_YEAR_NS:
            self._year += 1 if instant < self._before else -1
            instant = within(self._year)
        self._before = instant
        return instant


#: The forms by the names that `trace` knows, in the order in which "auto" tries them on a file's first line.
FORMATS: dict[str, Callable[[], Read]] = {
    "apache": lambda: _apache,
    "iso8601": lambda: _iso,
    "syslog": _Syslog,
    "seconds": lambda: _seconds,
}


def read(path: str, form: str = "auto") -> Times:
    """Gives the instants of a file's lines, sorted, in nanoseconds since the first: one a line, empty ones left out.

    Args:
        path: a plain text file.
        form: a name of FORMATS, or "auto": the first of them that the first line has.

    Raises:
        ValueError: it can't be read, has fewer than two lines, its first line or most of its lines have no timestamp,
            there is no such date, all instants are one, or there are more than MOST_LINES. One line, without the path's key.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    return _read(path, form, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: str, form: str, size_bytes: int, mtime_ns: int) -> Times:
    """`read`, remembered until the file changes: a sweep has the same trace in all cells."""
    instants: list[int] = []
    stamped = 0
    reader: Read | None = None
    try:
        for number, line in _lines(path):
            if reader is None:
                reader = _reader(path, line, form)
            try:
                instant = reader(line)
            except ValueError as error:
                raise ValueError(f"line {number} of {path} has a date that doesn't exist ({error})") from None
            if instant is None:
                if not instants:
                    raise ValueError(f"the first line of {path} has no timestamp in the form {form}: {_shown(line)}")
                instant = instants[-1]
            else:
                stamped += 1
            instants.append(instant)
            if len(instants) > MOST_LINES:
                raise ValueError(f"{path} has more than {MOST_LINES} lines; take a part of it")
    except OSError as error:
        raise _unreadable(path, error) from None
    if 2 * stamped < len(instants):
        raise ValueError(f"{path} has timestamps on {stamped} of {len(instants)} lines; that is no log in one form")
    first, last = min(instants, default=0), max(instants, default=0)
    if first == last:
        raise ValueError(f"{path} has {len(instants)} lines at one instant; a trace needs two instants at least")
    if last - first > END_NS // 2:
        raise ValueError(f"{path} spans more than the {END_NS // 2 // DAY_NS} days that a trace may")
    times = np.sort(np.array([instant - first for instant in instants], dtype=np.int64))
    times.flags.writeable = False  # it is remembered
    return times


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line[:SEARCHED_BYTES]


def _reader(path: str, line: bytes, form: str) -> Read:
    if form != "auto":
        return FORMATS[form]()
    for make in FORMATS.values():
        try:
            if make()(line) is not None:
                return make()
        except ValueError:
            continue
    raise ValueError(
        f"the first line of {path} has a timestamp in none of the forms {', '.join(FORMATS)}: {_shown(line)}"
    )


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace").strip())


def _unreadable(path: str, error: Exception) -> ValueError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return ValueError(f"{path} can't be read ({reason})")
