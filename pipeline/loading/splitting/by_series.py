"""Training, validation and test rows of different series: what a model makes of machines that it has not seen."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longstride.pipeline.loading.splits import Split, Splits
from longstride.pipeline.loading.splitting.cuts import check_shares
from longstride.pipeline.loading.splitting.stores import gives_splits
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = ["split_by_series"]

TRAIN, VALIDATION = 0.8, 0.1
"""Shares of the series, where neither shares nor names are given."""

Names = str | Sequence[str]


class _Named(NamedTuple):
    """Names of series for each split, None where the caller gives none."""

    train: set[str] | None
    validation: set[str] | None
    test: set[str] | None


@gives_splits
def split_by_series(
    stores: Sequence[SeriesData],
    *,
    train: float | Names | None = None,
    validation: float | Names | None = None,
    test: Names | None = None,
    seed: int = 0,
) -> list[Splits]:
    """Give each split whole series, by their names or by shares.

    - Shares of the series of each store, 0.8 and 0.1 by default: which ones follows from `seed` and their names
      alone. The rest is the test split. Each share above 0 gets at least one series.
    - Lists of names: `split_by_series(store, validation=["pump-7"], test=["pump-8", "pump-9"])`. Series that no
      list names are for training; or, where `train` is a list, for test; or, where `test` is one too, left out.

    Series share no rows, so none are left out between splits; they may lie at the same times. Raises
    LongstrideError for a name that is not a series of any store, or is in two lists, for fewer series than splits,
    and for shares outside 0..1.
    """
    given = (train, validation, test)
    if any(isinstance(part, int | float) for part in given) or all(part is None for part in given):
        shares = [0.0 if part is None else part for part in (train, validation)]
        if train is None and validation is None:
            shares = [TRAIN, VALIDATION]
        if test is not None or not all(isinstance(share, int | float) for share in shares):
            raise LongstrideError(
                f"train={train!r:.80}, validation={validation!r:.80}, test={test!r:.80}: expected two shares, "
                "the rest being test, or lists of names of series",
                code="option-value",
            )
        train_share, validation_share = (float(share) for share in shares if not isinstance(share, str | Sequence))
        if train is None and validation is not None:
            train_share = 1 - validation_share
        check_shares(train_share, validation_share, of="the series")
        return [_by_number(store, _drawn(store, train_share, validation_share, seed)) for store in stores]
    named = _Named(*(_names(part) for part in given))
    _check_names(named, stores)
    return [_by_number(store, _sorted_out(store, named)) for store in stores]


def _drawn(store: SeriesData, train: float, validation: float, seed: int) -> list[int]:
    """For each series 0 for training, 1 for validation, 2 for test."""
    filled = sorted(set(store.segments.series.tolist()))

    def place(number: int) -> bytes:
        return hashlib.sha256(f"{seed}:{store.series[number]}".encode()).digest()

    shares = [share if share > 1e-9 else 0.0 for share in (train, validation, 1 - train - validation)]
    counts = [int(share > 0) for share in shares]
    if sum(counts) > len(filled):
        raise LongstrideError(
            f"{store.name} has {len(filled)} series with rows, too few for train={train} and "
            f"validation={validation} of them: split it by time, or name the series of each split",
            code="option-value",
        )
    while sum(counts) < len(filled):
        lacking = [share * len(filled) - count for share, count in zip(shares, counts, strict=True)]
        counts[lacking.index(max(lacking))] += 1
    split_of = [2] * len(store.series)
    for order, number in enumerate(sorted(filled, key=place)):
        split_of[number] = 0 if order < counts[0] else 1 if order < counts[0] + counts[1] else 2
    return split_of


def _names(part: object) -> set[str] | None:
    if part is None:
        return None
    names = [part] if isinstance(part, str) else part
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise LongstrideError(f"{part!r:.80}: expected a list of names of series", code="option-value")
    return set(names)


def _check_names(named: _Named, stores: Sequence[SeriesData]) -> None:
    among = {name for store in stores for name in store.series}
    seen: set[str] = set()
    for option, names in zip(_Named._fields, named, strict=True):
        if names is None:
            continue
        if unknown := sorted(names - among):
            has = ", ".join(sorted(among)[:10]) + ", ..." * (len(among) > 10)
            raise LongstrideError(
                f"{option} names the series {unknown[0]!r}: the data has {has}", code="option-value"
            )
        if twice := sorted(names & seen):
            raise LongstrideError(f"the series {twice[0]!r} is named for two splits", code="option-value")
        seen |= names


def _sorted_out(store: SeriesData, named: _Named) -> list[int]:
    others = 0 if named.train is None else 2 if named.test is None else -1
    return [
        next((split for split, names in enumerate(named) if names is not None and name in names), others)
        for name in store.series
    ]


def _by_number(store: SeriesData, split_of: list[int]) -> Splits:
    segments, split = store.segments, np.array(split_of)[store.segments.series]
    parts = []
    for number, name in enumerate(_Named._fields):
        kept = split == number
        parts.append(
            Split(name, Segments(segments.start[kept], segments.stop[kept], segments.series[kept]), store)
        )
    return Splits(*parts)
