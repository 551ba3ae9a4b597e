"""Whether engines run their rules: asked before anything is started or predicted, and answered with the signature's name."""

from collections.abc import Iterable

from system.engine import registry
from system.settings import SystemSettings
from system.signatures.loaders import load


def check_rules(systems: Iterable[SystemSettings]) -> None:
    """Builds the engine of each system with its rules; equal ones once.

    Raises: EngineError, RulesError: which signature, why, and what to do.
    """
    for (engine, rules), system in {(one.engine, one.rules): one for one in systems}.items():
        registry.build(engine, load(rules), system)
