"""Peers on the same machine with the same lines: what others generate, receive or analyse, beside what Caudal does."""
