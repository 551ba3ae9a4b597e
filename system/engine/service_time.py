"""How long the emulated engine takes for a batch: a pure function of its settings and of the batch's name.

So the worker that waits and the analysis that judges draw the very same service times, in any order and on any machine.
A draw is 64 bits of SplitMix64's finaliser over (seed, agent, record number, count), turned into a number in (0, 1) and
through the exponential distribution's inverse: no library's generator, whose streams may change.

Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014), as in SplitMix64.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from system.settings import Emulated

Numbers: TypeAlias = npt.NDArray[np.uint64]


def service_times_s(
    emulated: Emulated, agent: npt.ArrayLike, first: npt.ArrayLike, count: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """The service times of batches, in seconds.

    With `per = "batch"` a batch takes one draw, whatever its size. With `per = "record"` it takes the sum of its records'
    draws, each of which belongs to its record: however the stream is cut into batches, the total is the same.

    Args:
        emulated: `[system.emulated]`.
        agent, first, count: of each batch, as its chunk names them; one shape. A count may be 0.

    Returns: float64 of that shape.
    """
    shape: tuple[int, ...] = np.shape(count)
    agents, firsts, counts = (np.atleast_1d(np.asarray(each, dtype=np.uint64)) for each in (agent, first, count))
    sizes = counts.astype(np.int64)
    if emulated.distribution == "constant":
        draws = np.ones_like(sizes) if emulated.per == "batch" else sizes
        return np.asarray(emulated.service_s * draws, np.float64).reshape(shape)
    if emulated.per == "batch":
        return _exponential(emulated.service_s, _words(emulated.seed, agents, firsts, counts)).reshape(shape)
    # Each record of each batch: its number is the batch's first plus its place in the batch.
    batch = np.repeat(np.arange(len(sizes)), sizes)
    places = np.arange(len(batch)) - (np.cumsum(sizes) - sizes)[batch]
    words = _words(emulated.seed, agents[batch], firsts[batch] + places.astype(np.uint64))
    # One addition after the other within each batch, so that it makes no difference which batches are asked for together.
    drawn = _exponential(emulated.service_s, words)
    summed: npt.NDArray[np.float64] = np.bincount(batch, weights=drawn, minlength=len(sizes)).astype(np.float64)
    return summed.reshape(shape)


def _exponential(mean_s: float, words: Numbers) -> npt.NDArray[np.float64]:
    # The middle of one of 2^53 equal parts of (0, 1): never 0, which has no logarithm.
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(-mean_s * np.log(uniform), np.float64)


def _words(seed: int, *parts: Numbers) -> Numbers:
    """64 bits for each row of `parts`: SplitMix64's step and finaliser once for each part, on the bits so far."""
    word = np.full(len(parts[0]), seed, dtype=np.uint64)
    for part in parts:
        word = (word ^ part) + np.uint64(0x9E37_79B9_7F4A_7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        word ^= word >> np.uint64(31)
    return word
