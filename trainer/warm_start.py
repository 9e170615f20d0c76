"""Beginning a run with the weights of another one."""

import logging
from pathlib import Path
from typing import Any

from longstride.storage.cli.flags import flag_name
from longstride.storage.series.joined import known_as
from longstride.trainer.checks import shown
from longstride.trainer.engine.state import RunState
from longstride.trainer.errors import RunError
from longstride.trainer.held_out.run_splits import number_of_series
from longstride.trainer.saved.checkpoint import best_first, first_whole, judged_weights
from longstride.trainer.saved.run_settings import settings_of
from longstride.trainer.saved.series_index import has_index, read_index, takes_one_model

__all__ = ["weights_of"]

logger = logging.getLogger(__name__)


def weights_of(run: Path, state: RunState) -> dict[str, Any] | None:
    """The best weights of a run, the average of them if it has one, for the model of a new run.

    None, with a warning, for a series that has no model in a run with a model for each. Raises RunError where the
    run has no checkpoint that is whole, or is of another model or of other channels.
    """
    if has_index(run):
        if (name := state.settings.data.series) is None:
            raise takes_one_model(run)
        folders = read_index(run).folders
        known = known_as(state.store, number_of_series(state.store, name), folders)
        if known is None:
            logger.warning(f"--from {run} has no model for {name!r}, which begins with weights that are drawn")
            return None
        run = run / folders[known]
    checkpoints = best_first(run / "checkpoints")
    if not checkpoints:
        raise RunError(f"--from {run} holds no checkpoint of a run", code="checkpoint-missing")
    checkpoint = first_whole(checkpoints, run)
    # Only compared: nothing that the settings name is imported.
    begun, now = settings_of(run, checkpoint)[0], state.settings
    shape = {
        name: (value, getattr(mine, name))
        for mine, its in ((now.model, begun.model), (now.task, begun.task))
        for name, value in vars(its).items()
    }
    shape |= {name: (getattr(begun.data, name), getattr(now.data, name)) for name in ("window", "horizon")}
    differing = [
        f"{flag_name(name)} {shown(was)} (now {shown(new)})" for name, (was, new) in shape.items() if was != new
    ]
    if differing:
        raise RunError(
            f"--from {run} has the weights of another model, trained with {', '.join(differing)}: give the same",
            code="run-differs",
        )
    channels = list(checkpoint.state["channels"])
    outputs = list(checkpoint.state.get("outputs", channels))
    labels = "labels" if state.task.label else "targets"
    for what, its, own in (("channels", channels, state.task.channels), (labels, outputs, state.task.outputs)):
        if its != list(own):
            raise RunError(
                f"--from {run} was trained on the {what} {', '.join(map(str, its))}, and {state.store.name} "
                f"has {', '.join(own)}: they must be the same, in the same order",
                code="model-channels",
            )
    return judged_weights(checkpoint.state)
