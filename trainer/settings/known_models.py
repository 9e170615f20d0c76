"""What is known of each built-in model before it is made: nothing here needs torch."""

from typing import NamedTuple, get_args

from longstride.trainer.settings.task import TaskName

__all__ = ["FITTED", "KNOWN_MODELS", "KnownModel", "known_model"]

EVERY_TASK: tuple[TaskName, ...] = get_args(TaskName)


class KnownModel(NamedTuple):
    """What a model is for, and which settings mean something to it."""

    tasks: tuple[TaskName, ...] = EVERY_TASK
    only_size: str | None = None
    """Of a model that is fitted in one pass, not trained by steps: the one setting of its size."""
    follows_level: bool = False
    """Whether it follows the level of a window anyway, so that nothing is to be subtracted before."""


KNOWN_MODELS = {
    "lstm": KnownModel(),
    "cnn": KnownModel(("forecast", "classify")),
    "tcn": KnownModel(("reconstruct",)),
    "patch": KnownModel(("reconstruct",)),
    "pca": KnownModel(("reconstruct",), only_size="latent", follows_level=True),
    "kmeans": KnownModel(("reconstruct",), only_size="centres"),
    "nearest": KnownModel(("reconstruct",), only_size="centres"),
}
"""By name; `longstride.trainer.models` makes them."""
FITTED = tuple(name for name, model in KNOWN_MODELS.items() if model.only_size)
"""Models that are fitted in one pass, not trained by steps."""


def known_model(name: str) -> KnownModel:
    """What is known of a model of this name; one by import path may be for every task."""
    return KNOWN_MODELS.get(name, KnownModel())
