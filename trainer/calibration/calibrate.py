"""`longstride.calibrate`: measure the errors of normal rows, and keep them with the run."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.splits import Split
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.duration import read_duration
from longstride.storage.errors import coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.open_data import opened_together
from longstride.storage.series.data import SeriesData
from longstride.storage.series.gaps import default_max_gap
from longstride.storage.series.joined import known_as, parts_of
from longstride.storage.store import SeriesStore
from longstride.trainer.calibration.calibration import CALIBRATION_FILE, Calibration, write_calibration
from longstride.trainer.calibration.coverage import kept_positions
from longstride.trainer.calibration.sample import RowSample, sample_rows
from longstride.trainer.calibration.settings import CalibrateOptions
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks, start_ranks
from longstride.trainer.engine.verify import verify_data
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.held_out.run_splits import rows_of_run, splits_of_run
from longstride.trainer.saved.series_index import LACKING, has_index, read_index
from longstride.trainer.settings import DataSettings
from longstride.trainer.settings.stores import kept_names

__all__ = ["CalibrateResult", "calibrate", "calibrated"]

FLOOR = 1e-4
"""The smallest scale of squared errors, in squares of the spread of a channel: a hundredth of it, squared. Of
errors that are not squared it is a hundredth."""
ROUNDING = 1e-10
"""Squared errors below this, in squares of the spread of a channel, are those of float32."""
LARGEST = 60_000
"""A half float ends soon after."""
OFTEN = 0.5
"""A label that a larger share of the rows has is named where no normal row is left."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CalibrateResult:
    """What a calibration was made of."""

    out: str
    """Path of the file in the run directory; of a run with a model for each series, the run directory."""
    rows: int
    """Normal rows whose errors are kept."""
    series: int
    """Series that they are of."""
    split: str

    def __str__(self) -> str:
        return f"{self.out}: the errors of {self.rows:,} normal rows of {self.series:,} series ({self.split})"

    def _repr_html_(self) -> str:
        figures = {"normal rows": self.rows, "series": self.series, "chosen from": self.split}
        return html_table(self.out, [], figures.items())


@coded
@keywords_of(CalibrateOptions, SettingsError)
def calibrate(options: CalibrateOptions) -> CalibrateResult:
    """Measure the errors that the model of a run makes on normal rows, and keep them in the run directory.

    Training does this at its end, with the rows that it held out. Call it for other normal rows, for a run of an
    older version, and for one that was stopped. Scores and thresholds follow from what is kept; no store is opened
    for them but the one that is scored. Rows with a label, and windows that reach them, are never normal.

    Raises SettingsError for an option that cannot work or a model that is not trusted, RunError where run and
    store do not fit or no row is left, StoreError for a store that cannot be read or is damaged.
    """
    with start_ranks(options.device) as ranks:
        run = local_path(options.run)
        data = ranks.together(lambda: opened_together(options.store))
        if options.verify:
            verify_data(data, ranks)
        if ranks.on_first(lambda: has_index(run)):
            alone = Ranks(0, 1, ranks.device)
            return ranks.on_first(lambda: _each_series(run, alone, data, options))
        trained = TrainedModel(run, ranks, trust=options.trust)
        return ranks.on_first(lambda: _one(run, trained, data, options))


def _one(run: Path, trained: TrainedModel, data: SeriesData, options: CalibrateOptions) -> CalibrateResult:
    trained.check(data)
    made = calibrated(trained, data, _chosen(trained, data, options), options.batch_size)
    assert made is not None
    write_calibration(run, made)
    series = len(set(made.series.tolist()))
    out = str(run / CALIBRATION_FILE)
    return CalibrateResult(out=out, rows=len(made.rows), series=series, split=made.split)


def _each_series(run: Path, alone: Ranks, data: SeriesData, options: CalibrateOptions) -> CalibrateResult:
    """Calibrate the model of each series of the store. Raises RunError where none of them can be."""
    rows, series, left = 0, 0, RunError(f"{run} has no model of a series of {data.name}", code="run-differs")
    folders = read_index(run).folders
    for name in filter(None, [known_as(data, number, folders) for number in range(len(data.series))]):
        folder = folders[name]
        try:
            trained = TrainedModel.of_series(run, name, folder, alone, trust=options.trust)
            result = _one(run / folder, trained, data, options)
        except RunError as error:
            if error.code not in LACKING:
                raise
            logger.warning(f"no calibration for {name!r}: {error}")
            left = error
            continue
        rows, series, split = rows + result.rows, series + result.series, result.split
    if not series:
        raise left
    return CalibrateResult(out=str(run), rows=rows, series=series, split=split)


