"""Arrays that others made, served as they lie: no ingest, and no copy of memory that is there."""
