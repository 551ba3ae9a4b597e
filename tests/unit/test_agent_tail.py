"""A log's lines across rotation, truncation, removal and return, with real files: every line once, in order."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.agent.errors import SourceError
from system.agent.follower import follow_file
from system.agent.place import Place
from system.agent.rotation import find
from system.agent.tail import Tail


class Log:
    """A log file with a writer that has it open, as real writers do, and an agent's tail of it."""

    def __init__(self, folder: Path, *, rotate_wait_s: float = 0.0) -> None:
        self.path = folder / "app.log"
        self.now_s = 0.0
        self._rotate_wait_s = rotate_wait_s
        self._written = 0
        self.lines: list[bytes] = []
        self.reopen()
        self.tail = self.tailed()
        self.seen: list[bytes] = []
        self._base: tuple[int, Place | None] = (0, None)

    def tailed(self, place: Place | None = None, follow: bool = True) -> Tail:
        return Tail(
            self.path,
            follow=follow,
            place=place,
            block_bytes=64,
            line_limit_bytes=1000,
            rotate_wait_s=self._rotate_wait_s,
            mono_s=lambda: self.now_s,
            unix_s=lambda: 0.0,  # no file's last write is ever long ago
        )

    def reopen(self) -> None:
        self._writer = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            line = b"line %d" % self._written
            self._written += 1
            os.write(self._writer, line + b"\n")
            self.lines.append(line)
            # Files differ by the times of their last writes, which file systems tell in steps of some milliseconds.
            os.utime(self.path, ns=(0, self._written * 1_000_000)) if self.path.exists() else None

    def rotate(self, reopen: bool = True) -> None:
        """Renames, as logrotate's `create`, counting up what was rotated before."""
        for number in range(8, 0, -1):
            if (older := self.path.with_name(f"app.log.{number}")).exists():
                older.rename(self.path.with_name(f"app.log.{number + 1}"))
        self.path.rename(self.path.with_name("app.log.1"))
        if reopen:
            os.close(self._writer)
            self.reopen()

    def copytruncate(self) -> None:
        for number in range(8, 0, -1):
            if (older := self.path.with_name(f"app.log.{number}")).exists():
                older.rename(self.path.with_name(f"app.log.{number + 1}"))
        copy = self.path.with_name("app.log.1")
        copy.write_bytes(self.path.read_bytes())
        os.utime(copy, ns=(0, self._written * 1_000_000))
        os.truncate(self.path, 0)

    def look(self) -> list[bytes]:
        """All there is at present."""
        got: list[bytes] = []
        while lines := self.tail.step():
            got += lines
        self.seen += got
        return got

    def place(self) -> Place | None:
        """Where the next line begins, as a position file would have it."""
        return self.tail.track.place(len(self.seen) - self._base[0]) or self._base[1]

    def restart(self) -> None:
        self._base = (len(self.seen), self.place())
        self.tail.close()
        self.tail = self.tailed(self._base[1])


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_what_is_appended_is_given_and_a_line_waits_for_its_end(log: Log) -> None:
    log.write(3)
    assert log.look() == log.lines
    os.write(log._writer, b"par")
    assert log.look() == []
    os.write(log._writer, b"tial\n")
    assert log.look() == [b"partial"]


def test_a_rotated_file_is_read_to_its_end_before_the_new_one_is_begun(tmp_path: Path) -> None:
    log = Log(tmp_path, rotate_wait_s=5.0)
    log.write(2)
    log.look()
    old = os.dup(log._writer)
    log.rotate()
    log.write(2)
    assert log.look() == []  # the writer may not have been told yet
    os.write(old, b"late\n")
    log.now_s = 4.0
    assert log.look() == [b"late"]
    log.now_s = 8.0
    assert log.look() == []
    log.now_s = 9.0 + 4.0
    assert log.look() == log.lines[2:]


def test_a_file_that_was_not_written_to_for_long_is_left_at_once(tmp_path: Path) -> None:
    log = Log(tmp_path, rotate_wait_s=5.0)
    log.tail._unix_s = lambda: 1000.0
    log.write(2)
    log.look()
    log.rotate()
    log.write(1)
    assert log.look() == log.lines[2:]


def test_the_old_file_is_kept_while_the_new_one_is_empty(log: Log) -> None:
    log.write(1)
    log.look()
    log.rotate(reopen=False)
    log.path.touch()
    log.look()
    log.write(2)  # into the rotated file: the writer was not told yet
    assert log.look() == log.lines[1:]
    log.reopen()
    log.write(1)
    assert log.look() == log.lines[3:]


def test_several_rotations_between_two_looks_are_read_in_order(log: Log) -> None:
    log.write(3)
    log.rotate()
    log.write(1)
    log.look()
    for _ in range(3):
        log.write(10)
        log.rotate()
    log.write(2)
    log.look()
    # What had been rotated away before the first look is not part of it.
    assert log.seen == log.lines[3:]


