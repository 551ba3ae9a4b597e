"""Micro-benchmarks of the engines: each scans one batch for the built-in signatures."""

from typing import Any

from system.engine.registry import build
from system.signatures.loaders import load
from system.wire.records import locate
from tests.bench import inputs


def scanned(counted: Any, engine: str) -> None:
    """Counts the scan of one batch, which holds attacks."""
    built = build(engine, load(("builtin",)))
    buffer, starts, ends, _ = locate(inputs.packed())
    assert len(counted(lambda: built.scan(buffer, starts, ends)).record) > 0


def test_re(counted: Any) -> None:
    scanned(counted, "re")


def test_re2(counted: Any) -> None:
    scanned(counted, "re2")


def test_hyperscan(counted: Any) -> None:
    scanned(counted, "hyperscan")
