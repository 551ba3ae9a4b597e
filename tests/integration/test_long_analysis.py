"""The analysis of a trial holds what its batches need, and nothing for each of its records."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadgen.model.arrivals.process import Stream
from tests import made_long

pytestmark = pytest.mark.integration

#: What a batch of 1,000 records with some 20 hits may take: its rows, their sorted copies and joins. One column of its
#: records alone would be 8,000.
BYTES_A_BATCH = 3000


def analysed(folder: Path, records: int, *, whole_arrivals: bool = False) -> dict[str, Any]:
    """What the analysis of a made-up trial says, in a process of its own."""
    run = folder / f"{records}"
    if not run.exists():
        made_long.make(run, records)
    plant = "from tests.integration.test_long_analysis import hold_whole; hold_whole(); " if whole_arrivals else ""
    code = f"{plant}import sys, msgspec; from pathlib import Path; from tests.made_long import analyse; " \
        "sys.stdout.buffer.write(msgspec.json.encode(analyse(Path(sys.argv[1]))))"  # fmt: skip
    said = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, check=True, timeout=300)
    found: dict[str, Any] = msgspec.json.decode(said.stdout)
    assert found["reasons"] == ""
    assert found["records"] == found["in_histogram"] == pytest.approx(records, rel=0.01)
    return found


def hold_whole() -> None:
    """The plant: arrivals are drawn whole and kept, as an analysis in memory does."""
    kept = []

    def whole(self: Stream) -> Any:
        kept.append(self.process.draw(self.seed, self.agent, self.horizon_ns))
        return iter([kept[-1]])

    Stream.__iter__ = whole  # type: ignore[method-assign]


def grown_bytes(small: dict[str, Any], large: dict[str, Any]) -> int:
    """What the longer trial took more, a batch more."""
    return (large["peak_bytes"] - small["peak_bytes"]) // ((large["records"] - small["records"]) // made_long.BATCH)


def test_the_memory_of_an_analysis_grows_with_batches_and_not_with_records(tmp_path: Path) -> None:
    small, large = (analysed(tmp_path, records) for records in (2_000_000, 6_000_000))
    assert grown_bytes(small, large) < BYTES_A_BATCH
    planted = analysed(tmp_path, 6_000_000, whole_arrivals=True)
    assert grown_bytes(small, planted) > 2 * BYTES_A_BATCH


@pytest.mark.long
def test_a_trial_of_a_hundred_million_records_is_analysed_within_two_gigabytes(tmp_path: Path) -> None:
    found = analysed(tmp_path, 100_000_000)
    print(
        f"100 million records: {found['cpu_seconds']:.1f} CPU s, {found['seconds']:.1f} s, "
        f"{found['peak_bytes'] / 1e6:.0f} MB at the most"
    )
    assert found["peak_bytes"] < 2e9
