"""A run that was trained, to be damaged."""

import shutil
from pathlib import Path

import pytest
import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.loop import Training
from tests.helpers.runs.training import settings_for

ALONE = Ranks(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def trained(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    Training(settings_for(store, run, max_steps=20, checkpoint_every=8), ALONE, resume=False).run()
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run", symlinks=True))
