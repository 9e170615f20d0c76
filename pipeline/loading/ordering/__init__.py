"""Which windows there are, and in which order an epoch serves them: pure arithmetic."""
