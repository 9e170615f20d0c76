"""What came of a run, in figures."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from longstride.trainer.engine.metrics import Interval
from longstride.trainer.saved.rundir import RunDirectory
from longstride.trainer.train_result import TrainResult


def result(out: Path, lines: list[dict[str, Any]], *, finished: bool = True) -> TrainResult:
    (out / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    stopped_by = None if finished else 15
    interval = Interval(num_windows=10, seconds=5.0)
    return TrainResult.of(RunDirectory(out), interval, 3, stopped_by=stopped_by, drawn=finished)


def test_it_has_the_ends_of_the_curve(tmp_path: Path) -> None:
    lines = [{"kind": "train", "step": 1, "epoch": 0, "loss": loss} for loss in (0.9, 0.5, 0.2)]
    lines += [{"kind": "validation", "step": 1, "epoch": 0, "loss": loss} for loss in (0.4, 0.3, 0.35)]
    found = result(tmp_path, lines)
    assert (found.first_loss, found.last_loss) == (0.9, 0.2)
    assert (found.validation_loss, found.best_validation_loss) == (0.35, 0.3)
    assert found.windows_per_second == 2
    assert found.picture == str(tmp_path / "reconstruction.png")
    assert set(found.as_metrics()).isdisjoint({"out", "finished", "stopped_by"})


def test_a_run_without_validation(tmp_path: Path) -> None:
    found = result(tmp_path, [])
    assert found.first_loss is found.validation_loss is found.best_validation_loss is None
    assert "- (best -)" in str(found)
    assert "training loss" not in str(found)  # of a model that is made in one pass, for instance


def test_a_run_of_a_single_interval_has_one_loss(tmp_path: Path) -> None:
    found = str(result(tmp_path, [{"kind": "train", "step": 3, "epoch": 0, "loss": 0.7}]))
    assert "training loss     0.7 in the mean\n" in found
    assert "at first" not in found


def test_a_notebook_shows_it_as_a_table(tmp_path: Path) -> None:
    table = ElementTree.fromstring(result(tmp_path, [])._repr_html_())
    assert table.findtext("caption/b") == "3 steps in 5.0 s of training"
    assert str(tmp_path / "report.html") in [cell.text for cell in table.iter("td")]
    stopped = ElementTree.fromstring(result(tmp_path, [], finished=False)._repr_html_())
    assert str(tmp_path / "report.html") not in [cell.text for cell in stopped.iter("td")]
