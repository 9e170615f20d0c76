"""Training, validation and test rows one after the other in time, cut at dates."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.splits import Split, Splits
from longstride.pipeline.loading.splitting.cuts import purged_rows, splits_at
from longstride.pipeline.loading.splitting.instants import instant_ns
from longstride.pipeline.loading.splitting.positions import Positions
from longstride.pipeline.loading.splitting.stores import gives_splits
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.text import iso_time

__all__ = ["split_by_date"]

Date = str | date | np.datetime64


@gives_splits
def split_by_date(
    stores: Sequence[SeriesData],
    *,
    window: Length | Sequence[Length],
    horizon: Length = 0,
    gap: Length = 0,
    dilation: int = 1,
    validation: Date | None = None,
    test: Date | None = None,
) -> list[Splits]:
    """Cut every series of every store at two dates: where the validation rows begin, and where the test rows do.

    A date is ISO 8601 text such as "2024-03-01" or "2024-03-01T08:30+02:00", a `datetime`, or a
    `numpy.datetime64`; without a zone it is UTC. A split whose date is not given is empty. In each series, the
    first K + H - 1 rows after a cut are left out (with a gap or dilation, one less than a window and its horizon
    reach over). Raises LongstrideError where no date is given, where test comes before validation, where a split
    would have no rows, and for no window.
    """
    cuts = {
        name: instant_ns(name, given)
        for name, given in (("validation", validation), ("test", test))
        if given is not None
    }
    if not cuts:
        raise LongstrideError(
            "no date is given: say where validation= or test= begins, such as validation='2024-03-01'",
            code="option-value",
        )
    if len(cuts) == 2 and cuts["validation"] >= cuts["test"]:
        raise LongstrideError(
            f"validation={validation!s} and test={test!s}: expected validation to begin before test",
            code="option-value",
        )
    first_cut = cuts.get("validation", cuts.get("test", 0))
    found = []
    for store in stores:
        positions = Positions(store)
        train_stop = positions.at_time(first_cut)
        validation_stop = positions.at_time(cuts["test"]) if "test" in cuts else positions.count
        purge = purged_rows(store, window, horizon, gap, dilation)
        found.append(splits_at(positions, train_stop, validation_stop, purge))
    for name in ("train", *cuts):
        _check_rows(stores, [getattr(splits, name) for splits in found], cuts)
    return found


def _check_rows(stores: Sequence[SeriesData], parts: Sequence[Split], cuts: dict[str, int]) -> None:
    if any(len(part.segments) for part in parts):
        return
    spans = [store.span_ns for store in stores]
    begin, end = iso_time(min(first for first, _ in spans)), iso_time(max(last for _, last in spans))
    given = " and ".join(f"{name} from {iso_time(cut)} on" for name, cut in cuts.items())
    raise LongstrideError(
        f"with {given}, the {parts[0].name} split has no rows: they are from {begin} to {end}, and a window after "
        "each cut is left out",
        code="option-value",
    )
