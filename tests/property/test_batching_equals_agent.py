"""The vectorised batching model and the agent's real buffer cut the same batches, record for record, on any arrivals.

The buffer is the reference: each agent's arrivals are played into it one by one, and it is closed at the horizon.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from loadgen.model import chain
from loadgen.model.batching import Batching, Flushes, cut
from system.agent.buffer import Buffer, Cut

#: One flush: cut at, number of its first record, records, filled?
Flush = tuple[int, int, int, bool]


class Case(NamedTuple):
    """What the buffers are told: each agent's arrivals, and their settings."""

    arrivals_ns: tuple[tuple[int, ...], ...]
    batch_size: int
    timeout_ns: int
    horizon_ns: int


def by_buffer(case: Case) -> list[list[Flush]]:
    """Each agent's flushes, out of the agent's own buffer."""
    return [[as_flush(one) for one in cuts(case, arrivals)] for arrivals in case.arrivals_ns]


def cuts(case: Case, arrivals_ns: Sequence[int]) -> list[Cut]:
    buffer = Buffer(case.batch_size, case.timeout_ns)
    found = [buffer.add(b"", instant) for instant in arrivals_ns]
    found.append(buffer.close(case.horizon_ns))
    return [one for one in found if one is not None]


def as_flush(one: Cut) -> Flush:
    return one.cut_mono_ns, one.first, len(one.records), one.reason == "size"


def by_agent(flushes: Flushes, agents: int) -> list[list[Flush]]:
    """The model's arrays, as lists for each agent."""
    rows: list[list[Flush]] = [[] for _ in range(agents)]
    columns = (flushes.agent, flushes.time_ns, flushes.first, flushes.count, flushes.by_size)
    for agent, time_ns, first, count, by_size in zip(*(column.tolist() for column in columns), strict=True):
        rows[agent].append((time_ns, first, count, by_size))
    return rows


def in_one_shot(case: Case) -> list[list[Flush]]:
    lengths = np.array([len(one) for one in case.arrivals_ns], np.int64)
    arrivals_ns = np.array([instant for one in case.arrivals_ns for instant in one], np.int64)
    flushes = cut(arrivals_ns, case.batch_size, case.timeout_ns, case.horizon_ns, lengths)
    assert (np.diff(flushes.agent) >= 0).all()
    return by_agent(flushes, len(case.arrivals_ns))


def in_blocks(case: Case, splits: Sequence[int], tell_until: Sequence[bool]) -> list[list[Flush]]:
    """The same through `Batching`: blocks end at the instants `splits`; for some of them the model isn't told so."""
    batching = Batching(case.batch_size, case.timeout_ns, len(case.arrivals_ns))
    rows: list[list[Flush]] = [[] for _ in case.arrivals_ns]
    instants = sorted(splits)
    before_ns = 0
    for number, until_ns in enumerate([*instants, case.horizon_ns]):
        parts = [[instant for instant in one if before_ns <= instant < until_ns] for one in case.arrivals_ns]
        lengths = np.array([len(part) for part in parts], np.int64)
        arrivals_ns = np.array([instant for part in parts for instant in part], np.int64)
        if number == len(instants):
            flushes = batching.close(case.horizon_ns, arrivals_ns, lengths)
        else:
            flushes = batching.push(arrivals_ns, lengths, until_ns if tell_until[number] else None)
        for row, more in zip(rows, by_agent(flushes, len(rows)), strict=True):
            row.extend(more)
        before_ns = until_ns
    return rows


def assert_equals_buffer(case: Case, model: Callable[[Case], list[list[Flush]]]) -> None:
    expected = by_buffer(case)
    assert model(case) == expected
    for arrivals, flushes in zip(case.arrivals_ns, expected, strict=True):
        assert sum(count for _, _, count, _ in flushes) == len(arrivals)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    # Few distinct instants: ties, and arrivals exactly at a deadline, are then the rule and not the exception.
    horizon_ns = draw(st.sampled_from([1, 5, 20, 100, 10_000, 10**15]))
    arrivals = st.lists(st.integers(0, horizon_ns - 1), max_size=40).map(lambda times: tuple(sorted(times)))
    return Case(
        tuple(draw(st.lists(arrivals, min_size=1, max_size=4))),
        draw(st.one_of(st.integers(1, 6), st.sampled_from([39, 40, 41, 10**12]))),
        draw(st.one_of(st.integers(1, 30), st.sampled_from([horizon_ns, 10**9, 2**62, 10**30]))),
        horizon_ns,
    )


#: A record at the deadline of another; one that would fill the batch there; a deadline at the horizon; ties over a cut.
AT_DEADLINE = Case(((0, 10, 19),), 5, 10, 100)
FILLED_AT_DEADLINE = Case(((0, 10),), 2, 10, 100)
DEADLINE_AT_HORIZON = Case(((90,), ()), 2, 10, 100)
TIES = Case(((3,) * 7, (3, 3, 3)), 2, 1, 4)

