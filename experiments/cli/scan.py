"""`caudal scan`: files against signatures, offline: to try rules, and the reference for what the system finds."""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

import click
import msgspec
import numpy as np

from experiments.cli.progress import Progress, waiting
from experiments.running.rules import built
from system.agent import compression
from system.engine.registry import SCANNING
from system.signatures.loaders import load
from system.worker.detections import Detection, readable

#: Bytes of lines scanned at once.
BLOCK_BYTES: Final = 4 << 20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--engine", type=click.Choice(sorted(SCANNING)), default="hyperscan", show_default=True)
@click.option("--rules", multiple=True, metavar="R", help="builtin, a TOML pack or a list of patterns. Repeatable.")
@click.option(
    "--detections", type=click.Path(path_type=Path, dir_okay=False), help="Append matches here instead of printing."
)
def scan(files: tuple[Path, ...], engine: str, rules: tuple[str, ...], detections: Path | None) -> None:
    """Scan FILES, plain or gzip, line by line, and write each match as a JSON line.

    \b
    Examples:
      what the built-in signatures find
        caudal scan /var/log/auth.log /var/log/auth.log.*
      how often each of them matches
        caudal scan access.log | jq -r .signature | sort | uniq -c
      your own rules, tried before they go into the system
        caudal scan access.log --rules builtin --rules my-rules.toml
      a second opinion: every engine finds the same
        caudal scan access.log --engine re
      another compression
        caudal scan <(xzcat access.log.xz)

    Needs no Redis and no gateway. `caudal up --detections` finds the same in the same lines.
    """
    signatures = load(rules or ("builtin",))
    scanner = built(engine, signatures, waiting=waiting)
    with ExitStack() as stack:
        opened = [(path, stack.enter_context(path.open("rb"))) for path in files]
        total_bytes = sum(os.fstat(raw.fileno()).st_size for _, raw in opened)
        texts = [(path, raw, _text(path, raw)) for path, raw in opened]
        out = sys.stdout.buffer if detections is None else stack.enter_context(detections.open("ab"))
        progress = Progress("scanning", total_bytes)
        stack.callback(progress.stop)
        before_bytes = scanned = found_hits = 0
        for path, raw, file in texts:
            number = 0
            for lines in _blocks(path, file):
                lengths = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
                ends = np.cumsum(lengths)
                hits = scanner.scan(b"".join(lines), ends - lengths, ends)
                written: list[bytes] = []
                for place, which in zip(hits.record.tolist(), hits.signature.tolist(), strict=True):
                    signature = signatures[which]
                    found = Detection(
                        str(path), None, None, number + place, signature.id, signature.severity, readable(lines[place])
                    )
                    written.append(msgspec.json.encode(found) + b"\n")
                if written:
                    with progress.hidden():
                        out.write(b"".join(written))
                        out.flush()
                number += len(lines)
                scanned += len(lines)
                found_hits += len(hits.record)
                progress.at(before_bytes + _done_bytes(raw), f"{scanned:,} lines, {found_hits:,} matches")
            before_bytes += _done_bytes(raw)


def _text(path: Path, raw: BinaryIO) -> Iterable[bytes]:
    """The lines of the file's own bytes, or what they hold. A pipe is taken as it is. Raises: SourceError."""
    if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return raw
    head = os.pread(raw.fileno(), compression.HEAD_BYTES, 0)
    return compression.inflated(raw) if compression.is_gzip(head, path) else raw


def _done_bytes(raw: BinaryIO) -> int:
    return raw.tell() if raw.seekable() else 0


def _blocks(path: Path, file: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines without their line ends (LF or CRLF, as the agent strips them), in blocks. Raises: SourceError."""
    block: list[bytes] = []
    size = 0
    try:
        for line in file:
            block.append(line.removesuffix(b"\n").removesuffix(b"\r"))
            size += len(line)
            if size >= BLOCK_BYTES:
                yield block
                block, size = [], 0
    except compression.DAMAGED as error:
        yield block  # what came before is scanned
        raise compression.damaged(path, error) from error
    if block:
        yield block
