"""Progress: what one process counts, another reads while it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadgen.progress import RECORDER, SWARM, Progress

NAMES = ("first", "second", "third")


def test_a_new_file_counts_from_zero(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\xff" * 1000)  # of an earlier trial
    progress = Progress.create(tmp_path / "p", NAMES)
    assert [progress[name] for name in NAMES] == [0, 0, 0]


def test_a_reader_sees_what_the_writer_does_without_reading_again(tmp_path: Path) -> None:
    writer = Progress.create(tmp_path / "p", NAMES)
    reader = Progress.read(tmp_path / "p", NAMES)
    writer.add("second")
    writer.add("second", 41)
    writer.add("third", -2)
    writer.set("first", 2**63 - 1)
    assert [reader[name] for name in NAMES] == [2**63 - 1, 42, -2]
    writer.set("first", 5)
    assert reader["first"] == 5
    assert type(reader["first"]) is int


def test_another_process_sees_it_too(tmp_path: Path) -> None:
    writer = Progress.create(tmp_path / "p", NAMES)
    writer.set("third", 12345)
    code = (
        "import sys; from pathlib import Path; from loadgen.progress import Progress;"
        f"print(Progress.read(Path(sys.argv[1]), {NAMES!r})['third'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "p")], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout == "12345\n"


def test_a_writer_that_has_not_begun_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Progress.read(tmp_path / "p", NAMES)


def test_a_file_of_fewer_counters_is_refused(tmp_path: Path) -> None:
    Progress.create(tmp_path / "p", NAMES)
    with pytest.raises(ValueError, match="greater than file size"):
        Progress.read(tmp_path / "p", (*NAMES, "fourth"))


def test_a_counter_that_is_not_there_is_no_zero(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Progress.create(tmp_path / "p", NAMES)["fourth"]


@pytest.mark.parametrize("names", [SWARM, RECORDER])
def test_the_counters_have_different_names(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)
