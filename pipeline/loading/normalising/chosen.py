"""Which normaliser the batches of a loader go through: a given one, or one of the rows that are trained on."""

from collections.abc import Sequence
from typing import Any

from longstride.pipeline.loading.normalising.normaliser import Normaliser, check_kind
from longstride.pipeline.loading.options import DatasetOptions
from longstride.pipeline.loading.serving.stores import Collection
from longstride.pipeline.loading.splits import Split, one_split
from longstride.storage.errors import LongstrideError

__all__ = ["chosen_normaliser"]


def chosen_normaliser(options: DatasetOptions, collection: Collection) -> Normaliser | None:
    """The normaliser of `normalise=`, for the channels that are served; None where it is not asked for.

    Statistics are of training rows alone, whatever split is served. Raises LongstrideError where nothing says
    which these are, and for a normaliser of other channels.
    """
    given: Any = options.normalise
    if given is None:
        return None
    served = collection.channels, collection.targets, collection.future
    if isinstance(given, Normaliser):
        return given.of(*served)
    check_kind(given, "normalise")
    if given == "window":
        return Normaliser(given, (), (), {}, {}).of(*served)
    channels, targets, future = served
    return Normaliser.fit(_training(given, options), given, channels=channels, targets=targets, future=future)


def _training(kind: str, options: DatasetOptions) -> Sequence[Split]:
    """The rows that are trained on where the splits that are served were made."""
    given: Any = options.split
    splits = (
        []
        if given is None
        else [one_split(one) for one in (given if isinstance(given, list | tuple) else [given])]
    )
    unknown = next((f"the split {one.name!r} does not say" for one in splits if not one.training), None)
    if unknown or not splits:
        raise LongstrideError(
            f"normalise={kind!r} needs statistics of the training rows, and {unknown or 'no split says'} which "
            "these are: give a split of a function such as split_by_time (splits.train, .validation or .test), or "
            "normalise=Normaliser.fit(...) of the rows, or of the store, that you train on",
            code="training-unknown",
        )
    # Splits that were made together know the same rows.
    return [part for training in {id(one.training): one.training for one in splits}.values() for part in training]
