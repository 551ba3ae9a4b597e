"""The gate's own error rates, live: verdicts whose truth is known, their raw slots kept, and what they say together."""
