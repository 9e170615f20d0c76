import json
from pathlib import Path

import pytest

from longstride.trainer.engine.metrics import Interval, MetricsLog, read_metrics


def log_to(tmp_path: Path, *, epoch: int = 0, step: int = 0) -> MetricsLog:
    return MetricsLog(tmp_path / "metrics.jsonl", tmp_path / "tensorboard", epoch=epoch, step=step)


def test_interval_is_the_mean_over_valid_values() -> None:
    interval = Interval(start=10)
    interval.add(error=3.0, num_valid=2, num_windows=8, seconds=0.5, wait=0.1)
    interval.add(error=1.0, num_valid=6, num_windows=8, seconds=1.5, wait=0.3)
    assert (interval.loss, interval.windows_per_second) == (0.5, 8)
    assert interval.data_wait_share == pytest.approx(0.2)


def test_what_is_past_the_resumed_state_is_dropped(tmp_path: Path) -> None:
    with log_to(tmp_path) as log:
        for step in (10, 20, 30):
            log.write("train", step, epoch=step // 20, loss=1.0 / step)
        log.write("validation", 20, epoch=0, loss=0.5)
        log.write("validation", 30, epoch=1, loss=0.4)
        log.write("summary", 30, steps=30)
    with log_to(tmp_path, epoch=1, step=20) as log:
        log.write("train", 30, epoch=1, loss=0.1)
    kept = [(line["kind"], line["step"]) for line in read_metrics(tmp_path / "metrics.jsonl")]
    assert kept == [("train", 10), ("train", 20), ("validation", 20), ("train", 30)]


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    whole = '{"kind": "train", "step": 5, "epoch": 0, "loss": 0.5}\n'
    (tmp_path / "metrics.jsonl").write_text(whole + '{"kind": "tra')
    assert read_metrics(tmp_path / "metrics.jsonl") == [json.loads(whole)]
    with log_to(tmp_path, step=5):
        pass
    assert (tmp_path / "metrics.jsonl").read_text() == whole


def test_json_has_no_nan(tmp_path: Path) -> None:
    with log_to(tmp_path) as log:
        log.write("train", 1, loss=float("nan"), grad_norm=float("inf"))
    line = (tmp_path / "metrics.jsonl").read_text()
    assert json.loads(line) == {"kind": "train", "step": 1, "loss": None, "grad_norm": None}


def test_tensorboard_holds_the_same_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with log_to(tmp_path) as log:
        for step in (1, 2):
            log.write("train", step, epoch=0, loss=1.0 / step)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(1, 1.0), (2, 0.5)]
