"""Where batches begin in a long array of arrivals, at tens of millions of records a second.

Flow: arrival times, where each agent's begin, and the batches left open before -> the places at which batches begin.

Method: if a batch begins at record i, the next begins at after[i], the lesser of i + batch_size and the first record at
or after i's deadline. So batches are the chain 0, after[0], after[after[0]], ... In windows of records, `after` is
found for all of them at once (a binary search only where size doesn't win), and the chain is followed some 64 records a
step, through `after` composed with itself (pointer jumping; J. JáJá, "An Introduction to Parallel Algorithms", 1992,
section 2.2). The agents lie end to end and need no loop: a batch that meets its agent's end stops there, which is where
the next agent's first batch begins, so one chain runs through them all.

Refused: a loop over the batches of one agent (0.3 us a batch, and most batches are small: TIMEOUT cuts them), and one
step for all agents at once (fast for 10,000 agents, slow for 20).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.process import END_NS

Ints = NDArray[np.int64]

#: Records a window: some 60 us of calls are spread over it, and what is looked up at random stays in the second-level
#: cache. 2-core EPYC, 4 records a batch: 21 M records/s at 8,192, 23 M at 32,768 and above.
WINDOW = 32_768

#: Records that one step along the chain should cover: a step costs about 80 ns, a composition about 1 ns a record.
STRIDE = 64


class Heads(NamedTuple):
    """Open batches that go on: where their agents' arrivals begin, when they expire, how many records fill them."""

    places: Ints
    deadlines_ns: Ints
    room: Ints


def follow(times_ns: Ints, begins: Ints, batch_size: int, timeout_ns: int, heads: Heads) -> Ints:
    """Gives the places in `times_ns` at which batches begin or go on, ascending; every agent's first arrival is one.

    Args:
        times_ns: arrival times of the agents, end to end; each agent's sorted, in [0, END_NS).
        begins: the place of each agent's first arrival, for agents that have one, ascending.
        batch_size: records, >= 1.
        timeout_ns: 1 to END_NS.
        heads: of agents whose first batch was begun before; their deadlines lie after their first arrival here.
    """
    taken = []
    begin = 0
    while begin < len(times_ns):
        window = _window(times_ns, begins, begin, batch_size, timeout_ns)
        after = _after(window, batch_size)
        low, high = np.searchsorted(heads.places, [begin, window.end])
        if low < high:
            places = heads.places[low:high] - begin
            after[places] = np.minimum(
                places + heads.room[low:high],
                window.expiry(begins, heads.places[low:high], heads.deadlines_ns[low:high]),
            )
        starts = _walk(after)
        taken.append(starts + begin)
        begin += int(after[starts[-1]])
    return np.concatenate(taken) if taken else np.empty(0, np.int64)


class _Window(NamedTuple):
    """Records `begin` to `end`, with what decides the batches that begin there.

    `keys`: the times from `begin` on, those of each next agent raised above all deadlines of the agent before, so that
    one ascending array answers for all agents; they reach past `end` as far as a batch can. `bases`: what was added for
    each agent, from agent `agent` on. `timeout_key`, `latest_ns`: the timeout, and a time after all of them, as far as
    they matter.
    """

    end: int
    length: int
    keys: Ints
    agent: int
    bases: Ints
    timeout_key: int
    latest_ns: int

    def expiry(self, begins: Ints, places: Ints, deadlines_ns: Ints) -> Ints:
        """Gives the first record at or after each deadline, or its agent's end; `places` say which agents'."""
        bases = self.bases[np.searchsorted(begins, places, "right") - 1 - self.agent]
        return np.searchsorted(self.keys, bases + np.minimum(deadlines_ns, self.latest_ns))


def _window(times_ns: Ints, begins: Ints, begin: int, batch_size: int, timeout_ns: int) -> _Window:
    end = min(begin + max(WINDOW, batch_size), len(times_ns))
    reach = min(end + batch_size, len(times_ns))
    earliest_ns, latest_ns = int(times_ns[begin:reach].min()), int(times_ns[begin:reach].max()) + 1
    # Beyond the window's own span a longer timeout changes nothing in it: no record there can come so late.
    timeout_key = min(timeout_ns, latest_ns - earliest_ns)
    rise = latest_ns - earliest_ns + timeout_key
    agent, next_agent = np.searchsorted(begins, [begin + 1, reach]) - [1, 0]
    most = max(1, END_NS // rise)  # more agents would raise the keys past 2**63
    if next_agent - agent > most:
        next_agent = agent + most
        reach = int(begins[next_agent])
        end = min(end, reach)
    bases = np.arange(next_agent - agent) * rise - earliest_ns
    bounds = np.append(begins[agent:next_agent], reach)
    bounds[0] = begin
    keys = times_ns[begin:reach] + np.repeat(bases, np.diff(bounds))
    return _Window(end, end - begin, keys, int(agent), bases, timeout_key, latest_ns)


def _after(window: _Window, batch_size: int) -> Ints:
    """Gives, for each record of the window, the place (from the window's begin) after a batch that begins with it."""
    keys, length = window.keys, window.length
    after = np.arange(batch_size, batch_size + length)
    fillable = max(0, min(length, len(keys) - batch_size + 1))
    late = keys[batch_size - 1 : batch_size - 1 + fillable] - keys[:fillable] >= window.timeout_key
    expiring = np.concatenate([np.flatnonzero(late), np.arange(fillable, length)])
    after[expiring] = np.searchsorted(keys, keys[expiring] + window.timeout_key)
    return after


def _walk(after: Ints) -> Ints:
    """Gives the chain from place 0 as far as it is in the window: 0, after[0], after[after[0]], ..."""
    length = len(after)
    hop: Ints = np.append(np.minimum(after, length), length)  # one more place, where chains that left the window stay
    stride = (int(after.sum()) - length * (length - 1) // 2) / length
    levels = []
    while stride < STRIDE:
        levels.append(hop)
        hop = hop[hop]
        stride *= 2.0
    places = []
    place = 0
    hops = memoryview(hop.data)
    while place < length:
        places.append(place)
        place = hops[place]
    chain = np.array(places, np.int64)
    for level in reversed(levels):
        chain = np.stack([chain, level[chain]], axis=1).ravel()
    return chain[: np.searchsorted(chain, length)]
