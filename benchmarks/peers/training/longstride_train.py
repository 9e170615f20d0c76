"""`longstride.train` as its user calls it: loop, loader, checkpoints, metrics and all."""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.training.fit_case import FitCase

__all__ = ["train"]

FOR_EVER = 10**6
STEPS_BETWEEN_EVENTS = 10


def train(case: FitCase, pace: Callable[[int], None]) -> None:
    """Epoch after epoch, on all windows. The callback is told of the steps at each line of metrics."""
    if case.checkout:
        sys.path.insert(0, case.checkout)  # nothing of Longstride has been imported yet
    import longstride

    assert not case.checkout or Path(longstride.__file__).is_relative_to(case.checkout), longstride.__file__
    longstride.train(
        case.store,
        out=Path(case.folder) / "run",
        model=case.model,
        hidden=case.hidden,
        latent=case.latent,
        window=case.window,
        stride=case.stride,
        batch_size=case.batch,
        lr=case.learning_rate,
        clip_norm=case.clip_norm,
        train_share=1.0,
        validation_share=0.0,
        epochs=FOR_EVER,
        log_every=STEPS_BETWEEN_EVENTS,
        seed=case.seed,
        device="cpu",
        callback=lambda event: pace(STEPS_BETWEEN_EVENTS) if event["kind"] == "train" else None,
    )
