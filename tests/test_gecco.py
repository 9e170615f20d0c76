"""From the real log of a water works to a trained model, by the commands a user types."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import SHARED
from tests.helpers.runs.training import FORKING

GECCO = SHARED / "data" / "gecco"


@pytest.mark.skipif(not GECCO.is_dir(), reason=f"the real log is not there: {GECCO}")
def test_two_processes_learn_from_the_real_log(tmp_path: Path) -> None:
    store, run = tmp_path / "gecco.zarr", tmp_path / "run"
    logs = [str(GECCO / f"gecco2018_{part}.csv.gz") for part in ("train", "test")]
    choices = ["--time", "Time", "--labels", "EVENT", "--split-on-missing", "1h"]
    launch = [*FORKING, "--standalone", "--nproc-per-node=2", "-m", "longstride", "train"]
    sizes = ["--window", "32", "--stride", "8", "--batch-size", "128", "--max-steps", "80", "--log-every", "20"]
    for command in (
        ["-m", "longstride", "ingest", *logs, "--out", str(store), *choices],
        [*launch, str(store), "--out", str(run), *sizes, "--device", "cpu"],
    ):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        result = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment)
        assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    assert losses[-1] < 0.8 * losses[0]
    assert lines[-1]["kind"] == "summary"
    assert lines[-1]["validation_loss"] > 0
    assert (run / "reconstruction.png").exists()