def test_a_copied_and_truncated_file_is_read_to_the_end_of_its_copy_and_then_from_its_beginning(log: Log) -> None:
    log.write(5)
    log.look()
    log.write(3)
    log.copytruncate()
    log.write(2)
    log.look()
    assert log.seen == log.lines


def test_two_truncations_with_copies_between_two_looks_lose_nothing(log: Log) -> None:
    log.write(5)
    log.look()
    for _ in range(2):
        log.write(3)
        log.copytruncate()
    log.write(1)
    log.look()
    assert log.seen == log.lines


def test_a_truncated_file_that_has_grown_beyond_what_was_read_is_known_by_its_first_bytes(log: Log) -> None:
    log.write(2)
    log.look()
    os.truncate(log.path, 0)
    log.write(20)
    log.look()
    assert log.seen == log.lines


def test_a_truncation_without_a_copy_is_said(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.write(2)
    log.look()
    os.truncate(log.path, 0)
    log.write(1)
    log.look()
    assert log.seen == log.lines
    assert "was truncated: read again from its beginning" in caplog.text


def test_a_file_that_is_removed_and_made_again_is_read_from_its_beginning_whatever_its_inode(log: Log) -> None:
    for _ in range(3):
        log.write(2)
        log.look()
        log.path.unlink()
        os.close(log._writer)
        log.look()
        log.reopen()
    log.write(1)
    log.look()
    assert log.seen == log.lines


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Log(tmp_path)
    log.path.unlink()
    assert log.look() == log.look() == []
    assert caplog.text.count("is not there yet, waiting for it") == 1
    log.reopen()
    log.write(2)
    assert log.look() == log.lines


def test_a_position_is_found_under_another_name_and_goes_on_through_what_came_after(log: Log) -> None:
    log.write(5)
    log.look()
    place = log.place()
    log.write(2)
    log.rotate()
    log.write(3)
    log.rotate()
    log.write(4)
    log.tail.close()
    log.tail = log.tailed(place)
    log.look()
    assert log.seen == log.lines


def test_a_position_in_a_file_that_was_copied_and_truncated_goes_on_in_the_copy(log: Log) -> None:
    log.write(5)
    log.look()
    place = log.place()
    log.write(2)
    log.copytruncate()
    log.write(3)
    log.tail.close()
    log.tail = log.tailed(place)
    log.look()
    assert log.seen == log.lines


def test_another_file_with_the_inode_of_the_position_is_not_taken_for_it(log: Log) -> None:
    log.write(5)
    log.look()
    place = log.place()
    assert place is not None
    assert find(log.path, place) == log.path
    # A reused inode: the same file to the file system, another one to its readers.
    log.path.write_bytes(b"something else\n" * 100)
    assert find(log.path, place) is None


def test_a_position_is_where_the_line_begins_however_far_was_read(log: Log) -> None:
    log.write(30)
    got = log.look()
    offsets = [0]
    for line in got:
        offsets.append(offsets[-1] + len(line) + 1)
    places = [log.tail.track.place(number) for number in range(31)]
    assert [place.offset for place in places if place is not None] == offsets
    log.tail.track.forget(25)
    assert log.tail.track.place(27) == places[27]


#: What happens to a log, one word a step; `look` is the agent's.
STEPS: dict[str, Callable[[Log], object]] = {
    "write": Log.write,
    "write much": lambda log: log.write(12),
    "rotate": Log.rotate,
    "look": Log.look,
    "copytruncate": Log.copytruncate,
    "restart": Log.restart,
}


@pytest.mark.parametrize("way", ["rotate", "copytruncate"])
def test_whatever_happens_between_looks_every_line_comes_once_and_in_order(
    way: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # A log is rotated in one way, and empty ones are not: logrotate's `notifempty`.
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.sampled_from(["write", "write much", "look", way, "restart"]), max_size=12))
    def holds(steps: list[str]) -> None:
        log = Log(tmp_path_factory.mktemp("log"))
        log.write()
        log.look()
        rotations = 0
        for step in steps:
            if step != way or (log.path.stat().st_size and (rotations := rotations + 1) < 8):
                STEPS[step](log)
        log.write()
        log.look()
        assert log.seen == log.lines
        log.tail.close()
        os.close(log._writer)

    holds()


def test_what_cannot_be_followed_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b\x08\x00")
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("a.gz", "gzip"), ("pipe", "no regular file"), (".", "no regular file")):
        with pytest.raises(SourceError, match=f"{said}.*; leave --follow and --position away"):
            follow_file(tmp_path / name)
    with pytest.raises(SourceError, match="give the path of a log file that exists"):
        follow_file(tmp_path / "absent.log", follow=False)
