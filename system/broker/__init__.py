"""What gateway, workers and sweeper share on Redis: the Celery app, the publishers, the journal and the row format."""
