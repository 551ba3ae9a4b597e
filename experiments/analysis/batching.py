"""A cell's batching: what was predicted beside what its valid trials measured, each figure with its interval."""

from collections.abc import Sequence

import msgspec

from experiments.metrics.batching import prediction
from experiments.stats.estimate import Estimate, estimate
from experiments.store.record import TrialRecord
from loadgen.model.flush_mix import FlushMix


class MeasuredMix(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a `FlushMix`, over trials."""

    by_size_ratio: Estimate
    by_timeout_ratio: Estimate
    by_close_ratio: Estimate
    records_per_batch: Estimate
    batch_wait_mean_s: Estimate
    batch_wait_p50_s: Estimate
    batch_wait_p99_s: Estimate


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """`predicted` is None where no trial gave its load, and where no batch is to be expected."""

    predicted: FlushMix | None
    measured: MeasuredMix


def batching(records: Sequence[TrialRecord], measured: Sequence[FlushMix]) -> Batching:
    """Prediction and measurement of one cell.

    Args:
        records: its trials'; the load is the same in all but for the seed, which no prediction knows.
        measured: the mixes of its valid trials.
    """
    known = next((one for one in records if one.failure is None), None)
    return Batching(
        predicted=None if known is None else prediction(known),
        measured=MeasuredMix(
            **{
                name: estimate([value for one in measured if (value := getattr(one, name)) is not None])
                for name in MeasuredMix.__struct_fields__
            }
        ),
    )
