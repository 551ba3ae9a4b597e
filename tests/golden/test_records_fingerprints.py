"""Golden fingerprints of rings: the same seed gives the same bytes and labels, today and after every upgrade.

A change here changes what every experiment with these seeds sends: it is a commit of its own, and published numbers
move. A failing test shows the new value.
"""

import pytest

from loadgen.model.records import Mix, synthetic

GOLDEN = [
    pytest.param(0, 16_384, 0.01, Mix(), "6c826dd7ae18438dffc380aa7aad93e4", id="the default ring"),
    pytest.param(2026, 4096, 0.5, Mix(), "8278a3f8c10f0dbef07cbc4b72037e18", id="half of it attacks"),
    pytest.param(1, 2048, 0.0, Mix(1.0, 0.0, 0.0), "edb1aa4b8521863cb2e0346fed3eec1c", id="web, no attacks"),
    pytest.param(1, 2048, 0.0, Mix(0.0, 1.0, 0.0), "37d0c15b681cf78a2577fc3317a529da", id="sshd, no attacks"),
    pytest.param(1, 2048, 0.0, Mix(0.0, 0.0, 1.0), "15a5a558919634fcb545409b4a964aa4", id="app, no attacks"),
    pytest.param(-1, 500, 1.0, Mix(0.4, 0.3, 0.3), "6e1098064d88dcdeb4a80fff73da6cb5", id="nothing but attacks"),
]


@pytest.mark.parametrize(("seed", "size", "attack_ratio", "mix", "fingerprint"), GOLDEN)
def test_a_ring_is_the_one_that_was_sent_before(
    seed: int, size: int, attack_ratio: float, mix: Mix, fingerprint: str
) -> None:
    assert synthetic(seed, size, attack_ratio, mix).fingerprint() == fingerprint
