"""Lines out of blocks, files, pipes and unreadable paths."""

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.agent.errors import SourceError
from system.agent.lines import LineSplitter
from system.agent.source import Source, open_file, standard_input

#: Far beyond what any step here takes: a test that hangs fails, and names its line.
DEADLINE_S = 20.0


async def read_all(source: Source) -> list[bytes]:
    lines = []
    async with asyncio.timeout(DEADLINE_S):
        while more := await source.read():
            lines.extend(more)
    source.close()
    return lines


def split(*blocks: bytes, limit_bytes: int = 100) -> list[bytes]:
    splitter = LineSplitter(limit_bytes)
    return [line for block in blocks for line in splitter.feed(block)] + splitter.end()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\n\na\n", [b"", b"", b"a"]),
        (b"a\rb\n", [b"a\rb"]),
        (b"a\r", [b"a\r"]),
        (b"a\r\r\n", [b"a\r"]),
        (b"\xff\xfe\x00\n", [b"\xff\xfe\x00"]),
    ],
)
def test_lines_are_the_bytes_between_line_ends(text: bytes, lines: list[bytes]) -> None:
    assert split(text) == lines


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text("ab\r\n", max_size=8).map(str.encode), max_size=8), st.integers(1, 6))
def test_how_the_bytes_are_cut_into_blocks_changes_nothing(blocks: list[bytes], limit_bytes: int) -> None:
    # The expected lines, another way: whole text at once, no limit, then cut.
    *ended, last = b"".join(blocks).split(b"\n")
    lines = [line.removesuffix(b"\r") for line in ended] + ([last] if last else [])
    splitter = LineSplitter(limit_bytes)
    given_back = [line for block in blocks for line in splitter.feed(block)] + splitter.end()
    assert given_back == [line[:limit_bytes] for line in lines]
    assert splitter.truncated == sum(len(line) > limit_bytes for line in lines)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text("ab\r\n", max_size=8).map(str.encode), max_size=8), st.integers(1, 6))
def test_the_sizes_of_lines_are_the_bytes_they_took(blocks: list[bytes], limit_bytes: int) -> None:
    splitter = LineSplitter(limit_bytes)
    sizes = []
    for block in blocks:
        assert len(splitter.feed(block)) == len(splitter.sizes)
        sizes += splitter.sizes
    assert len(splitter.end()) == len(splitter.sizes)
    *ended, last = b"".join(blocks).split(b"\n")
    assert sizes + splitter.sizes == [len(line) + 1 for line in ended] + ([len(last)] if last else [])


def test_a_line_beyond_the_limit_is_cut_and_counted_and_holds_no_more_memory() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"1234\r\n") == [b"1234"]
    assert splitter.truncated == 0
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []
        assert len(splitter._rest) <= 5
    assert splitter.feed(b"\r\nnext\n12345\n") == [b"xxxx", b"next", b"1234"]
    assert splitter.truncated == 2


@pytest.mark.parametrize("block_bytes", [1, 3, 1 << 18])
def test_a_file_is_read_to_its_end_and_its_last_line_needs_no_line_end(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\r\n\ntwo\nlast")

    async def main() -> list[bytes]:
        return await read_all(Source(os.open(path, os.O_RDONLY), "app.log", block_bytes=block_bytes))

    assert asyncio.run(main()) == [b"one", b"", b"two", b"last"]


def test_a_pipe_without_data_does_not_block_the_event_loop() -> None:
    read_end, write_end = os.pipe()

    async def main() -> None:
        source = Source(read_end, "pipe")
        reading = asyncio.ensure_future(source.read())
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.to_thread(lambda: None)  # the loop still turns
            assert not reading.done()
            os.write(write_end, b"now\npart")
            assert await reading == [b"now"]
            os.close(write_end)
            assert await source.read() == [b"part"]
            assert await source.read() == []
        source.close()

    asyncio.run(main())


def test_a_cancelled_read_loses_nothing() -> None:
    read_end, write_end = os.pipe()

    async def main() -> None:
        source = Source(read_end, "pipe")
        reading = asyncio.ensure_future(source.read())
        await asyncio.to_thread(lambda: None)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()
        os.write(write_end, b"line\n")
        os.close(write_end)
        assert await read_all(source) == [b"line"]

    asyncio.run(main())


def test_a_pipe_that_someone_made_non_blocking_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    wait = select.select

    def write_when_waited_for(*arguments: Any) -> Any:
        os.write(write_end, b"line\n")
        os.close(write_end)
        return wait(*arguments)

    monkeypatch.setattr(select, "select", write_when_waited_for)

    async def main() -> list[bytes]:
        return await read_all(Source(read_end, "pipe"))

    assert asyncio.run(main()) == [b"line"]


def test_ending_while_a_pipe_keeps_the_reader_waiting_takes_no_time() -> None:
    # In a process of its own: the interpreter must end although a thread of it is still in read().
    program = (
        "import asyncio\n"
        "from system.agent.source import standard_input\n"
        "async def main():\n"
        "    reading = asyncio.ensure_future(standard_input().read())\n"
        "    await asyncio.to_thread(lambda: None)\n"
        "    reading.cancel()\n"
        "asyncio.run(main())\n"
        "print('ended')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"ended\n"  # while its standard input is still open
        assert process.wait(DEADLINE_S) == 0


def test_standard_input_may_be_a_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"a\nb\n")
    kept = os.dup(0)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.dup2(descriptor, 0)

        async def main() -> list[bytes]:
            return await read_all(standard_input())

        assert asyncio.run(main()) == [b"a", b"b"]
        assert os.fstat(0).st_size == 4  # closing the source left standard input open
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(descriptor)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda folder: folder / "absent.log",
            "absent.log: No such file or directory; give the path of a log file that",
        ),
        (lambda folder: folder, "it is a directory; give the path of a log file in it"),
        (lambda folder: folder / ("x" * 300), "; give the path of a log file"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        open_file(make(tmp_path))
    assert str(caught.value).startswith("cannot read ")
    assert "\n" not in str(caught.value)


def test_a_file_without_permission_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may read anything, so the refusal is given by a fake.
    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match=r"Permission denied; run the agent as a user who may read it"):
        open_file(tmp_path / "secure.log")


def test_an_error_while_reading_is_a_source_error() -> None:
    read_end, write_end = os.pipe()

    async def main() -> None:
        source = Source(write_end, "pipe")  # the end that can't be read
        with pytest.raises(SourceError, match="cannot read on in pipe: Bad file descriptor; what was read before"):
            await source.read()
        source.close()

    asyncio.run(main())
    os.close(read_end)
