"""What the gateway counts. Counters only grow, but for `connections`, which says how many are open.

Reasons for closing a connection are one table by name: those of the wire (system.wire.messages.Refusal) and those here.
"""

import enum

import msgspec


class Close(enum.StrEnum):
    """Why the gateway closed a connection, or lost it, beside refusing its bytes. The values name counters."""

    TOO_MANY_CONNECTIONS = "too-many-connections"
    FRAME_DEADLINE = "frame-deadline"  # a message was begun and not ended in time
    UNREAD_ACKS = "unread-acks"  # the peer sends, and doesn't read its answers
    MEMORY = "half-frame-memory"  # unfinished messages alone fill the gateway's memory
    CONFLICT = "conflict"  # the batch claims records that we hold from another
    BROKER_UNAVAILABLE = "broker-unavailable"
    INCOMPLETE_FRAME = "incomplete-frame"  # the peer went away in the middle of a message


class GatewayStats(msgspec.Struct):
    """The gateway's counters, since it started.

    `frames` are messages and heartbeats, `received_bytes` everything read. `accepted`, `known` and `conflict` are
    batches by outcome, `unconfirmed` those of rounds that the broker didn't confirm, `unanswerable` those whose
    connection had gone when they were published. `rounds` are publish round trips, failed ones included; `holds` counts
    how often a connection's reading was stopped.

    Of the syslog listener: `lines` read, `lines_cut` those of them that aren't whole, `lines_empty` frames without a
    byte, dropped. Batches made of its lines count like others.
    """

    connections: int = 0
    connections_total: int = 0
    frames: int = 0
    received_bytes: int = 0
    batches: int = 0
    accepted: int = 0
    known: int = 0
    conflict: int = 0
    unconfirmed: int = 0
    unanswerable: int = 0
    rounds: int = 0
    holds: int = 0
    lines: int = 0
    lines_cut: int = 0
    lines_empty: int = 0
    closes: dict[str, int] = {}

    def closed(self, reason: str) -> None:
        """Counts one connection closed (or lost) for `reason`."""
        self.closes[reason] = self.closes.get(reason, 0) + 1
