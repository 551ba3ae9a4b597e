"""Deployments: how the system under test and the harness's own processes are started, placed and ended."""
