"""Models, the training loop and its runs."""
