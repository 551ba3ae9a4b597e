"""Estimates and decisions from numbers alone: intervals over trials and within one, steady state, comparisons of runs."""
