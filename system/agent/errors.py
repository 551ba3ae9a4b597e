"""What can go wrong with an agent's input, as a person reads it."""


class SourceError(ValueError):
    """The input, or its position file, can't be used; the message says which, why, and what to do."""
