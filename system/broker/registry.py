"""The publishers by name: a new one is a file and a line here."""

from collections.abc import Callable
from typing import Final

from system.broker.celery_publisher import CeleryPublisher
from system.broker.pipelined import PipelinedPublisher
from system.broker.publisher import Publisher
from system.settings import Process

PUBLISHERS: Final[dict[str, Callable[[Process], Publisher]]] = {
    "celery": CeleryPublisher,
    "pipelined": PipelinedPublisher,
}


def build(process: Process) -> Publisher:
    """The publisher that the settings name."""
    return PUBLISHERS[process.system.publisher](process)
