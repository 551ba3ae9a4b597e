"""The time that a message under way may take, on a clock that stands still while the gateway itself doesn't read.

The deadline is the message's, not the read's, so that a peer that sends a byte now and then (slow loris) is closed on
time.
"""


class Deadline:
    """When the message under way began, and whether it takes too long."""

    def __init__(self, deadline_s: float) -> None:
        """`deadline_s`: longest time from a message's first byte to its last."""
        self._deadline_ns = round(deadline_s * 1e9)
        self._began_mono_ns: int | None = None
        self._held_since_mono_ns: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no message is under way."""
        return self._began_mono_ns is None

    def progress(self, now_mono_ns: int, *, between: bool, ended: bool) -> None:
        """After a read: whether the stream stands between messages, and whether the read ended one."""
        if between:
            self._began_mono_ns = None
        elif self._began_mono_ns is None or ended:
            self._began_mono_ns = now_mono_ns

    def forget(self) -> None:
        """Nothing is under way any more."""
        self._began_mono_ns = None

    def hold(self, now_mono_ns: int) -> None:
        """The gateway stops reading: from here on the peer can't be late."""
        self._held_since_mono_ns = now_mono_ns

    def unhold(self, now_mono_ns: int) -> None:
        """The gateway reads again."""
        if self._held_since_mono_ns is not None and self._began_mono_ns is not None:
            self._began_mono_ns += now_mono_ns - self._held_since_mono_ns
        self._held_since_mono_ns = None

    def is_overdue(self, now_mono_ns: int) -> bool:
        """Whether the message under way has passed its deadline."""
        if self._began_mono_ns is None or self._held_since_mono_ns is not None:
            return False
        return now_mono_ns - self._began_mono_ns > self._deadline_ns
