"""The schedule (loadgen/model/schedule.py) under its older name."""

from loadgen.model.schedule import Schedule, schedule

__all__ = ["Schedule", "schedule"]
