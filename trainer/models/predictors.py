"""Models that predict something else than the window itself: rows that come after it, or its labels.

Each is an encoder, from windows (B, K, N) to features (B, F), and a linear layer from those to what is asked for.
"""

import math

import torch
from torch import Tensor, nn

from longstride.trainer.models.shape import Shape

__all__ = ["CNNEncoder", "LSTMEncoder", "Predictor"]

POOLED_ROWS = 2
KERNEL_ROWS = 3


class Predictor(nn.Module):
    """Takes windows (B, K, N) and returns (B, *output)."""

    def __init__(self, encoder: nn.Module, num_features: int, shape: Shape) -> None:
        super().__init__()
        self.encoder = encoder
        self.readout = nn.Linear(num_features, math.prod(shape.output))
        self.output = shape.output

    def forward(self, windows: Tensor) -> Tensor:
        """Predict."""
        predicted: Tensor = self.readout(self.encoder(windows)).unflatten(1, self.output)
        return predicted


class LSTMEncoder(nn.Module):
    """What an LSTM knows at the end of a window (B, H), as in Malhotra, Vig, Shroff and Agarwal, "Long short term
    memory networks for anomaly detection in time series" (ESANN 2015)."""

    def __init__(self, num_channels: int, *, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(num_channels, hidden, layers, batch_first=True)

    def forward(self, windows: Tensor) -> Tensor:
        """The last state of the last layer."""
        _, (h_n, _) = self.lstm(windows)
        last: Tensor = h_n[-1]
        return last


class CNNEncoder(nn.Module):
    """Convolutions that shorten a window by half each, (B, F), as in Munir, Siddiqui, Dengel and Ahmed, "DeepAnT"
    (IEEE Access 7, 2019)."""

    def __init__(self, num_channels: int, *, window: int, hidden: int, layers: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        maps, rows = num_channels, window
        for _ in range(layers + 1):
            blocks += [nn.Conv1d(maps, hidden, KERNEL_ROWS, padding=KERNEL_ROWS // 2), nn.ReLU()]
            maps = hidden
            if rows >= POOLED_ROWS:
                blocks.append(nn.MaxPool1d(POOLED_ROWS))
                rows //= POOLED_ROWS
        self.blocks = nn.Sequential(*blocks)
        self.num_features = maps * rows

    def forward(self, windows: Tensor) -> Tensor:
        """Features of all rows that are left."""
        return torch.flatten(self.blocks(windows.transpose(1, 2)), 1)
