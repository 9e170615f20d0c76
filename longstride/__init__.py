"""Longstride: raw sensor logs to a store, a store to batches of windows (B, K, N), batches to a trained model.

    import longstride

    longstride.ingest(["plant.csv"], "plant.zarr", longstride.Recipe(time="time"))
    store = longstride.open("plant.zarr")
    loader = longstride.WindowLoader(store, window=64, stride=1, batch_size=256)

Importing this package imports nothing else but its version: each name brings what it needs when it is first used.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from longstride.storage.version import __version__

if TYPE_CHECKING:
    from longstride.pipeline.ingest.errors import AccountingError as AccountingError
    from longstride.pipeline.ingest.errors import RecipeError as RecipeError
    from longstride.pipeline.ingest.errors import RejectsError as RejectsError
    from longstride.pipeline.ingest.errors import SourceError as SourceError
    from longstride.pipeline.ingest.job import append as append
    from longstride.pipeline.ingest.job import ingest as ingest
    from longstride.pipeline.ingest.job import rebuild as rebuild
    from longstride.pipeline.ingest.recipe import Recipe as Recipe
    from longstride.pipeline.ingest.report import IngestReport as IngestReport
    from longstride.pipeline.loading.augmenting.augmentations import ChannelDropout as ChannelDropout
    from longstride.pipeline.loading.augmenting.augmentations import Jitter as Jitter
    from longstride.pipeline.loading.augmenting.augmentations import Scaling as Scaling
    from longstride.pipeline.loading.augmenting.augmentations import TimeMasking as TimeMasking
    from longstride.pipeline.loading.batch import WindowBatch as WindowBatch
    from longstride.pipeline.loading.dataset import WindowDataset as WindowDataset
    from longstride.pipeline.loading.loader import WindowLoader as WindowLoader
    from longstride.pipeline.loading.normalising.normaliser import Normaliser as Normaliser
    from longstride.pipeline.loading.splits import Split as Split
    from longstride.pipeline.loading.splits import Splits as Splits
    from longstride.pipeline.loading.splits import SplitsOfStores as SplitsOfStores
    from longstride.pipeline.loading.splitting.by_date import split_by_date as split_by_date
    from longstride.pipeline.loading.splitting.by_series import split_by_series as split_by_series
    from longstride.pipeline.loading.splitting.by_time import split_by_time as split_by_time
    from longstride.pipeline.loading.splitting.in_blocks import split_in_blocks as split_in_blocks
    from longstride.pipeline.loading.splitting.within_series import split_within_series as split_within_series
    from longstride.pipeline.packing.export import export as export
    from longstride.pipeline.packing.pack import pack as pack
    from longstride.pipeline.packing.pack import unpack as unpack
    from longstride.pipeline.profile.findings import profile as profile
    from longstride.pipeline.profile.proposal import Proposal as Proposal
    from longstride.storage.arrays.from_array import from_array as from_array
    from longstride.storage.errors import LongstrideError as LongstrideError
    from longstride.storage.errors import StoreError as StoreError
    from longstride.storage.errors import StoreLockedError as StoreLockedError
    from longstride.storage.places.object_answers import PlaceError as PlaceError
    from longstride.storage.store import SeriesStore as SeriesStore
    from longstride.storage.writing.store_writer import StoreWriter as StoreWriter
    from longstride.trainer.calibration.calibrate import CalibrateResult as CalibrateResult
    from longstride.trainer.calibration.calibrate import calibrate as calibrate
    from longstride.trainer.deploy.deploy import DeployResult as DeployResult
    from longstride.trainer.deploy.deploy import deploy as deploy
    from longstride.trainer.errors import DivergenceError as DivergenceError
    from longstride.trainer.errors import RunError as RunError
    from longstride.trainer.errors import ScoresError as ScoresError
    from longstride.trainer.errors import SettingsError as SettingsError
    from longstride.trainer.live.detector import Detector as Detector
    from longstride.trainer.live.live_scores import LiveScores as LiveScores
    from longstride.trainer.scoring.judging.evaluation import Evaluation as Evaluation
    from longstride.trainer.scoring.judging.evaluation import evaluate as evaluate
    from longstride.trainer.scoring.score import ScoreResult as ScoreResult
    from longstride.trainer.scoring.score import score as score
    from longstride.trainer.train import train as train
    from longstride.trainer.train_result import TrainResult as TrainResult

_NAMES = {
    "pipeline.ingest.errors": ("AccountingError", "RecipeError", "RejectsError", "SourceError"),
    "pipeline.ingest.job": ("append", "ingest", "rebuild"),
    "pipeline.ingest.recipe": ("Recipe",),
    "pipeline.ingest.report": ("IngestReport",),
    "pipeline.loading.augmenting.augmentations": ("ChannelDropout", "Jitter", "Scaling", "TimeMasking"),
    "pipeline.loading.batch": ("WindowBatch",),
    "pipeline.loading.dataset": ("WindowDataset",),
    "pipeline.loading.loader": ("WindowLoader",),
    "pipeline.loading.normalising.normaliser": ("Normaliser",),
    "pipeline.loading.splits": ("Split", "Splits", "SplitsOfStores"),
    "pipeline.loading.splitting.by_date": ("split_by_date",),
    "pipeline.loading.splitting.by_series": ("split_by_series",),
    "pipeline.loading.splitting.by_time": ("split_by_time",),
    "pipeline.loading.splitting.in_blocks": ("split_in_blocks",),
    "pipeline.loading.splitting.within_series": ("split_within_series",),
    "pipeline.packing.export": ("export",),
    "pipeline.packing.pack": ("pack", "unpack"),
    "pipeline.profile.findings": ("profile",),
    "pipeline.profile.proposal": ("Proposal",),
    "storage.arrays.from_array": ("from_array",),
    "storage.errors": ("LongstrideError", "StoreError", "StoreLockedError"),
    "storage.places.object_answers": ("PlaceError",),
    "storage.store": ("SeriesStore",),
    "storage.writing.store_writer": ("StoreWriter",),
    "trainer.calibration.calibrate": ("CalibrateResult", "calibrate"),
    "trainer.deploy.deploy": ("DeployResult", "deploy"),
    "trainer.errors": ("DivergenceError", "RunError", "ScoresError", "SettingsError"),
    "trainer.live.detector": ("Detector",),
    "trainer.live.live_scores": ("LiveScores",),
    "trainer.scoring.judging.evaluation": ("Evaluation", "evaluate"),
    "trainer.scoring.score": ("ScoreResult", "score"),
    "trainer.train": ("train",),
    "trainer.train_result": ("TrainResult",),
}
"""What each module gives; the imports above say the same to editors and type checkers."""
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", "open", *_HOMES]


def open(path: str | os.PathLike[str]) -> "SeriesStore":
    """Open the store at a path; a packed store, also at a URL such as s3://bucket/plant.zarr.

    Raises StoreError where there is no store, or where the store is unfinished, altered or of another format.
    """
    from longstride.storage.open import open_store

    return open_store(path)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        from longstride.storage.packages import package_error

        raise package_error(error) from None
    found = getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
