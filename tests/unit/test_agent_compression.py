"""gzip is read as what it holds, by the agent and by a scan; what is damaged or packed otherwise is said."""

import asyncio
import bz2
import gzip
import io
import lzma
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from experiments.cli.progress import Progress
from experiments.cli.scan import scan
from system.agent.errors import SourceError
from system.agent.source import open_file

LINES = [b"line %d sqlmap/1.%d" % (number, number) for number in range(2000)]
TEXT = b"".join(line + b"\n" for line in LINES)
#: Several members, as appended or rotated logs have them.
GZIP = gzip.compress(TEXT[:9000]) + gzip.compress(b"") + gzip.compress(TEXT[9000:])


def lines_of(path: Path) -> list[bytes]:
    async def main() -> list[bytes]:
        source = open_file(path)
        found: list[bytes] = []
        try:
            while more := await source.read():
                found += more
        except SourceError as error:
            raise SourceError(f"{len(found)} lines, then: {error}") from error
        finally:
            source.close()
        return found

    return asyncio.run(main())


def scanned(path: Path) -> str:
    done = CliRunner().invoke(scan, [str(path), "--engine", "re"])
    if done.exception is not None:
        raise done.exception
    return done.stdout.replace(str(path), "FILE")


def test_the_agent_and_a_scan_read_what_a_gzip_file_holds_whatever_it_is_called(tmp_path: Path) -> None:
    plain, packed = tmp_path / "app.log", tmp_path / "app.log.2"
    plain.write_bytes(TEXT)
    packed.write_bytes(GZIP)
    assert lines_of(packed) == lines_of(plain) == LINES
    assert scanned(packed) == scanned(plain)
    assert scanned(plain).count("\n") >= len(LINES)


def test_a_gzip_file_that_breaks_off_gives_what_it_can_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(GZIP[:-100])
    with pytest.raises(SourceError, match=r"[1-9]\d* lines, then: cannot read on in .*gz: its gzip data are damaged"):
        lines_of(path)
    with pytest.raises(SourceError, match="its gzip data are damaged"):
        scanned(path)
    path.write_bytes(GZIP + b"garbage")
    with pytest.raises(SourceError, match="2000 lines, then"):
        lines_of(path)


@pytest.mark.parametrize(("packed", "program"), [(bz2.compress(TEXT), "bzcat"), (lzma.compress(TEXT), "xzcat")])
def test_other_compressions_are_refused_with_the_program_that_reads_them(
    tmp_path: Path, packed: bytes, program: str
) -> None:
    path = tmp_path / "app.log.2"
    path.write_bytes(packed)
    for read in (lines_of, scanned):
        with pytest.raises(SourceError, match=f"it is compressed; give its lines: `{program} "):
            read(path)


def progress(terminal: bool, *moments: tuple[float, int]) -> str:
    """What is shown at these instants, in seconds, with so many of 1,000 bytes done."""
    now_s = 0.0
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=100)
    bar = Progress("scanning", 1000, console, clock_s=lambda: now_s)
    for now_s, done in moments:  # noqa: B007 - the clock reads it
        bar.at(done, f"{done} lines")
    bar.stop()
    return shown.getvalue()


def test_what_is_short_shows_nothing_and_what_is_long_a_line_every_five_seconds_with_the_time_left() -> None:
    assert progress(False, (0.5, 100), (1.9, 900)) == ""
    assert progress(False, (2.0, 250), (4.0, 400), (7.0, 700), (8.0, 5000)) == (
        "scanning: 25 %, 250 lines, about 6 s left\nscanning: 70 %, 700 lines, about 3 s left\n"
    )
    assert progress(True, (1.0, 100)) == ""
    assert "25 %  250 lines" in progress(True, (2.0, 250))
