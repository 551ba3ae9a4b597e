"""The asyncio TCP gateway: Forward protocol in, batches to a publisher, acks out once the broker holds them.

connection (bytes) -> session (envelopes) -> rounds (group commit) -> publisher; acks go back the same way. It never
looks into a record: its cost is per batch and per byte. `server` is what a process starts.
"""
