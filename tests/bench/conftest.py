"""What a micro-benchmark takes: `counted`, which runs a body over and over.

Here pytest-benchmark times it. `make bench-gate` counts its instructions instead: it calls the same test functions with a
`counted` of its own (experiments/instructions/counter.py), so their files import no pytest.
"""

from typing import Any

import pytest


@pytest.fixture
def counted(benchmark: Any) -> Any:
    """`counted(body)`: runs the body many times, and gives what it gave last."""
    return benchmark
