"""The arithmetic of the model: fp32, bf16 or fp16. Weights, loss and optimiser stay fp32."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from longstride.trainer.errors import SettingsError

__all__ = ["autocast", "check_precision", "make_scaler", "slow_precision"]

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
CPU_FLAGS = Path("/proc/cpuinfo")
"""What the processor can compute; bf16 is in names such as avx512_bf16 and amx_bf16."""


def check_precision(precision: str, device: torch.device) -> None:
    """Raise SettingsError where the device cannot train an LSTM in this precision."""
    if device.type == "cuda":
        return
    if precision == "fp16":
        raise SettingsError(
            "--precision fp16 needs a CUDA device: on the CPU give fp32 or bf16", code="option-value"
        )
    if precision == "bf16":
        try:
            with torch.no_grad(), autocast(precision, device):
                nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
        except RuntimeError as error:  # a processor without AVX-512
            raise SettingsError(
                "--precision bf16: this processor has no bf16 LSTM, give fp32", code="option-value"
            ) from error


def slow_precision(precision: str, device: torch.device, flags: Path = CPU_FLAGS) -> str | None:
    """Why another precision would be faster on this device, as far as the system tells."""
    if precision != "bf16" or device.type != "cpu" or not flags.exists() or "bf16" in flags.read_text():
        return None
    return (
        "--precision bf16: this processor has no instructions for it, so that a step takes about twice as long as "
        "with fp32"
    )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Let what runs inside compute in this precision."""
    dtype = AUTOCAST.get(precision)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)


def make_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Make the scaler that keeps small gradients above the smallest fp16; it does nothing with bf16 and fp32."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")
