"""The instrument held against known answers: what `caudal selftest` runs."""
