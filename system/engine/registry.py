"""The engines there are, by name. A new one is one new file and one line here, or an installed package's entry point.

Invariant: whatever stands here passes `tests/conformance/test_engines.py`.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points

from system.engine.engine import Builder, EngineError, SignatureEngine
from system.engine.hyperscan_engine import HyperscanEngine
from system.engine.re2_engine import Re2Engine
from system.engine.re_engine import ReEngine
from system.engine.reference import ReferenceEngine
from system.signatures.model import Signature

#: The engines of this project.
ENGINES: dict[str, Builder] = {
    "reference": ReferenceEngine,
    "re": ReEngine,
    "re2": Re2Engine,
    "hyperscan": HyperscanEngine,
}

#: Entry-point group under which an installed package offers further builders.
GROUP = "caudal.engines"


def build(name: str, signatures: Sequence[Signature]) -> SignatureEngine:
    """The engine of that name, ready to scan.

    Raises: EngineError for an unknown name, or a signature the engine can't run; DialectError for a pattern outside the
        dialect.
    """
    if name in ENGINES:
        return ENGINES[name](signatures)
    offered = entry_points(group=GROUP)
    if name in offered.names:
        builder: Builder = offered[name].load()
        return builder(signatures)
    known = ", ".join(sorted({*ENGINES, *offered.names}))
    raise EngineError(f"engine must be one of {known}, got {name!r}; for another one install a package with {GROUP}")
