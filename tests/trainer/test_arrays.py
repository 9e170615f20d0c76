"""Training on an array is training on a store of the same rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longstride
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

Make = Callable[..., SeriesStore]
OPTIONS: dict[str, Any] = {
    "window": 8, "stride": 4, "batch_size": 16, "hidden": 4, "latent": 2, "max_steps": 3, "log_every": 1,
    "device": "cpu",
}  # fmt: skip

PCA: dict[str, Any] = {"window": 8, "stride": 4, "batch_size": 16, "device": "cpu"}


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


@pytest.mark.parametrize("model", ["lstm", "pca"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "float16"])
def test_other_types_of_numbers(dtype: str, model: str, tmp_path: Path) -> None:
    """Whole numbers and halves train and score as the same numbers do in the floats that hold them."""
    values = np.random.default_rng(0).integers(0, 100, (400, 3)).astype(dtype)
    values[:, 2] = 7  # a channel that never changes
    if dtype in ("int32", "int64"):
        values[:, 1] += 1_000_000_000
    held = values.astype("float64" if values.dtype.itemsize > 2 else "float32")
    options = {**OPTIONS, "model": model} if model == "lstm" else {**PCA, "model": model}
    scored = []
    for name, source in (("run", values), ("expected", held)):
        longstride.train(source, out=tmp_path / name, **options)
        longstride.score(tmp_path / name, source, tmp_path / f"{name}.parquet", device="cpu")
        scored.append(pl.read_parquet(tmp_path / f"{name}.parquet"))
    assert losses(tmp_path / "run") == losses(tmp_path / "expected")
    assert scored[0].equals(scored[1], null_equal=True)
    assert scored[0]["score"].is_finite().all()


def test_another_array_is_not_resumed(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
    longstride.train(values, out=tmp_path / "run", **OPTIONS)
    longstride.train(values, out=tmp_path / "run", resume=True, **{**OPTIONS, "max_steps": 5})
    with raises("run-differs", kind=longstride.RunError):
        longstride.train(values + 1, out=tmp_path / "run", resume=True, **{**OPTIONS, "max_steps": 6})
