"""Raw logs to a store."""
