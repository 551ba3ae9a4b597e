"""`make bench-gate`: instruction counts of the micro-benchmarks, base against head: deterministic, while pairs decide."""
