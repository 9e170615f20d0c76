"""Logs that tests write, and what becomes of them in an ingest."""