def calibrated(
    trained: TrainedModel,
    data: SeriesData,
    split: Split,
    batch_size: int = 1024,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> Calibration | None:
    """The errors of normal rows of a split; None where `stopped` said so meanwhile.

    Raises RunError where there is no normal row.
    """
    sample = sample_rows(trained, data, split, batch_size, stopped)
    if sample is None and stopped():
        return None
    if sample is None:
        raise RunError(
            f"{data.name} has no normal rows to compare others with: no window of {trained.task.span} "
            f"rows without a label lies in the rows of {split.name}{_labelled(data, split)}. Train with a larger "
            "--validation-share, or choose other rows by `longstride calibrate RUN STORE --split`",
            code="no-normal-rows",
        )
    return _standardised(trained, data, split, sample)


def _named(trained: TrainedModel, data: SeriesData) -> str:
    series = trained.settings.data.series
    return data.name if series is None else f"series {series!r} of {data.name}"


def _labelled(data: SeriesData, split: Split) -> str:
    """Which labels most rows of a split have: those of a state, such as of a load that runs, are not faults."""
    if data.labels is None:
        return ""
    segments = split.segments_in(data)
    set_rows, rows = np.zeros(len(data.label_names)), 0
    for start, stop in zip(segments.start.tolist(), segments.stop.tolist(), strict=True):
        for first in range(start, stop, data.rows_at_a_time):
            part = np.asarray(data.labels[first : min(stop, first + data.rows_at_a_time)])
            set_rows, rows = set_rows + (part != 0).sum(axis=0), rows + len(part)
    often = [
        f"{name} is set in {found / rows:.0%}"
        for name, found in zip(data.label_names, set_rows.tolist(), strict=True)
        if rows and found > OFTEN * rows
    ]
    if not often:
        return ""
    return f" (of these rows, {', '.join(often)}: if that is not a fault, leave the label out of the store)"


def _chosen(trained: TrainedModel, data: SeriesData, options: CalibrateOptions) -> Split:
    if options.split == "all":
        return Split("all", rows_of_run(data, trained.settings.data))
    _check_whole(data, trained.settings.data)
    splits = splits_of_run(data, trained.settings.data)
    return splits.train if options.split == "training" else splits.validation


def _check_whole(data: SeriesData, settings: DataSettings) -> None:
    """Raise SettingsError for other stores with those of a run, or some of these, where all were cut together."""
    given, of_run = {kept_names(part) for part in parts_of(data)}, set(settings.stores)
    if settings.series is None and settings.split != "within-series" and given & of_run and of_run != given:
        raise SettingsError(
            f"the run was trained on {', '.join(settings.stores)}, and --split {settings.split} cuts all stores "
            "together: with more or fewer of them, other rows would be held out than those that were. Give the "
            "stores of the run, or --split all for rows that it was not trained on",
            code="option-value",
        )


def _standardised(trained: TrainedModel, data: SeriesData, split: Split, sample: RowSample) -> Calibration:
    task = trained.task
    shape = (task.judged, len(task.outputs))
    mean, unit = sample.moments.mean.reshape(shape), _unit(trained)
    scale = np.fmax(sample.moments.std.reshape(shape), FLOOR ** (task.degree / 2) * unit**task.degree)
    if task.columns is not None and np.nanmax(mean / unit**task.degree) < ROUNDING ** (task.degree / 2):
        logger.warning(
            f"the model makes no errors in normal rows of {_named(trained, data)}: it may give back "
            "whatever it is given, and scores are then of rounding alone, or nothing that it predicts has ever "
            "changed"
        )
    at = kept_positions(task.judged)
    errors = np.clip((sample.errors - mean[at]) / scale[at], -LARGEST, LARGEST)
    fingerprint = WindowLoader(
        data, window=task.span, stride=1, batch_size=1, shuffle=False, split=split, world_size=1
    ).fingerprint
    return Calibration(
        mean=torch.from_numpy(mean).float(),
        scale=torch.from_numpy(scale).float(),
        errors=torch.from_numpy(errors).half(),
        weights=torch.from_numpy(sample.weights),
        rows=torch.from_numpy(sample.rows),
        series=torch.from_numpy(sample.series),
        series_names=list(data.series),
        split=split.name,
        of=data.name,
        fingerprint=fingerprint,
        state=trained.digest,
        data=hashlib.sha256(data.fingerprint).hexdigest(),
        dtype=data.dtype.name,
        max_gap_ns=_max_gap_ns(data),
    )


def _max_gap_ns(data: SeriesData) -> int:
    """The longest step that ends no segment; 0 where it is not known how far apart rows are."""
    if len(parts := parts_of(data)) > 1:
        return max(map(_max_gap_ns, parts))
    told = (
        read_duration((data.attributes.get("recipe") or {}).get("max_gap") or "")
        if isinstance(data, SeriesStore)
        else None
    )
    if told is not None:
        return int(told)
    return default_max_gap(data.cadence_ns) if data.has_cadence else 0


def _unit(trained: TrainedModel) -> NDArray[np.float64]:
    """The spread (T,) of each output, in normalised values: 1, but for a channel that did not change in training.

    Its values are not divided by anything, and nothing is known of its resolution but its size.
    """
    mean, scale = trained.runner.normalisation.mean, trained.runner.normalisation.scale
    size = torch.where(mean == 0, 1.0, mean.abs())
    unit: NDArray[np.float64] = torch.where(scale == 1.0, size, 1.0).cpu().numpy()
    columns = trained.task.columns
    return np.ones(len(trained.outputs)) if columns is None else unit[columns]
