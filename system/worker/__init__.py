"""The Celery prefork workers: fetch a batch, scan its records, write its result row."""
