"""Batching in theory: what BATCH_SIZE and TIMEOUT make of Poisson or constant arrivals, in closed form.

A batch opens with its first record (time 0); N - 1 further records fill it, at time S; it is flushed at D = min(S, T).
The buffer is empty then and the next record opens the next batch: a renewal process, so that a mean over records is the
mean sum over a batch by the mean count of one. Everything is about batches that run to their end and about one agent's
steady stream; `loadgen.model.flush_mix` puts it beside what a trial of a given length shows.

Pure: numbers in, numbers out; held against the vectorised batching model in `tests/statistical/test_theory.py`.
Source: renewal-reward and Wald's identity as in S. M. Ross, "Stochastic Processes" (1996), ch. 3; P(M >= k) of a Poisson
variable as the regularised incomplete gamma function: NIST DLMF 8.4.10.
"""

import math
from typing import Protocol

import msgspec
from scipy.special import gammainc, gammaincc

#: Halvings of [0, TIMEOUT] in the search for a quantile: down to the last bit of a double.
_HALVINGS = 60


class BatchingTheory(Protocol):
    """One agent's batches. N = `batch_size` records, T = `timeout_s` seconds, `rate_per_s` records a second, all > 0."""

    @property
    def rate_per_s(self) -> float: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def timeout_s(self) -> float: ...

    def by_size_ratio(self) -> float:
        """Share of batches flushed because they were full."""

    def records_per_batch(self) -> float:
        """Mean records of a batch."""

    def open_s(self, limit_s: float | None = None) -> float:
        """Mean of min(S, limit), S being the time in which a batch fills; without a limit that of D = min(S, T)."""

    def batch_wait_mean_s(self) -> float:
        """Mean time from a record's arrival to its batch's flush, over records."""

    def batch_wait_above_ratio(self, wait_s: float) -> float:
        """Share of records that wait longer than `wait_s` >= 0."""

    def batch_wait_quantile_s(self, share: float) -> float:
        """The smallest wait that at least the share, in (0, 1], of the records doesn't exceed."""


class PoissonBatching(msgspec.Struct, frozen=True, kw_only=True):
    """Poisson arrivals at `rate_per_s` = r. With M(t) ~ Poisson(r t) the records after the first until t, n = N - 1.

    K = min(M(T), n) is what joins the first record; P(M(t) >= k) = P(k, r t), the regularised incomplete gamma function.
    """

    rate_per_s: float
    batch_size: int
    timeout_s: float

    def by_size_ratio(self) -> float:
        """P(M(T) >= n): n further records come before the deadline. S is Erlang(n, r)."""
        return _at_least(self.batch_size - 1, self.rate_per_s * self.timeout_s)

    def records_per_batch(self) -> float:
        """1 + E[K], where E[min(M, n)] = r T P(M <= n - 2) + n P(M >= n)."""
        return 1.0 + _capped(self.batch_size - 1, self.rate_per_s * self.timeout_s)

    def open_s(self, limit_s: float | None = None) -> float:
        """E[min(S, t)] = E[min(M(t), n)] / r seconds: Wald's identity for the records that come while it is open."""
        limit_s = self.timeout_s if limit_s is None else limit_s
        return _capped(self.batch_size - 1, self.rate_per_s * limit_s) / self.rate_per_s

    def batch_wait_mean_s(self) -> float:
        """E[K (K + 1)] / (2 r E[1 + K]) seconds.

        The waits of a batch add up to the integral of its records over [0, D], whose mean is
        sum over k < n of (1 + k) P(M(T) >= k + 1) / r = E[K (K + 1) / 2] / r.
        With T -> infinity (N - 1) / (2 r); with N -> infinity T (r T + 2) / (2 (r T + 1)).
        """
        expected, n = self.rate_per_s * self.timeout_s, self.batch_size - 1
        squares = expected**2 * _at_most(n - 3, expected) + n * (n - 1) * _at_least(n, expected)
        return (squares + 2 * _capped(n, expected)) / (2 * self.rate_per_s * self.records_per_batch())

    def batch_wait_above_ratio(self, wait_s: float) -> float:
        """[P(M(w) < n) + E[min(M(T), n - 1)] - E[min(M(w), n - 1)]] / E[1 + K] for w < T, and 0 from T on.

        The first record waits longer than w if D > w. One that comes at s does if s + w < T and, it counted itself, fewer
        than n came until s + w: r P(M(s + w) <= n - 2) ds, summed over s. Two waits have a probability of their own: 0 (the
        record that fills a batch) and T (the first of a batch that the deadline flushes).
        """
        if wait_s >= self.timeout_s:
            return 0.0
        n = self.batch_size - 1
        opening = _at_most(n - 1, self.rate_per_s * wait_s)
        later = _capped(n - 1, self.rate_per_s * self.timeout_s) - _capped(n - 1, self.rate_per_s * wait_s)
        return (opening + later) / self.records_per_batch()

    def batch_wait_quantile_s(self, share: float) -> float:
        """The smallest w with `batch_wait_above_ratio`(w) <= 1 - share, by halving [0, T]."""
        low, high = 0.0, self.timeout_s
        if self.batch_wait_above_ratio(low) <= 1.0 - share:
            return low
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.batch_wait_above_ratio(middle) <= 1.0 - share:
                high = middle
            else:
                low = middle
        return high


