"""From window starts to batches: rows are read and windows copied."""
