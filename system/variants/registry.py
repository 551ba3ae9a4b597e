"""The variants by name: what a deployment starts in place of the real part. A new one is a file beside this and a line here.

The rest of the system, the load, the ledger and the judging are the same whatever the variant.
"""

from typing import Final, NamedTuple


class Variant(NamedTuple):
    """`gateway`: the module that is started as the gateway. `has_workers`: false if it brings its own in Celery's place.

    `waits`: whether processes begin by waiting for a broker that answers, as the design has it.
    """

    gateway: str
    has_workers: bool = True
    waits: bool = True


#: The design itself.
REAL: Final = "real"

VARIANTS: Final = {
    REAL: Variant("system.gateway"),
    "threaded_gateway": Variant("system.variants.threaded_gateway"),
    "in_memory_queue": Variant("system.variants.in_memory_queue", has_workers=False),
    "unordered_start": Variant("system.gateway", waits=False),
}
