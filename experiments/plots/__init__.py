"""Plots: each a plain function of a table and axes, one file and one line in the registry. One shared style (style.py)."""
