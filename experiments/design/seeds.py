"""The numbers a trial is told apart and repeated by, hashed from the experiment's seed.

(seed, replicate) -> the replicate's seed, the same in every cell: common random numbers, so that two cells of a
replicate differ by their settings and by nothing drawn. (seed, trial, run) -> the epoch, another for every trial ever
run.
Source: P. Glasserman, D. D. Yao, "Some guidelines and guarantees for common random numbers", Management Science 38
(1992).
"""

import hashlib

#: A seed stands in summary.json, and 53 bits is what every JSON reader holds exactly.
SEED_BITS = 53


def replicate_seed(seed: int, replicate: int) -> int:
    """Gives the seed of one replicate's trials, in [0, 2**53)."""
    return _hashed("caudal seed", seed, replicate) >> (64 - SEED_BITS)


def order_seed(seed: int) -> int:
    """Gives the seed of the order of trials: one of its own, so that the order says nothing about the load."""
    return _hashed("caudal order", seed)


def trial_epoch(seed: int, trial: int, run_id: str) -> int:
    """Gives the epoch (u64) that marks a trial's batches, so that what an earlier trial left behind is told apart."""
    return _hashed("caudal epoch", seed, trial, run_id)


def _hashed(*parts: int | str) -> int:
    # repr tells 1 from "1" and quotes strings, so that no two calls have one text.
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")