#: Small windows, strides and key ranges make a few records go through every path that else takes tens of thousands.
WINDOWS = st.sampled_from([1, 2, 5, 32_768])
STRIDES = st.sampled_from([0, 1, 4, 64])
KEY_ENDS = st.sampled_from([1, 50, 2**62])

thorough = settings(max_examples=250, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)


@thorough
@given(cases(), WINDOWS, STRIDES, KEY_ENDS)
@example(AT_DEADLINE, 32_768, 64, 2**62)
@example(FILLED_AT_DEADLINE, 32_768, 64, 2**62)
@example(DEADLINE_AT_HORIZON, 32_768, 64, 2**62)
@example(TIES, 2, 64, 2**62)
def test_the_model_cuts_what_the_buffer_cuts(case: Case, window: int, stride: int, key_end: int) -> None:
    with (
        patch.object(chain, "WINDOW", window),
        patch.object(chain, "STRIDE", stride),
        patch.object(chain, "END_NS", key_end),
    ):
        assert_equals_buffer(case, in_one_shot)


@thorough
@given(cases(), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=6), WINDOWS, KEY_ENDS)
@example(AT_DEADLINE, [(2, False)], 32_768, 2**62)
@example(AT_DEADLINE, [(2, True), (2, True)], 32_768, 2**62)
@example(FILLED_AT_DEADLINE, [(1, False)], 32_768, 2**62)
@example(DEADLINE_AT_HORIZON, [(19, True)], 32_768, 2**62)
def test_blocks_of_any_size_give_the_same_flushes(
    case: Case, splits: list[tuple[int, bool]], window: int, key_end: int
) -> None:
    scaled = sorted((twentieth * case.horizon_ns // 20, told) for twentieth, told in splits)
    with patch.object(chain, "WINDOW", window), patch.object(chain, "END_NS", key_end):
        assert_equals_buffer(
            case, lambda whole: in_blocks(whole, [split for split, _ in scaled], [told for _, told in scaled])
        )


@pytest.mark.parametrize("batch_size", [1, 3, 100, 1000])
@pytest.mark.parametrize("timeout_ns", [1_000, 1_000_000, 50_000_000, 10**12])
def test_long_series_of_random_gaps_agree_over_many_windows(batch_size: int, timeout_ns: int) -> None:
    gaps = np.random.Generator(np.random.Philox(key=11)).exponential(1e6, 14_000)
    whole = np.cumsum(gaps).astype(np.int64).tolist()
    case = Case((tuple(whole[:8_000]), (), tuple(whole[8_000:])), batch_size, timeout_ns, whole[-1] + 1)
    with patch.object(chain, "WINDOW", 1_000):
        assert_equals_buffer(case, in_one_shot)
        assert_equals_buffer(case, lambda same: in_blocks(same, [3 * 10**9, 10**10], [True, False]))


def test_a_series_longer_than_the_real_window_agrees() -> None:
    whole = tuple(range(0, 70_000 * 3, 3))
    assert_equals_buffer(Case((whole,), 7, 20, whole[-1] + 1), in_one_shot)


# Planted faults: models that are wrong by one. The check above must catch each, or it proves nothing.


def planted(case: Case, *, late: bool = False, over_full: bool = False, close_late: bool = False) -> list[list[Flush]]:
    """A plain loop with one fault at a time; with none it is right.

    `late`: a record at the deadline still gets in. `over_full`: a batch takes one record too many. `close_late`: what
    is left at the end goes at the horizon although its deadline came before.
    """
    size = case.batch_size + over_full
    rows = []
    for arrivals in case.arrivals_ns:
        row: list[Flush] = []
        first = 0
        while first < len(arrivals):
            deadline = arrivals[first] + case.timeout_ns
            inside = [t for t in arrivals[first : first + size] if t < deadline + late]
            by_size = len(inside) == size
            left = first + len(inside) == len(arrivals)
            end = case.horizon_ns if left and close_late else min(deadline, case.horizon_ns)
            row.append((inside[-1] if by_size else end, first, len(inside), by_size))
            first += len(inside)
        rows.append(row)
    return rows


def check(model: Callable[[Case], list[list[Flush]]]) -> None:
    @settings(thorough, phases=[Phase.generate])  # the smallest counterexample is of no interest here
    @given(cases())
    def holds(case: Case) -> None:
        assert_equals_buffer(case, model)

    holds()


def test_the_check_passes_a_plain_model_without_a_fault() -> None:
    check(planted)


@pytest.mark.parametrize("fault", ["late", "over_full", "close_late"])
def test_the_check_catches_a_model_that_is_wrong_by_one(fault: str) -> None:
    with pytest.raises(AssertionError):
        check(lambda case: planted(case, **{fault: True}))
