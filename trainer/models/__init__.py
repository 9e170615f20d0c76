"""Models that take (B, K, N) and return (B, K, N)."""
