"""Raw logs to a store (`longstride.pipeline.ingest`), and a store to batches (`longstride.pipeline.loading`)."""
