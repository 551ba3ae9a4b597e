"""The names of everything the system keeps in Redis. The Lua scripts get them as KEYS or build them from these prefixes."""

from typing import Final

QUEUE: Final = "celery"  # list: Celery's own task queue
UNACKED: Final = "unacked"  # hash: kombu's messages that a worker holds
PENDING: Final = "pending"  # sorted set: the journal, batch id -> Redis time (s) of its last sign of life
ATTEMPTS: Final = "attempts"  # hash: batch id -> how often a worker began it
HIGH: Final = "high"  # hash: stream of one of our agents -> next record number
ROWS: Final = "rows"  # list: result rows, bounded
DETECTIONS: Final = "detections"  # list: matches as JSON lines, only where asked for
DEAD: Final = "dead"  # hash: batch id -> payload that was given up
COUNTERS: Final = "counters"  # hash: repeat_executions, swept, rows_dropped, batches_analysed, records_analysed, ...
PROCESSES: Final = "processes"  # hash: a process's name -> Redis time (s) and its announcement (presence.py)
HARNESS: Final = "harness"  # who measures this system and takes the result rows, while it does

PAYLOAD: Final = b"b:"  # prefix: a batch's payload under its id
STAGED: Final = b"p:"  # prefix: a large payload between its store and ACCEPT, under its publisher's name and a number
SEEN: Final = "seen:"  # prefix: ids of other clients' chunks, with a time to live
GAPS: Final = "gaps:"  # prefix: hash a stream, record numbers below its high-water mark that never came: start -> end
PROBE: Final = "probe:"  # prefix: which worker took a probe task
