"""Alternatives to parts of the system, for experiments that put the design on trial: small, honest, and never the default."""
