"""Which waiting batches one task names: as many as there are, up to a number and up to a weight.

The number makes tasks of many small batches (a Celery node takes about 900 tasks a second, whatever is in them); the weight
keeps large ones from going to one worker all together while others idle.
"""

from collections.abc import Iterator, Sequence

from system.broker.batch import Batch


def groups(batches: Sequence[Batch], most: int, most_bytes: int) -> Iterator[Sequence[Batch]]:
    """Gives all batches in order, at least one a group, and no group past `most` batches or `most_bytes` but by its first."""
    begin = 0
    held_bytes = 0
    for at, batch in enumerate(batches):
        held_bytes += len(batch.packed)
        if at > begin and (at - begin == most or held_bytes > most_bytes):
            yield batches[begin:at]
            begin, held_bytes = at, len(batch.packed)
    if batches:
        yield batches[begin:]
