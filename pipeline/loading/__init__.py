"""A store to batches of windows (B, K, N)."""
