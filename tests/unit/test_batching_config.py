"""The config `batching`: each of its cells batches in a way of its own, so that each says something the others don't."""

from itertools import combinations

from experiments.cli.plan import predicted
from experiments.design.config import decode, load
from experiments.design.document import CONFIGS
from experiments.design.experiment import Experiment

#: Cells whose batches hold as many records, and whose records wait as long in the agent, within this share, are alike.
LEAST_DIFFERENCE = 0.05


def alike(experiment: Experiment) -> list[tuple[int, int]]:
    """The pairs of cells that differ in neither."""
    figures = []
    for one in predicted(experiment, None):
        assert one.mix is not None
        assert one.mix.records_per_batch is not None
        assert one.mix.batch_wait_mean_s is not None
        figures.append((one.mix.records_per_batch, one.mix.batch_wait_mean_s))
    return [
        (first, second)
        for (first, left), (second, right) in combinations(enumerate(figures), 2)
        if all(abs(a - b) <= LEAST_DIFFERENCE * max(a, b) for a, b in zip(left, right, strict=True))
    ]


def test_no_two_cells_are_alike() -> None:
    experiment = load("batching")
    assert len(experiment.cells) == 9
    assert alike(experiment) == []


def test_with_one_rate_for_all_agents_most_of_them_were() -> None:
    text = (CONFIGS / "batching.toml").read_text()
    begin, end = text.index("[swarm.arrivals]"), text.index("[swarm.records]")
    one_rate = text[:begin] + '[swarm.arrivals]\nkind = "poisson"\nrate_per_s = 1000.0\n' + text[end:]
    experiment = decode(one_rate, source="test", folder=CONFIGS)
    assert alike(experiment) == [(0, 1), (0, 2), (1, 2), (3, 6), (4, 5)]
