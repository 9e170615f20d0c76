"""What a batch should hold beside values, by brute force."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import torch

from longstride import WindowBatch
from longstride.storage.series.data import SeriesData

__all__ = ["check"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _expected_of(
    data: SeriesData, start: int, series: str, own: range, ahead: range, asked: dict[str, Any]
) -> dict[str, Any]:
    """What a batch should hold of one window."""
    found: dict[str, Any] = {}
    span = [*own, *ahead]
    if asked.get("future"):
        found["future"] = data.values[list(ahead)][:, [data.channels.index(name) for name in asked["future"]]]
    if asked.get("time"):
        found["time"] = data.time[span] if asked["time"] == "rows" else data.time[start]
    if asked.get("calendar"):
        found["calendar"] = [
            [
                wave(2 * math.pi * _share(EPOCH + timedelta(microseconds=time / 1000), name))
                for name in asked["calendar"]
                for wave in (math.sin, math.cos)
            ]
            for time in data.time[span].tolist()
        ]
    if asked.get("series"):
        found["series"] = series
    if asked.get("static") is not None:
        found["static"] = asked["static"][series]
    if rule := asked.get("label"):
        names = asked.get("label_names") or data.label_names
        assert data.labels is not None
        rows = data.labels[list(own)][:, [data.label_names.index(name) for name in names]]
        found["label"] = {
            "any": lambda: (rows != 0).any(axis=0),
            "share": lambda: (rows != 0).mean(axis=0),
            "first": lambda: rows[0],
            "last": lambda: rows[-1],
            "majority": lambda: [
                min(set(row), key=lambda one, row=row: (-row.count(one), one)) for row in rows.T.tolist()
            ],
            "rows": lambda: rows,
        }[rule]()
    return found


def _share(when: datetime, period: str) -> float:
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    first = {
        "day": midnight,
        "week": midnight - timedelta(days=when.weekday()),
        "year": midnight.replace(month=1, day=1),
    }[period]
    following = first.replace(year=first.year + 1) if period == "year" else first
    days = {"day": 1, "week": 7, "year": (following - first).days}
    return (when - first) / timedelta(days=days[period])


def check(
    batch: WindowBatch,
    datas: list[SeriesData],
    names: tuple[str, ...],
    window: int,
    horizon: int,
    asked: dict[str, Any],
    gap: int = 0,
    dilation: int = 1,
) -> int:
    """Compare a batch with brute force; how many of its windows are real."""
    batch = WindowBatch(*(None if field is None else field.cpu() for field in batch))  # type: ignore[arg-type]
    fields = batch._asdict()
    given = [name for name in ("future", "time", "calendar", "series", "static", "label") if asked.get(name)]
    for name in ("future", "time", "calendar", "series", "static", "label"):
        assert (fields[name] is not None) == (name in given)
    numbers = [0] * len(batch.start) if batch.store is None else batch.store.tolist()
    for place, (start, number) in enumerate(zip(batch.start.tolist(), numbers, strict=True)):
        if start < 0:
            for name in given:
                field = fields[name][place]
                assert (field == (0 if field.is_floating_point() or field.dtype == torch.bool else -1)).all()
            continue
        data = datas[number]
        segments = data.segments
        series = data.series[next(s for a, z, s in zip(*vars(segments).values(), strict=True) if a <= start < z)]
        rows = range(start, start + (window + gap + horizon) * dilation, dilation)
        own, ahead = rows[:window], rows[window + gap :]
        expected = _expected_of(data, start, series, own, ahead, asked)
        served = [data.channels.index(f"c{number}") for number in range(batch.values.shape[2])]
        assert np.array_equal(batch.values[place].numpy(), data.values[list(own)][:, served], equal_nan=True)
        if horizon:
            assert batch.target is not None
            columns = [data.channels.index(f"c{number}") for number in range(batch.target.shape[2])]
            assert np.array_equal(
                batch.target[place].numpy(), data.values[list(ahead)][:, columns], equal_nan=True
            )
        assert expected.keys() == set(given)
        for name, value in expected.items():
            if name == "series":
                assert names[fields[name][place]] == value
                continue
            tolerance = 1e-5 if name in ("calendar", "label") else 0
            np.testing.assert_allclose(fields[name][place].numpy(), value, rtol=0, atol=tolerance)
        if "future" in given:
            present = ~np.isnan(expected["future"])
            mask = batch.future_mask
            assert present.all() if mask is None else np.array_equal(mask[place], present)
    return int((batch.start >= 0).sum())
