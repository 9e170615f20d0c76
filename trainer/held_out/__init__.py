"""What a run trains on and what it holds out: rows, and batches of windows."""