class ConstantBatching(msgspec.Struct, frozen=True, kw_only=True):
    """Arrivals every p = 1 / `rate_per_s` seconds: all batches are alike, and nothing is left to chance."""

    rate_per_s: float
    batch_size: int
    timeout_s: float

    def _joining(self) -> int:
        """K = min(n, the k >= 1 with k p < T): at a deadline that meets an arrival the deadline comes first.

        T / p is rounded to a millionth: 0.05 s at 1000 records/s are 50 periods, not 50.000000000000004.
        """
        return min(self.batch_size - 1, math.ceil(round(self.timeout_s * self.rate_per_s, 6)) - 1)

    def by_size_ratio(self) -> float:
        """1 if n p < T, n = N - 1; else 0."""
        return float(self._joining() == self.batch_size - 1)

    def records_per_batch(self) -> float:
        """1 + K."""
        return 1.0 + self._joining()

    def open_s(self, limit_s: float | None = None) -> float:
        """min(n p, t) seconds."""
        limit_s = self.timeout_s if limit_s is None else limit_s
        return min((self.batch_size - 1) / self.rate_per_s, limit_s)

    def batch_wait_mean_s(self) -> float:
        """D - K p / 2 seconds: record j of 0 ... K waits D - j p."""
        return self.open_s() - self._joining() / (2 * self.rate_per_s)

    def batch_wait_above_ratio(self, wait_s: float) -> float:
        """Share of j = 0 ... K with D - j p > w."""
        periods = round((self.open_s() - wait_s) * self.rate_per_s, 6)
        return min(max(math.ceil(periods), 0), self._joining() + 1) / self.records_per_batch()

    def batch_wait_quantile_s(self, share: float) -> float:
        """The wait of place ceil(share (K + 1)) of the K + 1 in ascending order."""
        place = max(1, math.ceil(round(share * self.records_per_batch(), 6)))
        return max(0.0, self.open_s() - (self._joining() + 1 - place) / self.rate_per_s)


def _at_least(count: int, expected: float) -> float:
    """P(M >= count) for M ~ Poisson(expected)."""
    return float(gammainc(count, expected)) if count > 0 else 1.0


def _at_most(count: int, expected: float) -> float:
    """P(M <= count)."""
    return float(gammaincc(count + 1, expected)) if count >= 0 else 0.0


def _capped(count: int, expected: float) -> float:
    """E[min(M, count)] = expected P(M <= count - 2) + count P(M >= count); 0 for a count below 1."""
    return expected * _at_most(count - 2, expected) + count * _at_least(count, expected) if count > 0 else 0.0
