"""Fixtures that start real parts: a broker for a test module, empty for each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from experiments.deploy import broker as brokers

# A deadline in wall-clock time fails on a busy machine, whatever the code does.
# Everybody's examples are the same, or a change would be stopped by what it didn't touch: `make test-long` draws others.
settings.register_profile("caudal", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("caudal")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Broker]:
    """The embedded server, one a test process."""
    folder: Path = tmp_path_factory.mktemp("broker")
    started = brokers.start(folder, named=None, url=None, cpus=())
    yield started
    started.stop()


@pytest.fixture
def redis(broker: brokers.Broker) -> Iterator[Any]:
    """A client of the broker, whose database is empty at each test's start."""
    client = broker.client()
    client.flushall()
    yield client
    client.close()
