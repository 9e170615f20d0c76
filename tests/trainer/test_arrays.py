"""Training on an array is training on a store of the same rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longstride
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

Make = Callable[..., SeriesStore]
OPTIONS: dict[str, Any] = {
    "window": 8, "stride": 4, "batch_size": 16, "hidden": 4, "latent": 2, "max_steps": 3, "log_every": 1,
    "device": "cpu",
}  # fmt: skip


def losses(out: Path) -> list[float]:
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [value for line in lines for name, value in line.items() if "loss" in name]


@pytest.mark.parametrize("kind", ["array", "file", "described"])
def test_the_losses_are_those_of_a_store(
    kind: str, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    values = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    sources = {"array": values, "file": tmp_path / "a.npy", "described": longstride.from_array(values)}
    longstride.train(sources[kind], out=tmp_path / "run", **OPTIONS)
    longstride.train(make_store(tmp_path / "plant.zarr", values), out=tmp_path / "expected", **OPTIONS)
    assert len(losses(tmp_path / "run")) >= 3
    assert losses(tmp_path / "run") == losses(tmp_path / "expected")


def test_another_array_is_not_resumed(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
    longstride.train(values, out=tmp_path / "run", **OPTIONS)
    longstride.train(values, out=tmp_path / "run", resume=True, **{**OPTIONS, "max_steps": 5})
    with raises("run-differs", kind=longstride.RunError):
        longstride.train(values + 1, out=tmp_path / "run", resume=True, **{**OPTIONS, "max_steps": 6})
