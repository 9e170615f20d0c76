import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import longstride
from longstride import WindowLoader, from_array
from longstride.storage.arrays.data import ArrayData
from tests.helpers.errors import raises

OPTIONS: dict[str, Any] = {"window": 8, "batch_size": 48, "seed": 3}


def flagged(rows: int = 20_000) -> ArrayData:
    """Two labels: one in about 1% of the windows, the other in fewer, some of them the same."""
    values = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    labels = np.zeros((rows, 2), np.int8)
    labels[np.arange(500, rows, 2000), 0] = 1
    labels[np.arange(503, rows, 6000), 1] = 2
    return from_array(
        values, labels={"fault": labels[:, 0], "odd": labels[:, 1]}, series=[rows // 3, rows - rows // 3]
    )


def kinds(data: ArrayData, starts: NDArray[np.int64], span: int = 8) -> NDArray[np.int64]:
    """0 without a label, 1 with a fault, 2 odd and no fault."""
    assert data.labels is not None
    rows = np.lib.stride_tricks.sliding_window_view(data.labels != 0, span, axis=0).any(axis=2)
    fault, odd = rows[starts].transpose(2, 0, 1) if starts.ndim > 1 else rows[starts].T
    return np.where(fault, 1, np.where(odd, 2, 0))


def starts_of(loader: WindowLoader) -> NDArray[np.int64]:
    return np.array([batch.start.numpy().copy() for batch in loader])


def test_shares_of_labels() -> None:
    data = flagged()
    loader = WindowLoader(data, balance={"fault": 0.3, "odd": 0.1}, **OPTIONS)
    starts = starts_of(loader)
    found = kinds(data, starts)
    for kind, share in ((0, 0.6), (1, 0.3), (2, 0.1)):
        per_batch = (found == kind).sum(axis=1)
        assert np.abs(per_batch - share * 48).max() < 1
        assert (found == kind).mean() == pytest.approx(share, rel=0.005)
    for batch in WindowLoader(data, balance={"fault": 0.3, "odd": 0.1}, **OPTIONS):
        assert np.array_equal(batch.values[:, 0, 0].numpy(), 2 * batch.start.numpy())
        break
    every = np.arange(20_000 - 7)
    every = every[(every + 8 <= 6666) | (every >= 6666)]  # within a series
    assert np.array_equal(np.unique(starts[found == 1]), every[kinds(data, every) == 1])


def test_names_of_labels_share_equally() -> None:
    data = flagged()
    for balance in ("fault", ["fault"], ["fault", "fault"], {"fault": 0.5}):
        loader = WindowLoader(data, balance=balance, windows_per_epoch=960, horizon=2, **OPTIONS)
        starts = starts_of(loader)
        assert starts.shape == (20, 48)
        assert ((kinds(data, starts, 10) == 1).sum(axis=1) == 24).all()


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("balance", [{"fault": 0.25}, "weights"])
def test_one_digest_for_all_ranks_and_workers(balance: Any, replacement: bool) -> None:
    data = flagged()
    if balance == "weights":
        balance = np.linspace(0, 2, data.num_rows)
    options = {**OPTIONS, "balance": balance, "replacement": replacement, "windows_per_epoch": 4800}

    def digest(world_size: int, **more: Any) -> str:
        ranks = []
        for rank in range(world_size):
            loader = WindowLoader(data, rank=rank, world_size=world_size, **options, **more)
            loader.set_epoch(1)
            ranks.append(starts_of(loader))
        return hashlib.sha256(np.hstack(ranks).tobytes()).hexdigest()

    assert len({digest(1), digest(2), digest(4), digest(1, num_workers=2), digest(1, device="cpu")}) == 1


def test_each_rank_gets_its_part_of_every_class() -> None:
    data = flagged()
    for rank in range(4):
        starts = starts_of(WindowLoader(data, balance={"fault": 0.5}, rank=rank, world_size=4, **OPTIONS))
        assert ((kinds(data, starts) == 1).sum(axis=1) == 6).all()


def test_it_resumes_in_the_middle() -> None:
    data = flagged()
    options = {**OPTIONS, "balance": {"fault": 0.25}}
    loader = WindowLoader(data, **options)
    expected = starts_of(WindowLoader(data, **options))
    for _ in zip(range(100), loader, strict=False):
        pass
    state = json.loads(json.dumps(loader.state_dict()))
    resumed = WindowLoader(data, **options)
    resumed.load_state_dict(state)
    assert np.array_equal(starts_of(resumed), expected[101:] if state["step"] == 101 else expected[100:])
    for other in ({"balance": {"fault": 0.3}}, {"replacement": True}, {"balance": np.ones(20_000)}):
        with raises("state-differs", "balance" if "balance" in other else "replacement"):
            WindowLoader(data, **options | other).load_state_dict(state)
    with raises("state-differs", "balance"):
        WindowLoader(data, **OPTIONS).load_state_dict(state)


def test_weights_of_rows_and_of_windows() -> None:
    data = flagged(3000)
    rows = np.random.default_rng(0).random(3000)
    rows[500:900] = 0
    by_row = starts_of(WindowLoader(data, balance=rows, **OPTIONS))
    order = WindowLoader(data, shuffle=False, **OPTIONS)
    starts = starts_of(order).reshape(-1)
    starts = starts[starts >= 0]
    windows = np.array([rows[start : start + 8].sum() for start in starts])
    by_window = starts_of(WindowLoader(data, balance=windows, **OPTIONS))
    assert (by_row == by_window).mean() > 0.999  # but for rounding
    assert not ((by_row >= 500) & (by_row <= 892)).any()
    expected = windows / windows.sum() * by_row.size
    counts = np.bincount(by_row.reshape(-1), minlength=3000)[starts]
    assert np.abs(counts - expected).max() < 1.001


def test_several_stores_and_a_packed_one(make_store: Any, tmp_path: Path) -> None:
    labels = np.zeros((4000, 1), np.int8)
    labels[::400] = 1
    stores = [
        make_store(tmp_path / f"{number}.zarr", rows=4000, labels=labels, label_names=["fault"], seed=number)
        for number in range(2)
    ]
    longstride.pack(stores[1].path, tmp_path / "packed.zarr")
    packed = longstride.open(tmp_path / "packed.zarr")
    options = {**OPTIONS, "balance": {"fault": 0.5}, "without_labels": (), "max_missing": 0.5}
    mapped = list(WindowLoader(stores, **options))
    faults = sum(bool(labels[start : start + 8].any()) for batch in mapped for start in batch.start.tolist())
    assert faults == 24 * len(mapped)
    assert {store for batch in mapped for store in batch.store.tolist()} == {0, 1}
    for one, other in zip(WindowLoader(stores[1], **options), WindowLoader(packed, **options), strict=True):
        assert np.array_equal(one.values.numpy(), other.values.numpy())
    weights = np.concatenate([np.zeros(4000), np.ones(4000)])
    for batch in WindowLoader(stores, **OPTIONS, balance=weights):
        assert (batch.store == 1).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"balance": {"fault": 1.1}}, "1.1"),
        ({"balance": {"fault": 0.0}}, "0.0"),
        ({"balance": {}}, "{}"),
        ({"balance": []}, "[]"),
        ({"balance": {"fault": 0.5, "odd": 0.6}}, "0.6"),
        ({"balance": {"fault": float("nan")}}, "nan"),
        ({"balance": np.ones(7)}, "(7,)"),
        ({"balance": np.ones((3000, 2))}, "(3000, 2)"),
        ({"balance": np.zeros(3000)}, "weight 0"),
        ({"balance": -np.ones(3000)}, "from 0 on"),
        ({"balance": np.full(3000, np.nan)}, "from 0 on"),
        ({"balance": 5}, "()"),
        ({"balance": [object()]}, "object"),
        ({"balance": "fault", "shuffle": False}, "shuffle"),
        ({"balance": "fault", "weights": [1]}, "weights"),
        ({"balance": "fault", "windows_per_epoch": 0}, "windows_per_epoch"),
        ({"balance": "fault", "windows_per_epoch": 40}, "40"),
        ({"balance": "fault", "without_labels": "fault"}, "'fault'"),
        ({"replacement": True}, "balance"),
    ],
)
def test_what_cannot_be_balanced(options: dict[str, Any], said: str) -> None:
    with raises("option-value", said):
        WindowLoader(flagged(3000), **OPTIONS, **options)


def test_a_label_that_is_not_there() -> None:
    with raises("column-missing", "fault, odd"):
        WindowLoader(flagged(3000), balance="wrong", **OPTIONS)


def test_hidden_weights_are_refused() -> None:
    weights = np.ma.masked_array(np.ones(300), np.arange(300) % 2 == 0)
    with raises("array-format", "balance"):
        WindowLoader(np.zeros((300, 2), np.float32), window=8, batch_size=8, balance=weights)


def test_a_label_counts_in_the_gap_as_well() -> None:
    labels = np.zeros(3000, np.int8)
    labels[1000:1030] = 1
    values = np.zeros((3000, 1), np.float32)
    data = from_array(values, labels=labels, series={"a": 500, "b": 2500})
    loader = WindowLoader(data, window=16, horizon=4, gap=30, batch_size=32, balance={"label": 0.5})
    for batch in loader:
        assert sum(labels[start : start + 50].any() for start in batch.start.tolist()) == 16
