"""The Fluent Forward protocol v1, pure: bytes in, values out; no socket, no clock, no event loop.

Agents and the load generator write with `packing` and `chunk`; the gateway reads with `framing` (which uses `messages`)
and decodes no record; the workers find the text of the records with `records`.
"""
