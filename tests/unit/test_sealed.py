"""A sealed result of every schema version is read: the same account and the same figures as when it was sealed.

A new version gets a tiny run of its own in tests/data/sealed, without logs and figures; the old ones stay as they are.
"""

import json
from pathlib import Path

import msgspec
import pytest

from experiments.analysis.summary import summary
from experiments.metrics.schedule import redrawn
from experiments.metrics.trial import summarise
from experiments.store.record import SCHEMA_VERSION
from experiments.store.run import RunFolder

SEALED = Path(__file__).parents[1] / "data" / "sealed"
VERSIONS = range(1, SCHEMA_VERSION + 1)

#: What no later version may tell otherwise of the same raw data. (The offered load is: since version 2 it counts arrivals, no
#: more the batches that were cut.)
LASTING = (
    "cell", "replicate", "seed", "valid", "outcome", "ledger", "detections", "carried_records_per_s",
    "carried_bytes_per_s",
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sealed_result_of_each_schema_version_says_what_it_said(version: int) -> None:
    run = RunFolder.open(SEALED / f"v{version}")
    assert run.manifest["schema_version"] == version
    then = json.loads((run.path / "summary.json").read_bytes())
    now = msgspec.to_builtins(summary(run))
    assert (now["verdict"], now["complete"], len(now["trials"])) == ("valid", True, 2)
    for old, new in zip(then["trials"], now["trials"], strict=True):
        assert {name: new[name] for name in LASTING} == {name: old[name] for name in LASTING}
        assert new["response_time_s"]["max"] == old["response_time_s"]["max"]
        assert new["ledger"]["analysed"] > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_its_schedule_draws_again_as_it_was_sealed_and_another_is_refused(version: int) -> None:
    run = RunFolder.open(SEALED / f"v{version}")
    for record in run.records():
        assert redrawn(record.load, record.seed).fingerprint() == record.load.fingerprint
        other = msgspec.structs.replace(record, seed=record.seed + 1)
        found = summarise(other, run.tables(record))
        assert not found.valid
        assert found.reasons[0].startswith("schedule: the seeds give ")
        assert found.response_time_s.count == 0
