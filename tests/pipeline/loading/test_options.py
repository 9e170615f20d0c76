"""What a batch may hold: some channels, targets, a horizon, windows of several stores, only some windows."""

import inspect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longstride import WindowDataset, WindowLoader, split_by_time
from longstride.pipeline.loading.options import DatasetOptions, LoaderOptions
from longstride.storage.cli.flags import field_docs
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.paths import ROOT
from tests.helpers.stores.store_of import StoreOf

Make = Callable[..., SeriesStore]


@pytest.fixture
def plant(make_store: Make, tmp_path: Path) -> SeriesStore:
    """Three channels, one of them with missing values, a label, two segments."""
    random = np.random.default_rng(3)
    values = random.standard_normal((2000, 3)).astype(np.float32)
    values[500:620, 1] = np.nan
    labels = np.zeros((2000, 2), np.int8)
    labels[900:910, 1] = 1
    labels[::2, 0] = 1
    return make_store(
        tmp_path / "plant",
        values,
        channels=("speed", "load", "heat"),
        labels=labels,
        label_names=("odd", "fault"),
        segments=[(0, 800, 0), (800, 2000, 0)],
    )


def starts_of(loader: WindowLoader) -> list[int]:
    return [int(start) for batch in loader for start in batch.start if start >= 0]


@pytest.mark.parametrize(("taker", "options"), [(WindowDataset, DatasetOptions), (WindowLoader, LoaderOptions)])
def test_signature_help_and_options_agree(taker: type, options: type) -> None:
    store, *shown = inspect.signature(taker).parameters.values()
    if taker is WindowLoader:
        assert shown.pop().kind is inspect.Parameter.VAR_KEYWORD  # options of torch's DataLoader
    assert store.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert [(one.name, one.default) for one in shown] == [
        (field.name, inspect.Parameter.empty if field.default is MISSING else field.default)
        for field in fields(options)[1:]
    ]
    assert {one.kind for one in shown} == {inspect.Parameter.KEYWORD_ONLY}
    assert "split: Split | Sequence[Split] | None = None" in str(inspect.signature(taker))
    text = " ".join(inspect.getdoc(taker.__init__).split())
    for name, meaning in field_docs(options).items():
        assert f"{name} " in text
        assert meaning in text


def test_the_docstring_groups_every_option() -> None:
    groups = re.findall(r"^- .*: (.*)$", inspect.getdoc(WindowLoader), re.MULTILINE)
    names = [name for group in groups for name in group.split(", ")]
    assert names == [field.name for field in fields(LoaderOptions)[1:]]


def test_the_page_has_every_option() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", (ROOT / "docs/loading.md").read_text(), re.MULTILINE)
    docs = field_docs(LoaderOptions)
    assert rows == [
        (field.name, "required" if field.default is MISSING else f"`{field.default!r}`", docs[field.name])
        for field in fields(LoaderOptions)[1:]
    ]


@pytest.mark.parametrize("shuffle", [True, False])
def test_channels_and_targets_with_a_horizon(plant: SeriesStore, shuffle: bool) -> None:
    loader = WindowLoader(
        plant,
        window=12,
        horizon=4,
        stride=5,
        batch_size=32,
        shuffle=shuffle,
        channels=["heat", "speed"],
        targets=["load"],
    )
    for batch in loader:
        assert batch.values.shape == (32, 12, 2)
        assert batch.target is not None
        assert batch.target_mask is not None
        assert batch.target.shape == batch.target_mask.shape == (32, 4, 1)
        for window, target, mask, start in zip(
            batch.values, batch.target, batch.target_mask, batch.start.tolist(), strict=True
        ):
            if start < 0:
                assert not mask.any()
                continue
            expected = plant.values[start + 12 : start + 16, 1:2]
            assert np.array_equal(window, plant.values[start : start + 12][:, [2, 0]])
            assert np.array_equal(target, expected, equal_nan=True)
            assert np.array_equal(mask, ~np.isnan(expected))


def test_targets_without_a_horizon_are_of_the_same_rows(plant: SeriesStore) -> None:
    batch = next(iter(WindowLoader(plant, window=12, batch_size=8, channels=["speed"], targets=["heat"])))
    assert batch.target is not None
    for target, start in zip(batch.target, batch.start.tolist(), strict=True):
        assert np.array_equal(target, plant.values[start : start + 12, 2:])


def test_a_horizon_alone_predicts_all_channels(plant: SeriesStore) -> None:
    loader = WindowLoader(plant, window=12, horizon=3, batch_size=8)
    batch = next(iter(loader))
    assert batch.target is not None
    assert batch.target.shape == (8, 3, 3)
    assert WindowLoader(plant, window=12, batch_size=8).dataset.collection.targets == ()


def test_training_on_normal_rows_alone(plant: SeriesStore) -> None:
    loader = WindowLoader(plant, window=16, stride=3, batch_size=10, without_labels=["fault"], shuffle=False)
    starts = starts_of(loader)
    everything = starts_of(WindowLoader(plant, window=16, stride=3, batch_size=10, shuffle=False))
    assert starts == [start for start in everything if start + 16 <= 900 or start >= 910]
    assert loader.num_skipped == len(everything) - len(starts) > 0


def test_windows_with_too_much_missing_are_skipped(plant: SeriesStore) -> None:
    loader = WindowLoader(plant, window=16, batch_size=8, max_missing=0.1)
    served = starts_of(loader)
    assert loader.num_skipped == 120 - 4 + 16 - 5
    for start in served:
        assert np.isnan(plant.values[start : start + 16]).mean() <= 0.1
    complete = WindowLoader(plant, window=16, batch_size=8, max_missing=0.1, channels=["speed", "heat"])
    assert complete.num_skipped == 0
    assert next(iter(complete)).mask is None


