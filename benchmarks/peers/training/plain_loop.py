"""Plain torch: a `Dataset` of windows, a `DataLoader`, and the loop of a tutorial."""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.training.autoencoders import autoencoder
from benchmarks.peers.training.window_datasets import batches_of

__all__ = ["DISTRIBUTION", "train"]

DISTRIBUTION = "torch"


def train(case: FitCase, pace: Callable[[], None]) -> None:
    """Epoch after epoch."""
    torch.manual_seed(case.seed)
    batches = batches_of(case)
    model = autoencoder(case)
    optimizer = torch.optim.Adam(model.parameters(), lr=case.learning_rate)
    loss_function = nn.MSELoss()
    while True:
        running_loss = 0.0
        for windows in batches:
            optimizer.zero_grad()
            loss = loss_function(model(windows), windows)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), case.clip_norm)
            optimizer.step()
            running_loss += loss.item()
            pace()
