"""Compiled databases on the disk: read if they are what was written and nobody else could write them."""

import logging
from pathlib import Path

import hyperscan
import pytest

from system.engine import database
from system.engine.database import LEAST_EXPRESSIONS, compiled

EXPRESSIONS = [b"begin%d[a-z]+end" % number for number in range(LEAST_EXPRESSIONS)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, in which everything is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(database, "LEAST_COMPILE_S", 0.0)
    return tmp_path / "caudal"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each compilation."""
    counted: list[int] = []
    real = database._compile

    def counting(expressions: list[bytes], flags: int, numbers: list[int] | None) -> hyperscan.Database:
        counted.append(len(expressions))
        return real(expressions, flags, numbers)

    monkeypatch.setattr(database, "_compile", counting)
    return counted


def hits(one: hyperscan.Database, text: bytes) -> list[int]:
    found: list[int] = []
    one.scan(text, lambda number, *_: found.append(number), scratch=hyperscan.Scratch(one))
    return found


def test_the_second_time_it_is_read_and_finds_the_same(folder: Path, compilations: list[int]) -> None:
    first, second = compiled(EXPRESSIONS, 0), compiled(EXPRESSIONS, 0)
    assert len(compilations) == 1
    assert hits(first, b"begin7abend") == hits(second, b"begin7abend") == [7]
    (path,) = folder.iterdir()
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_others_expressions_flags_or_numbers_are_another_database(folder: Path, compilations: list[int]) -> None:
    compiled(EXPRESSIONS, 0)
    compiled([*EXPRESSIONS[:-1], b"other"], 0)
    compiled(EXPRESSIONS, hyperscan.HS_FLAG_SINGLEMATCH)
    assert hits(compiled(EXPRESSIONS, 0, [5] * len(EXPRESSIONS)), b"begin7abend") == [5]
    assert len(compilations) == len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 4000])
def test_a_damaged_file_is_told_compiled_again_and_replaced(
    folder: Path, compilations: list[int], damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    compiled(EXPRESSIONS, 0)
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    assert hits(compiled(EXPRESSIONS, 0), b"begin7abend") == [7]
    assert "is damaged" in caplog.text
    compiled(EXPRESSIONS, 0)
    assert len(compilations) == 2


def test_one_flipped_byte_is_noticed(folder: Path, compilations: list[int]) -> None:
    """Hyperscan itself loads it."""
    compiled(EXPRESSIONS, 0)
    (path,) = folder.iterdir()
    held = bytearray(path.read_bytes())
    held[-5] ^= 1
    path.write_bytes(held)
    compiled(EXPRESSIONS, 0)
    assert len(compilations) == 2


@pytest.mark.parametrize("whose", ["file", "folder"])
def test_what_others_may_write_is_not_read(
    folder: Path, compilations: list[int], whose: str, caplog: pytest.LogCaptureFixture
) -> None:
    compiled(EXPRESSIONS, 0)
    (path,) = folder.iterdir()
    (path if whose == "file" else folder).chmod(0o777)
    with caplog.at_level(logging.WARNING):
        compiled(EXPRESSIONS, 0)
    assert "can be written by others" in caplog.text
    assert len(compilations) == 2


def test_a_cache_that_can_not_be_written_costs_nothing_but_time(
    folder: Path, compilations: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in the folder's place")
    assert hits(compiled(EXPRESSIONS, 0), b"begin7abend") == [7]
    assert "can't be" in caplog.text


def test_small_databases_never_touch_the_disk(folder: Path, compilations: list[int]) -> None:
    compiled(EXPRESSIONS[:-1], 0)
    assert not folder.exists()
