"""Every setting of a run: checked once here, written to the run directory as `settings.json`.

The docstring below a setting is also the help of its flag and its line in the help of `longstride.train`.
"""

from longstride.trainer.settings.data import DataSettings
from longstride.trainer.settings.groups import USUAL, Settings, TrainOptions
from longstride.trainer.settings.known_models import FITTED, KNOWN_MODELS, known_model
from longstride.trainer.settings.model import ModelSettings
from longstride.trainer.settings.optimiser import OptimiserSettings
from longstride.trainer.settings.run import Device, RunSettings
from longstride.trainer.settings.stores import IN_MEMORY
from longstride.trainer.settings.task import TaskSettings

__all__ = [
    "FITTED",
    "IN_MEMORY",
    "KNOWN_MODELS",
    "USUAL",
    "DataSettings",
    "Device",
    "ModelSettings",
    "OptimiserSettings",
    "RunSettings",
    "Settings",
    "TaskSettings",
    "TrainOptions",
    "known_model",
]
