"""Who goes first in a pair: a fair coin, drawn from a recorded seed.

The coin is what makes the test exact: whatever drifts, bursts or favours the first place on a machine, under no difference
each pair's log-ratio is as likely positive as negative. A fixed order with a 5 % effect of the place fails nearly always.
Hashed and not drawn one after another, so that a shard that plays some of the pairs throws the same coins.
Source: R. A. Fisher, "The Design of Experiments" (1935), ch. 2-3.
"""

import hashlib


def base_first(seed: int, scenario: str, pair: int) -> bool:
    """Whether base's slot comes first in a pair. The same arguments give the same coin, anywhere and always."""
    told = repr(("caudal gate coin", seed, scenario, pair)).encode()
    return bool(hashlib.blake2b(told, digest_size=1).digest()[0] & 1)
