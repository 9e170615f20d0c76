"""The LSTM autoencoder: a window is compressed to one latent vector and reconstructed from it."""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LSTMAutoencoder"]

EXTRA_STATE = "_extra_state"
"""The key that torch gives to what `get_extra_state` returns."""


class LSTMAutoencoder(nn.Module):
    """Encoder LSTM, latent vector, decoder LSTM. Takes (B, K, N) and returns (B, K, N), or (B, K, `outputs`).

    The decoder goes from the newest row to the oldest. Where rows are scored as they come, the newest ones are all
    that is asked for, and they take as few steps as there are such rows. Source: Malhotra et al., "LSTM-based
    encoder-decoder for multi-sensor anomaly detection" (2016).

    With `batch_first=False` both are (K, B, N), as in `torch.nn.LSTM`; the weights have the same meaning.
    """

    def __init__(
        self,
        num_channels: int,
        *,
        hidden: int,
        latent: int,
        layers: int = 1,
        outputs: int | None = None,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        self.time_axis = 1 if batch_first else 0
        self.encoder = nn.LSTM(num_channels, hidden, layers, batch_first=batch_first)
        self.to_latent = nn.Linear(hidden, latent)
        self.decoder = nn.LSTM(latent, hidden, layers, batch_first=batch_first)
        self.to_channels = nn.Linear(hidden, outputs or num_channels)
        self.newest_first = True
        """The order in which the weights of the decoder were trained; kept with them. Older ones say nothing: they
        were trained from the oldest row on."""
        self.register_load_state_dict_pre_hook(_add_order)  # type: ignore[no-untyped-call]

    def encode(self, windows: Tensor) -> Tensor:
        """Compress windows (B, K, N) to latents (B, latent)."""
        _, (h_n, _) = self.encoder(windows)
        latent: Tensor = self.to_latent(h_n[-1])  # h_n is (layers, B, H) whatever batch_first says
        return latent

    def decode(self, latent: Tensor, num_rows: int) -> Tensor:
        """Reconstruct the rows (B, num_rows, N) that the decoder comes to first, from latents (B, latent)."""
        # The decoder sees the latent of a window at each of its rows. A new axis of time is added and expanded:
        # repeating along an axis that exists already would mix the windows of a batch.
        shape = [-1, -1, -1]
        shape[self.time_axis] = num_rows
        states, _ = self.decoder(latent.unsqueeze(self.time_axis).expand(shape))
        rows: Tensor = self.to_channels(states)
        return rows.flip(self.time_axis) if self.newest_first else rows

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruct windows."""
        return self.decode(self.encode(windows), windows.shape[self.time_axis])

    def last_rows(self, windows: Tensor, number: int) -> Tensor:
        """Reconstruct the last rows (B, number, N) of windows (B, K, N), as `forward` does."""
        num_rows = windows.shape[self.time_axis]
        if self.newest_first:
            return self.decode(self.encode(windows), number)
        found: Tensor = self(windows).narrow(self.time_axis, num_rows - number, number)
        return found

    def get_extra_state(self) -> Tensor:
        """The order of the decoder, for `state_dict`."""
        return torch.tensor(self.newest_first)

    def set_extra_state(self, state: Any) -> None:
        """Take the order of the weights. Raises ValueError for what is not one."""
        if not isinstance(state, Tensor) or state.dtype != torch.bool or state.numel() != 1:
            raise ValueError("the state does not say in which order the decoder takes rows")
        self.newest_first = bool(state)


def _add_order(module: nn.Module, state: dict[str, Any], prefix: str, *rest: object) -> None:
    state.setdefault(prefix + EXTRA_STATE, torch.tensor(False))
