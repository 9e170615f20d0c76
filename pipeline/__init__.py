"""Raw logs to a store (`pipeline.ingest`), and a store to batches (`pipeline.loading`); they meet in the store."""
