"""Queueing theory: what a first-come first-served queue makes of given arrivals and services, customer by customer and on
average.

Pure. Times in any one unit; arrays are one entry a customer, in the order of arrival. The recursions are exact for the very
arrivals and services that are given, whatever they were drawn from; the formulas are means over endless many. Both are held
against each other in `tests/statistical/test_queueing.py`.
"""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


def lindley(arrivals: Times, services: Times) -> Times:
    """Waiting times before one server: W[0] = 0, W[n+1] = max(0, W[n] + S[n] - (A[n+1] - A[n])).

    Source: D. V. Lindley, "The theory of queues with a single server", Proc. Cambridge Philosophical Society 48 (1952).
    Raises: ValueError if arrivals aren't sorted or the lengths differ.
    """
    _check(arrivals, services)
    steps = services[:-1] - np.diff(arrivals)
    # The recursion unrolled: W[n] = P[n] - min(P[0], ..., P[n]) with P the partial sums of the steps.
    sums = np.concatenate(([0.0], np.cumsum(steps)))
    waits: Times = sums - np.minimum.accumulate(sums)
    return waits


def kiefer_wolfowitz(arrivals: Times, services: Times, servers: int, setups: Times | None = None) -> Times:
    """Waiting times before `servers` servers: a customer goes to the one that is free first.

    The vector of work left, sorted: V <- sort((V[0] + S, V[1], ...) - gap)^+, and W = V[0]; here kept as instants.
    `setups`: what a server needs between the end of a service and the begin of each customer's; nothing without it.
    Source: J. Kiefer, J. Wolfowitz, "On the theory of queues with many servers", Trans. AMS 78 (1955).
    Raises: ValueError as `lindley`, or if there is no server.
    """
    _check(arrivals, services)
    if servers < 1:
        raise ValueError(f"servers must be >= 1, got {servers}")
    free = [-math.inf] * servers
    waits = np.empty(len(arrivals))
    before = np.zeros(len(arrivals)) if setups is None else setups
    customers = zip(arrivals.tolist(), services.tolist(), before.tolist(), strict=True)
    for place, (arrival, service, setup) in enumerate(customers):
        begin = max(arrival, free[0] + setup)
        heapq.heapreplace(free, begin + service)
        waits[place] = begin - arrival
    return waits


def mm1_wait(rate: float, service: float) -> float:
    """Mean wait of M/M/1: rho service / (1 - rho), rho = rate service < 1 (Kleinrock, Queueing Systems I, 1975, 3.2)."""
    return mmc_wait(rate, service, 1)


def md1_wait(rate: float, service: float) -> float:
    """Mean wait of M/D/1: rho service / (2 (1 - rho)), half of M/M/1's (Pollaczek and Khinchine; Kleinrock, 5.6)."""
    return mm1_wait(rate, service) / 2


def mmc_wait(rate: float, service: float, servers: int) -> float:
    """Mean wait of M/M/c: C(c, a) service / (c - a), a = rate service < c (Kleinrock, 3.5)."""
    load = rate * service
    if not 0 < load < servers:
        raise ValueError(
            f"rate * service must be in (0, servers), got {load} with {servers} servers: the queue has no end"
        )
    return erlang_c(load, servers) * service / (servers - load)


def erlang_c(load: float, servers: int) -> float:
    """Probability that a customer of M/M/c waits, by way of Erlang's B: B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1)), then
    C = c B / (c - a (1 - B)) (A. K. Erlang, 1917; the recursion is stable where the sums of powers aren't)."""
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return servers * blocked / (servers - load * (1 - blocked))


def stalled(arrivals: Times, services: Times, begin: float, end: float, overhead: float = 0.0) -> tuple[Times, Times]:
    """Starts and ends at one server that stands still in [begin, end).

    Nothing begins or ends within the stall: what would, does so at its end. A service goes on by the clock meanwhile (it is a
    wait until an instant), so that one under way ends at max(its end, the stall's). After each service the server needs
    `overhead` before it can begin the next.
    """
    _check(arrivals, services)
    starts, ends = np.empty(len(arrivals)), np.empty(len(arrivals))
    free = -math.inf
    for place, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        start = _held(max(arrival, free), begin, end)
        starts[place] = start
        ends[place] = _held(start + service, begin, end)
        free = ends[place] + overhead
    return starts, ends


def _held(instant: float, begin: float, end: float) -> float:
    return end if begin <= instant < end else instant


def _check(arrivals: Times, services: Times) -> None:
    if len(arrivals) != len(services):
        raise ValueError(f"there must be a service for each arrival, got {len(services)} for {len(arrivals)}")
    if (np.diff(arrivals) < 0).any():
        raise ValueError("arrivals must be sorted; a queue that is first come, first served has an order")
