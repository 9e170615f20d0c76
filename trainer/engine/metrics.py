"""What is measured while training: the current interval, `metrics.jsonl` and TensorBoard."""

import json
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from longstride.storage.atomic import naming, write_file
from longstride.storage.packages import PackageError, needs
from longstride.storage.places.files import read_file

__all__ = ["Interval", "MetricsLog", "read_metrics"]

KINDS = ("train", "validation", "summary")
MAX_BYTES = 2**32
MAX_SHOWN = 5
"""Numbers of damaged lines in a warning."""

logger = logging.getLogger(__name__)


@dataclass
class Interval:
    """Sums over the steps since `start`; kept in checkpoints, so that a resumed run logs the same figures."""

    start: int = 0
    """Steps of the run before the first of this interval."""
    error: float = 0.0
    """Sum over the valid values of all ranks."""
    num_valid: float = 0.0
    num_windows: int = 0
    """Windows of all ranks."""
    seconds: float = 0.0
    wait_seconds: float = 0.0
    """Part of `seconds` in which the loop waited for the loader."""
    lr: float = math.nan
    """Learning rate of the last step."""
    step_seconds: list[float] = field(default_factory=list)
    """Seconds of each step; empty in the sums of a whole run."""

    def add(self, error: float, num_valid: float, num_windows: int, seconds: float, wait: float) -> None:
        """Count one step."""
        self.error += error
        self.num_valid += num_valid
        self.num_windows += num_windows
        self.seconds += seconds
        self.wait_seconds += wait

    @property
    def loss(self) -> float:
        """Mean error over the valid values; NaN where there were none."""
        return self.error / self.num_valid if self.num_valid else math.nan

    @property
    def windows_per_second(self) -> float:
        """Windows per second of all ranks together."""
        return self.num_windows / self.seconds if self.seconds else math.nan

    @property
    def step_milliseconds(self) -> dict[str, float]:
        """The time of a step that half, nine tenths and all but a hundredth of them stay below."""
        times = sorted(self.step_seconds) or [math.nan]
        return {f"step_ms_p{p}": 1000 * times[math.ceil(p / 100 * len(times)) - 1] for p in (50, 90, 99)}

    @property
    def data_wait_share(self) -> float:
        """Share of the time in which the loop waited for the loader, 0 to 1."""
        return self.wait_seconds / self.seconds if self.seconds else math.nan


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Every line of a `metrics.jsonl`; a last line cut short by a kill is left out.

    Damaged lines are left out too, with a warning: nothing but reports is made of them.
    """
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    damaged: list[int] = []
    for number, text in enumerate(read_file(path, max_bytes=MAX_BYTES).split(b"\n")[:-1], start=1):
        line = _parse(text)
        if line is None:
            damaged.append(number)
        else:
            lines.append(line)
    if damaged:
        shown = ", ".join(map(str, damaged[:MAX_SHOWN])) + (", ..." if len(damaged) > MAX_SHOWN else "")
        logger.warning(f"{path}: {len(damaged)} damaged lines are left out (line {shown})")
    return lines


def _parse(text: bytes) -> dict[str, Any] | None:
    """A line as `MetricsLog` writes it, or None."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or line.get("kind") not in KINDS:
        return None
    counts = [line.get("step"), *([line.get("epoch")] if line["kind"] != "summary" else [])]
    if not all(isinstance(count, int) for count in counts):
        return None
    figures = [value for name, value in line.items() if name != "kind" and line["kind"] != "summary"]
    is_whole = "loss" in line or line["kind"] == "summary"
    return line if is_whole and all(value is None or _is_figure(value) for value in figures) else None


def _is_figure(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


class MetricsLog:
    """Writes each line to `metrics.jsonl` and its numbers to TensorBoard, if it is installed; for rank 0 alone."""

    def __init__(self, path: Path, tensorboard: Path | None, *, epoch: int, step: int) -> None:
        """Drop lines that were logged after the state that training resumes from, so that none is there twice.

        `epoch` is the one that state is in and `step` the start of its interval. Without a folder for TensorBoard
        there are no curves.
        """
        lines = read_metrics(path)
        kept = [line for line in lines if _is_before(line, epoch, step)]
        self._before = {(line["kind"], line["step"]) for line in lines}
        write_file(path, ["".join(json.dumps(line) + "\n" for line in kept).encode()])
        self._path = path
        self._file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115
        self._board = None if tensorboard is None else _board(tensorboard, step)

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board:
            self._board.close()

    def had(self, kind: str, step: int) -> bool:
        """Whether such a line was logged before this start, although it may have been dropped since."""
        return (kind, step) in self._before

    def write(self, kind: str, step: int, **figures: float | int | str | None) -> dict[str, Any]:
        """Add a line of a kind: train, validation or summary; returns it. JSON has no NaN: those become null."""
        finite = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in figures.items()
        }
        line = {"kind": kind, "step": step, **finite}
        with naming(self._path):
            self._file.write(json.dumps(line) + "\n")
        for name, value in finite.items():
            if self._board and isinstance(value, int | float) and name != "epoch" and kind != "summary":
                self._board.add_scalar(f"{kind}/{name}", value, step)
        return line


def _board(folder: Path, step: int) -> Any:
    """A writer of TensorBoard's curves, or None where TensorBoard is not installed."""
    try:
        needs("tensorboard")
    except PackageError as error:
        logger.warning("no curves in %s: %s", folder, error)
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)


def _is_before(line: dict[str, Any], epoch: int, step: int) -> bool:
    match line["kind"]:
        case "train":
            return bool(line["step"] <= step)
        case "validation":
            return bool(line["epoch"] < epoch)
        case _:
            return False