def test_an_epoch_of_some_windows_takes_the_next_ones_each_time(plant: SeriesStore) -> None:
    loader = WindowLoader(plant, window=16, batch_size=8, windows_per_epoch=400)
    assert len(loader) == 50
    served = [starts_of(loader) for _ in range(4)]
    assert loader.num_windows == 1970
    assert [len(starts) for starts in served] == [400] * 4
    assert len({start for starts in served for start in starts}) == 1600


def test_several_stores_are_served_whole(plant: SeriesStore, make_store: Make, tmp_path: Path) -> None:
    # Other channels beside them, and in another order.
    other = make_store(tmp_path / "other", rows=700, channels=("heat", "wind", "speed"), seed=9)
    stores = [plant, other]
    for shuffle in (True, False):
        served: Counter[tuple[int, int]] = Counter()
        for rank in range(2):
            loader = WindowLoader(
                stores,
                window=16,
                stride=2,
                batch_size=40,
                channels=["speed", "heat"],
                shuffle=shuffle,
                rank=rank,
                world_size=2,
            )
            for batch in loader:
                assert batch.store is not None
                for window, number, start in zip(batch.values, batch.store, batch.start.tolist(), strict=True):
                    if start >= 0:
                        store = stores[number]
                        columns = [store.channels.index(name) for name in ("speed", "heat")]
                        assert np.array_equal(window, store.values[start : start + 16][:, columns])
                        served[int(number), start] += 1
        assert set(served.values()) == {1}
        assert len(served) == loader.num_windows - loader.num_dropped


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_store_too_short_for_a_window_is_no_obstacle(
    plant: SeriesStore, make_store: Make, tmp_path: Path, device: str | None
) -> None:
    short = make_store(tmp_path / "short", rows=10, channels=plant.channels)
    loader = WindowLoader([short, plant], window=16, horizon=2, batch_size=8, device=device)
    assert {int(number) for batch in loader if batch.store is not None for number in batch.store} == {1}


def test_weights_are_the_shares_of_the_stores(plant: SeriesStore, make_store: Make, tmp_path: Path) -> None:
    other = make_store(tmp_path / "other", rows=215, channels=plant.channels)
    loader = WindowLoader([plant, other], window=16, batch_size=20, weights=[1, 3], windows_per_epoch=1600)
    counts = torch.zeros(2, dtype=torch.int64)
    repeated: Counter[int] = Counter()
    for batch in loader:
        assert batch.store is not None
        counts += torch.bincount(batch.store, minlength=2)
        repeated.update(batch.start[batch.store == 1].tolist())
    assert counts.tolist() == [400, 1200]
    assert set(repeated.values()) == {6}


def test_a_split_for_each_store(store_of: StoreOf) -> None:
    stores = [store_of(np.zeros((rows, 1), np.float32)) for rows in (1000, 500)]
    splits = [split_by_time(store, window=8).train for store in stores]
    loader = WindowLoader(stores, window=8, batch_size=10, split=splits)
    assert loader.num_windows == 800 - 7 + 400 - 7
    with raises("option-value", "1 split", "2 stores"):
        WindowLoader(stores, window=8, batch_size=10, split=splits[0])


@pytest.mark.parametrize(
    ("options", "code", "facts"),
    [
        ({"channels": ["speed", "wind"]}, "column-missing", ["'wind'", "speed, load, heat"]),
        ({"targets": ["wind"]}, "column-missing", ["'wind'"]),
        ({"without_labels": ["broken"]}, "column-missing", ["'broken'", "odd, fault"]),
        ({"without_labels": ["odd"]}, "too-few-windows", ["1,970"]),
        ({"windows_per_epoch": 4}, "too-few-windows", [4, 8]),
        ({"windows_per_epoch": 5000}, "option-value", [5000, "1,970"]),
        ({"windows_per_epoch": 100, "shuffle": False}, "option-value", ["shuffle=True"]),
        ({"channels": []}, "option-value", ["channels"]),
        ({"weights": [1, 2]}, "option-value", ["weights=[1.0, 2.0]", "1 store"]),
        ({"weights": [-1]}, "option-value", ["weights=[-1.0]"]),
        ({"weights": [0]}, "option-value", ["weights=[0.0]"]),
        ({"max_missing": 1.5}, "option-value", ["max_missing=1.5"]),
        ({"transform": torch.nan_to_num}, "option-value", ["transform", "device='cpu'"]),
    ],
)
def test_options_that_do_not_fit_are_refused(
    plant: SeriesStore, options: dict[str, Any], code: str, facts: list[object]
) -> None:
    with raises(code, *facts):
        WindowLoader(plant, **{"window": 16, "batch_size": 8, **options})


def test_stores_that_do_not_go_together_are_refused(plant: SeriesStore, make_store: Make, tmp_path: Path) -> None:
    double = make_store(tmp_path / "double", channels=plant.channels, dtype="float64")
    with raises("stores-differ", "float32", "float64"):
        WindowLoader([plant, double], window=16, batch_size=8)
    with raises("option-value"):
        WindowLoader([], window=16, batch_size=8)
    short = make_store(tmp_path / "short", rows=10, channels=plant.channels)
    with raises("option-value", "weight"):
        WindowLoader([plant, short], window=16, batch_size=8, weights=[1, 1])
