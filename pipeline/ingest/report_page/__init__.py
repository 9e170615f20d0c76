"""The report of an ingest as files next to the store."""
