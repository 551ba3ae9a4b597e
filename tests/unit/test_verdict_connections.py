"""The end of a run tells what a connection takes of the gateway's memory, where there were enough to tell."""

from experiments.cli.verdict import LEAST_CONNECTIONS, connection_lines
from experiments.metrics.trial import summarise
from tests import made_trial


def lines(**cost: object) -> list[str]:
    trial = summarise(made_trial.trial().record, made_trial.trial().tables)
    trial.cost.update(cost)

    class Found:
        trials = (trial,)

    return connection_lines(Found())  # type: ignore[arg-type]


def test_the_memory_a_connection_takes_is_told_where_there_are_a_thousand() -> None:
    told = lines(connections=10_000, gateway_resident_bytes_per_connection=4321.0)
    assert told == ["trial 0: 10,000 connections, 4.3 kB of the gateway's memory each"]
    assert lines(connections=LEAST_CONNECTIONS - 1, gateway_resident_bytes_per_connection=4321.0) == []
    assert lines(connections=10_000, gateway_resident_bytes_per_connection=None) == []
