"""`make bench-gate`: instruction counts of the micro-benchmarks, base against head. Deterministic; it explains, pairs decide."""
