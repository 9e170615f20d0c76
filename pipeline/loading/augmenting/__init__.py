"""Changing batches at random, the same way each time that a step is served."""
