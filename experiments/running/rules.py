"""Whether engines run their rules: asked before anything is started or predicted, and answered with the signature's name."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

from system.engine import registry
from system.engine.engine import SignatureEngine
from system.settings import SystemSettings
from system.signatures.loaders import load
from system.signatures.model import Signature

#: Told what is under way; what it gives is entered for as long as that lasts.
Waiting: TypeAlias = Callable[[str], AbstractContextManager[None]]

#: Engines whose compiled signatures are kept on the disk (`system.engine.database`).
_KEPT = frozenset({"hyperscan"})

_DEFAULTS = SystemSettings()


def silently(_what: str) -> AbstractContextManager[None]:
    """A `Waiting` that shows nothing."""
    return nullcontext()


def check_rules(systems: Iterable[SystemSettings], waiting: Waiting = silently) -> None:
    """Builds the engine of each system with its rules; equal ones once.

    Raises: EngineError, RulesError: which signature, why, and what to do.
    """
    for (engine, rules), system in {(one.engine, one.rules): one for one in systems}.items():
        built(engine, load(rules), system, waiting)


def built(
    engine: str, signatures: Sequence[Signature], system: SystemSettings = _DEFAULTS, waiting: Waiting = silently
) -> SignatureEngine:
    """The engine, as `registry.build` gives it; a pack of thousands takes it half a minute, once if it is kept."""
    kept = " (kept for the next time)" if engine in _KEPT else ""
    with waiting(f"compiling {len(signatures):,} signatures for {engine}{kept}"):
        return registry.build(engine, signatures, system)
