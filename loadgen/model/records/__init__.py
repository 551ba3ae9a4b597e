"""Records: the lines that the swarm sends, drawn (`synthetic`) or read (`from_files`), with the truth about them.

Flow: configuration -> a Ring of lines and labels -> batches, and the oracle of `loadgen.model.truth`.
"""

from loadgen.model.records.files import from_files
from loadgen.model.records.ring import SIZE_RECORDS, Labels, Mix, Ring, synthetic

__all__ = ["SIZE_RECORDS", "Labels", "Mix", "Ring", "from_files", "synthetic"]
