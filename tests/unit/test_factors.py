"""Factors: which cells a sweep has, in which order, and what is refused."""

import pytest

from experiments.design.errors import ConfigError
from experiments.design.factors import MOST_CELLS, Factors, parse_factors


def cells(table: object) -> list[dict[str, object]]:
    return parse_factors(table, "x.toml").cells()


def refusal(table: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_factors(table, "x.toml").cells()
    return str(caught.value)


def test_without_factors_there_is_one_cell_without_levels() -> None:
    assert cells(None) == [{}]


def test_cells_are_the_cross_product_with_the_last_factor_varying_fastest() -> None:
    assert cells({"swarm.agents": [1, 2], "swarm.batch_size": [10, 20, 30]}) == [
        {"swarm.agents": 1, "swarm.batch_size": 10},
        {"swarm.agents": 1, "swarm.batch_size": 20},
        {"swarm.agents": 1, "swarm.batch_size": 30},
        {"swarm.agents": 2, "swarm.batch_size": 10},
        {"swarm.agents": 2, "swarm.batch_size": 20},
        {"swarm.agents": 2, "swarm.batch_size": 30},
    ]


def test_zipped_factors_move_together_and_cross_with_the_others() -> None:
    table = {
        "swarm.agents": [1, 2],
        "zip": [{"system.engine": ["re", "hyperscan"], "system.publisher": ["celery", "pipelined"]}],
    }
    assert [tuple(cell.values()) for cell in cells(table)] == [
        (1, "re", "celery"),
        (1, "hyperscan", "pipelined"),
        (2, "re", "celery"),
        (2, "hyperscan", "pipelined"),
    ]


def test_two_zips_cross_with_each_other() -> None:
    table = {"zip": [{"swarm.agents": [1, 2], "swarm.batch_size": [3, 4]}, {"system.coalesce": [1, 16]}]}
    assert [tuple(cell.values()) for cell in cells(table)] == [(1, 3, 1), (1, 3, 16), (2, 4, 1), (2, 4, 16)]


def test_a_dotted_key_without_quotes_means_the_same_as_with_them() -> None:
    assert cells({"swarm": {"batch_size": [1, 2]}}) == cells({"swarm.batch_size": [1, 2]})


def test_a_level_may_be_a_list_or_a_table() -> None:
    table = {"system.rules": [["builtin"], ["a.toml"]], "swarm.arrivals": [{"kind": "drain"}]}
    assert cells(table)[1] == {"system.rules": ["a.toml"], "swarm.arrivals": {"kind": "drain"}}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, ["[factors]", "empty table"]),
        (3, ["factors must be a table", "3"]),
        ({"swarm.agents": []}, ["swarm.agents", "list of levels", "[]"]),
        ({"swarm.agents": 5}, ["swarm.agents", "list of levels", "[5]"]),
        ({"swarm": {}}, ["swarm", "list of levels"]),
        ({"swarm.agents": [1, 1]}, ["swarm.agents", "1 twice"]),
        ({"zip": {"swarm.agents": [1]}}, ["[[factors.zip]]"]),
        ({"zip": [{}]}, ["[[factors.zip]]", "empty table"]),
        (
            {"zip": [{"swarm.agents": [1, 2], "swarm.batch_size": [3]}]},
            ["equally many", '"swarm.agents" has 2', '"swarm.batch_size" has 1'],
        ),
        ({"zip": [{"swarm.agents": [1, 1], "swarm.batch_size": [3, 3]}]}, ["[1, 3] twice"]),
        ({"swarm.agents": [1], "zip": [{"swarm.agents": [2]}]}, ["swarm.agents", "twice"]),
        ({"swarm.agents": [1], "swarm": {"agents": [2]}}, ["swarm.agents", "twice"]),
        ({"swarm.arrivals": [{}], "swarm.arrivals.rate_per_s": [1.0]}, ["swarm.arrivals.rate_per_s", "vary either"]),
        ({"experiment.seed": [1, 2]}, ["experiment.seed", "can't be varied"]),
        ({"swarm.agents": list(range(200)), "swarm.batch_size": list(range(200))}, [str(MOST_CELLS), "40000"]),
    ],
)
def test_an_impossible_sweep_is_refused_with_its_factor_and_remedy(table: object, words: list[str]) -> None:
    message = refusal(table)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_levels_of_another_type_are_other_levels() -> None:
    assert len(cells({"system.worker_cores": [1, "1", True, 1.0]})) == 4


def test_a_fixed_factor_keeps_its_name_and_has_one_level() -> None:
    factors = Factors(groups=({"swarm.agents": [1, 2]}, {"swarm.batch_size": [3, 4]}))
    assert factors.fixed("swarm.agents", 9).cells() == [
        {"swarm.agents": 9, "swarm.batch_size": 3},
        {"swarm.agents": 9, "swarm.batch_size": 4},
    ]


def test_rows_of_a_zip_that_a_fixed_level_makes_equal_are_one() -> None:
    factors = Factors(groups=({"system.engine": ["re", "hyperscan", "re"], "swarm.batch_size": [10, 10, 20]},))
    assert factors.fixed("system.engine", "re").cells() == [
        {"system.engine": "re", "swarm.batch_size": 10},
        {"system.engine": "re", "swarm.batch_size": 20},
    ]
