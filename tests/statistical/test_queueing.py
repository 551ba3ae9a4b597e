"""The recursions against one another, against a customer-by-customer account, and against the textbook's means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.stats.queueing import (
    erlang_c,
    kiefer_wolfowitz,
    lindley,
    md1_wait,
    mm1_wait,
    mmc_wait,
    stalled,
)

CUSTOMERS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30)), min_size=1, max_size=60)


def columns(customers: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Gaps and services as arrivals and services: whole numbers, so that nothing is rounded."""
    gaps, services = np.array(customers, float).T
    return np.cumsum(gaps), services


def served_one_by_one(arrivals: np.ndarray, services: np.ndarray, servers: int) -> list[float]:
    """The waits by the definition: each customer takes whichever server is free first."""
    free = [0.0] * servers
    waits = []
    for arrival, service in zip(arrivals, services, strict=True):
        server = min(range(servers), key=lambda one: free[one])
        begin = max(arrival, free[server])
        free[server] = begin + service
        waits.append(begin - arrival)
    return waits


@given(customers=CUSTOMERS)
def test_lindley_is_what_one_server_does(customers: list[tuple[int, int]]) -> None:
    arrivals, services = columns(customers)
    assert lindley(arrivals, services).tolist() == served_one_by_one(arrivals, services, 1)


@given(customers=CUSTOMERS, servers=st.integers(1, 5))
def test_kiefer_and_wolfowitz_is_what_several_servers_do(customers: list[tuple[int, int]], servers: int) -> None:
    arrivals, services = columns(customers)
    assert kiefer_wolfowitz(arrivals, services, servers).tolist() == served_one_by_one(arrivals, services, servers)


@given(customers=CUSTOMERS, setup=st.integers(0, 5))
def test_a_setup_is_as_if_each_service_took_longer_where_all_are_alike(
    customers: list[tuple[int, int]], setup: int
) -> None:
    arrivals, services = columns(customers)
    alike = np.full(len(arrivals), float(setup))
    assert kiefer_wolfowitz(arrivals, services, 1, alike).tolist() == lindley(arrivals, services + setup).tolist()


@given(customers=CUSTOMERS, overhead=st.integers(0, 5))
def test_without_a_stall_its_recursion_is_lindleys(customers: list[tuple[int, int]], overhead: int) -> None:
    arrivals, services = columns(customers)
    starts, ends = stalled(arrivals, services, np.inf, np.inf, float(overhead))
    assert (starts - arrivals).tolist() == lindley(arrivals, services + overhead).tolist()
    assert ends.tolist() == (starts + services).tolist()


def test_a_stall_holds_what_would_begin_or_end_in_it() -> None:
    # Under way over its begin; arriving in it; waiting after it; ended before it.
    arrivals, services = np.array([0.0, 9.0, 12.0, 13.0]), np.array([4.0, 3.0, 1.0, 1.0])
    starts, ends = stalled(arrivals, services, 10.0, 20.0, 0.5)
    assert starts.tolist() == [0.0, 9.0, 20.5, 22.0]
    assert ends.tolist() == [4.0, 20.0, 21.5, 23.0]


def test_erlangs_formula_has_its_known_values() -> None:
    assert erlang_c(0.7, 1) == pytest.approx(0.7)  # one server: the share of time it is busy
    assert erlang_c(1.0, 2) == pytest.approx(1 / 3)
    assert erlang_c(2.0, 3) == pytest.approx(4 / 9)


def test_the_textbooks_means_follow_from_one_another() -> None:
    assert mm1_wait(0.5, 1.0) == pytest.approx(1.0)  # rho S / (1 - rho)
    assert md1_wait(0.5, 1.0) == pytest.approx(0.5)
    assert mmc_wait(0.5, 1.0, 1) == mm1_wait(0.5, 1.0)
    # M/M/2 in closed form: S rho^2 / (1 - rho^2), rho = a / 2.
    assert mmc_wait(1.2, 1.0, 2) == pytest.approx(0.6**2 / (1 - 0.6**2))


def test_what_is_no_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="the queue has no end"):
        mm1_wait(1.0, 1.0)
    with pytest.raises(ValueError, match="must be sorted"):
        lindley(np.array([2.0, 1.0]), np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="a service for each arrival, got 1 for 2"):
        kiefer_wolfowitz(np.array([1.0, 2.0]), np.array([1.0]), 1)
    with pytest.raises(ValueError, match="servers must be >= 1, got 0"):
        kiefer_wolfowitz(np.array([1.0]), np.array([1.0]), 0)
