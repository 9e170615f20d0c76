"""Models, the training loop and its runs: `torchrun -m trainer`."""
