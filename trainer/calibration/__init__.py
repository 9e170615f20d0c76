"""What errors a model makes on normal rows: measured once, kept with the run."""
