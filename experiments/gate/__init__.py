"""The gate: is this commit slower than that one? Pairs of slots in coin-drawn order, few looks, stated errors."""
