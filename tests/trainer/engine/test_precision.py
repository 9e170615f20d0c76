"""The arithmetic of the model: what is told of a processor that is slow in it."""

from contextlib import suppress
from pathlib import Path

import pytest
import torch

import longstride
from longstride.trainer.engine.precision import slow_precision
from longstride.trainer.errors import SettingsError
from tests.helpers.runs.training import SIZES, waves

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "is_told"), [("avx512f avx512_vnni", True), ("avx512f avx512_bf16", False), ("asimd bf16", False)]
)
def test_a_processor_without_bf16(tmp_path: Path, flags: str, is_told: bool) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"flags : fpu {flags}\n")
    assert bool(slow_precision("bf16", CPU, told)) == is_told
    assert slow_precision("fp32", CPU, told) is None
    assert slow_precision("bf16", torch.device("cuda"), told) is None
    assert slow_precision("bf16", CPU, tmp_path / "missing") is None


def test_a_run_tells_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with suppress(SettingsError):  # a processor without bf16 at all
        longstride.train(waves(600, 3), tmp_path / "run", **SIZES, precision="bf16", device="cpu", max_steps=1)
    assert ("a step takes about twice as long" in caplog.text) == bool(slow_precision("bf16", CPU))
