"""Draws: seeded values from raw generator words.

Expected values come from the generator's definition, from exact arithmetic and from the normal distribution's tables.
"""

import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest

from loadgen.model.draws import BLOCK_WORDS, Draws, weigh


def test_the_same_seed_and_purpose_give_the_same_values() -> None:
    first, second = Draws(7, "web", 3), Draws(7, "web", 3)
    assert [first.uniform() for _ in range(3000)] == [second.uniform() for _ in range(3000)]


@pytest.mark.parametrize("other", [(8, "web"), (7, "app"), (7, "web", 0), (7,), (7, "we", "b")])
def test_another_seed_or_purpose_gives_other_values(other: tuple[int | str, ...]) -> None:
    seed, *purpose = other
    assert Draws(7, "web").uniform() != Draws(int(seed), *purpose).uniform()


def test_a_purpose_tells_numbers_from_their_texts() -> None:
    assert Draws(7, 1).uniform() != Draws(7, "1").uniform()


def test_uniforms_are_the_words_upper_53_bits_in_the_order_drawn() -> None:
    words = Draws(1, "order").words(BLOCK_WORDS).tolist()
    draws = Draws(1, "order")
    assert [Fraction(draws.uniform()) for _ in range(BLOCK_WORDS)] == [Fraction(word >> 11, 1 << 53) for word in words]


def philox(key: int, counter: int) -> list[int]:
    """Philox4x64-10 from its definition (Salmon and others 2011, section 3.3), with Python's integers."""
    low = (1 << 64) - 1
    word = [counter & low, counter >> 64, 0, 0]
    keys = [key & low, key >> 64]
    for _ in range(10):
        one, two = 0xD2E7470EE14C6C93 * word[0], 0xCA5A826395121157 * word[2]
        word = [two >> 64 ^ word[1] ^ keys[0], two & low, one >> 64 ^ word[3] ^ keys[1], one & low]
        keys = [keys[0] + 0x9E3779B97F4A7C15 & low, keys[1] + 0xBB67AE8584CAA73B & low]
    return word


def test_the_words_are_those_of_philox_with_the_key_of_seed_and_purpose() -> None:
    key = hashlib.blake2b(b"(7, 'web', 3)", digest_size=16, person=b"caudal draws").digest()
    expected = philox(int.from_bytes(key, "little"), 1) + philox(int.from_bytes(key, "little"), 2)
    assert Draws(7, "web", 3).words(8).tolist() == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 1000, 2**31 - 1, 2**53])
def test_below_never_reaches_its_limit_even_for_the_largest_uniform(limit: int) -> None:
    draws = Draws(1)
    draws._units = [0.0, 1.0 - 2.0**-53]
    assert draws.below(limit) == limit - 1
    assert draws.below(limit) == 0


def test_between_gives_both_ends_and_nothing_beyond() -> None:
    draws = Draws(2, "between")
    assert {draws.between(3, 6) for _ in range(400)} == {3, 4, 5, 6}


def test_weighted_items_come_in_proportion_and_weightless_ones_never() -> None:
    draws = Draws(3, "weighted")
    items = weigh([("a", 3.0), ("never", 0.0), ("b", 1.0)])
    drawn = [draws.weighted(items) for _ in range(20_000)]
    assert set(drawn) == {"a", "b"}
    # 4 standard deviations of a share of 0.75 in 20,000 draws; the seed is fixed, so it can't fail by chance.
    assert drawn.count("a") / 20_000 == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / 20_000))


def test_the_largest_uniform_gives_the_last_weighted_item() -> None:
    draws = Draws(1)
    draws._units = [1.0 - 2.0**-53]
    assert draws.weighted(weigh([("a", 0.1), ("b", 0.2), ("last", 0.3)])) == "last"


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="the weight of 'b' must be a finite number >= 0"):
        weigh([("a", 1.0), ("b", weight)])


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one weight must be > 0"):
        weigh([("a", 0.0)])


def test_log_normals_have_the_quantiles_of_the_tables() -> None:
    draws = Draws(4, "log-normal")
    values = np.sort([draws.log_normal(5.0, 0.5) for _ in range(40_000)])
    # Normal deviates of the tables: 1.2816 for 10 % and 90 %, 2.3263 for 99 %; within 2 %, some 4 standard errors.
    for share, deviate in ((0.1, -1.2816), (0.5, 0.0), (0.9, 1.2816), (0.99, 2.3263)):
        assert values[int(share * 40_000)] == pytest.approx(math.exp(5.0 + 0.5 * deviate), rel=0.02)


def test_an_order_holds_each_place_once_and_differs_from_the_sorted_one() -> None:
    order = Draws(5, "order").order(1000).tolist()
    assert sorted(order) == list(range(1000))
    assert order != sorted(order)


def test_a_stream_is_that_of_philox_with_the_purposes_hash_as_its_key() -> None:
    digest = hashlib.blake2b(repr((7, "arrivals", 3)).encode(), digest_size=16, person=b"caudal draws").digest()
    expected = np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(1000)
    assert np.array_equal(Draws(7, "arrivals", 3).words(1000), expected)
