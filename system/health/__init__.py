"""Whether a part of a running system does its work, for healthchecks: each look takes the way that the work takes.

One file a part, because a healthcheck is a process of its own every few seconds: it loads no more than it needs.
"""


class UnhealthyError(Exception):
    """The part doesn't do its work; the message says what it didn't do."""
