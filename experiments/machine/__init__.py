"""This machine: what it is, what on it would spoil a measurement, and how fast it generates and scans."""
