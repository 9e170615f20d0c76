"""What is to be deployed: a trained model, the scorer that goes with it, and both as one graph."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from longstride.trainer.calibration.calibration import Calibration, read_calibration
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.deploy.formats import FORMATS, Format
from longstride.trainer.deploy.graph import Graph
from longstride.trainer.deploy.settings import DeployOptions
from longstride.trainer.errors import RunError
from longstride.trainer.scoring.scorer import Scorer

__all__ = ["Deployment", "prepared"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """All that goes into the files."""

    run: Path
    options: DeployOptions
    trained: TrainedModel
    calibration: Calibration
    scorer: Scorer
    graph: Graph
    dtype: np.dtype[Any]
    """Of windows."""

    @property
    def kind(self) -> Format:
        """Which files."""
        return FORMATS[self.options.to]

    @property
    def job(self) -> str:
        """A hash of all that the files depend on, if only in their last digit."""
        options = {**vars(self.options), "run": "", "out": "", "overwrite": False, "trust": False}
        parts = [
            *self.trained.identity(),
            self.calibration.digest,
            self.dtype.name,
            self.kind.versions(),
            sorted(options.items()),
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def prepared(run: Path, trained: TrainedModel, options: DeployOptions) -> Deployment:
    """Put model and scorer together. Raises RunError where they do not fit, or cannot be deployed."""
    precision = trained.settings.run.precision
    if precision != "fp32":
        raise RunError(
            f"{run} was trained with --precision {precision}, and its scores are computed so; other runtimes "
            "would round in other places: train with --precision fp32, with --from to begin with its weights",
            code="deploy-failed",
        )
    calibration = trained.fitting(read_calibration(run, trained.digest))
    # The threshold of `longstride score`, whose windows are as far apart as those of training.
    scorer = Scorer(calibration, trained.stride, options.scorer())
    if scorer.doubt:
        logger.warning(scorer.doubt)
    if calibration.dtype_doubt:
        logger.warning(calibration.dtype_doubt)
    # In which values are normalised: a large counter keeps its digits.
    dtype = torch.float64 if calibration.held_as == np.float64 else torch.float32
    graph = Graph(trained, calibration, scorer.threshold, options.aggregate, options.largest, dtype).eval()
    return Deployment(
        run=run,
        options=options,
        trained=trained,
        calibration=calibration,
        scorer=scorer,
        graph=graph,
        dtype=np.dtype(str(dtype).removeprefix("torch.")),
    )
