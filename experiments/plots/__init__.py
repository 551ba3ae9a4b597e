"""Plots: each a plain function of a summary and axes. One shared style (style.py)."""
