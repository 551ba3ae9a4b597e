"""From sealed records and tables to a run's summary: pure, and free of everything that runs."""
