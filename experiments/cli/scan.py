"""`caudal scan`: files against signatures, offline: to try rules, and the reference for what the system finds."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click
import msgspec
import numpy as np

from system.engine.registry import ENGINES, build
from system.signatures.loaders import load
from system.worker.detections import Detection, readable

#: Bytes of lines scanned at once.
BLOCK_BYTES: Final = 4 << 20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--engine", type=click.Choice(sorted(ENGINES)), default="hyperscan", show_default=True)
@click.option("--rules", multiple=True, metavar="R", help="builtin, a TOML pack or a list of patterns. Repeatable.")
@click.option(
    "--detections", type=click.Path(path_type=Path, dir_okay=False), help="Append matches here instead of printing."
)
def scan(files: tuple[Path, ...], engine: str, rules: tuple[str, ...], detections: Path | None) -> None:
    """Scan FILES line by line, and write each match as a JSON line.

    \b
    Examples:
      caudal scan /var/log/auth.log
      caudal scan access.log --engine re --rules builtin --rules my-rules.toml
    """
    signatures = load(rules or ("builtin",))
    scanner = build(engine, signatures)
    with ExitStack() as stack:
        opened = [(path, stack.enter_context(path.open("rb"))) for path in files]
        out = sys.stdout.buffer if detections is None else stack.enter_context(detections.open("ab"))
        for path, file in opened:
            number = 0
            for lines in _blocks(file):
                lengths = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
                ends = np.cumsum(lengths)
                hits = scanner.scan(b"".join(lines), ends - lengths, ends)
                for place, which in zip(hits.record.tolist(), hits.signature.tolist(), strict=True):
                    signature = signatures[which]
                    found = Detection(
                        str(path), None, None, number + place, signature.id, signature.severity, readable(lines[place])
                    )
                    out.write(msgspec.json.encode(found) + b"\n")
                number += len(lines)
        out.flush()


def _blocks(file: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines without their line ends (LF or CRLF, as the agent strips them), in blocks."""
    block: list[bytes] = []
    size = 0
    for line in file:
        block.append(line.removesuffix(b"\n").removesuffix(b"\r"))
        size += len(line)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
