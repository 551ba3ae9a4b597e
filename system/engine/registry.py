"""The engines there are, by name. A new one is one new file and one line here, or an installed package's entry point.

Invariant: whatever stands here passes `tests/conformance/test_engines.py`.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from system.engine.emulated import EmulatedEngine
from system.engine.engine import Builder, EngineError, SignatureEngine
from system.engine.hyperscan_engine import HyperscanEngine
from system.engine.re2_engine import Re2Engine
from system.engine.re_engine import ReEngine
from system.engine.reference import ReferenceEngine
from system.settings import SystemSettings
from system.signatures.model import Signature


def _plain(engine: Callable[[Sequence[Signature]], SignatureEngine]) -> Builder:
    """The builder of an engine that needs nothing but its signatures."""
    return lambda signatures, _system: engine(signatures)


#: The engines of this project.
ENGINES: dict[str, Builder] = {
    "reference": _plain(ReferenceEngine),
    "re": _plain(ReEngine),
    "re2": _plain(Re2Engine),
    "hyperscan": _plain(HyperscanEngine),
    "emulated": lambda _signatures, system: EmulatedEngine(system.emulated),
}

#: Engines that look for nothing: what they find says nothing of the signatures.
SILENT = frozenset({"emulated"})

#: The engines of this project that find what the reference finds.
SCANNING = tuple(name for name in ENGINES if name not in SILENT)

#: Entry-point group under which an installed package offers further builders.
GROUP = "caudal.engines"

_DEFAULTS = SystemSettings()


def build(name: str, signatures: Sequence[Signature], system: SystemSettings = _DEFAULTS) -> SignatureEngine:
    """The engine of that name, ready to scan.

    Args:
        name: one of ENGINES, or of an entry point of GROUP; `system.engine` has no say here.
        system: where an engine with settings of its own finds them.

    Raises: EngineError for an unknown name, or a signature the engine can't run; DialectError for a pattern outside the
        dialect.
    """
    if name in ENGINES:
        return ENGINES[name](signatures, system)
    offered = entry_points(group=GROUP)
    if name in offered.names:
        builder: Builder = offered[name].load()
        return builder(signatures, system)
    known = ", ".join(sorted({*ENGINES, *offered.names}))
    raise EngineError(f"engine must be one of {known}, got {name!r}; for another one install a package with {GROUP}")
