"""The publishers by name: a new one is a file and a line here, or an installed package's entry point."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from system.broker.celery_publisher import CeleryPublisher
from system.broker.pipelined import PipelinedPublisher
from system.broker.publisher import Publisher
from system.settings import Process

PUBLISHERS: Final[dict[str, Callable[[Process], Publisher]]] = {
    "celery": CeleryPublisher,
    "pipelined": PipelinedPublisher,
}

#: Entry-point group under which an installed package offers further ones: each called with the gateway's `Process`.
GROUP: Final = "caudal.publishers"


def known() -> tuple[str, ...]:
    """The names that a config may give."""
    return tuple(dict.fromkeys((*PUBLISHERS, *sorted(entry_points(group=GROUP).names))))


def build(process: Process) -> Publisher:
    """The publisher that the settings name.

    Raises: KeyError for an unknown name; a config that has one is refused before.
    """
    name = process.system.publisher
    if name in PUBLISHERS:
        return PUBLISHERS[name](process)
    offered: Callable[[Process], Publisher] = entry_points(group=GROUP)[name].load()
    return offered(process)
