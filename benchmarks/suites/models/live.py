"""`python -m benchmarks live`: how many rows a detector scores, as they come."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import JSON, count, folder, listed
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Live", "Pace", "live"]

TRAINED_ROWS = 12_000
SINGLE_ROWS = 200
"""Rows that are scored one by one in each round."""

LIVE = """\
## Live scores

Rows of {num_channels} channels, scored as they come by models with windows of K = {window} rows: each row by the
window that it ends. Sizes are the defaults of `longstride train`, but for the width in brackets, with a quarter of
it as `latent`. {batch} rows come at once, of one series or of as many series. The rate is by processor time, of
all threads, so that other work of the machine does not count. Where `every` is not 1, one row in so many is
scored. The latency is that of a row that comes alone, from the call to its score, by the clock; other work of
the machine shows in its 99th percentile.

    python -m benchmarks live
"""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Figures of one model on rows of one series, or of as many series as rows."""

    model: str
    hidden: int | None
    """Width, where the model has one."""
    series: int
    every: int
    rows_per_cpu_second: Spread
    latency_milliseconds: Spread | None = None
    """Median of a round."""
    slowest_milliseconds: Spread | None = None
    """99th percentile of a round."""


@dataclass(frozen=True, kw_only=True)
class Live(Result):
    """A detector with several models."""

    BENCHMARK = "live"
    INTRODUCTION = LIVE
    num_channels: int
    window: int
    batch: int
    rows: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    rounds: int
    paces: tuple[Pace, ...] = ()

    def table(self) -> Table:
        """A row a case."""
        return Table.of(
            self.paces,
            {
                "model": lambda pace: pace.model + (f" ({pace.hidden})" if pace.hidden else ""),
                "series": lambda pace: f"{pace.series:,}",
                "every": lambda pace: f"{pace.every}",
                "rows/s of processor time": lambda pace: _whole(pace.rows_per_cpu_second),
                "latency": lambda pace: _milliseconds(pace.latency_milliseconds),
                "99th percentile": lambda pace: _milliseconds(pace.slowest_milliseconds),
            },
        )


@click.command(epilog=example("python -m benchmarks live --models pca,lstm --json live.json"))
@listed("--models", "pca,lstm,lstm:64,tcn,patch", "As `longstride train` names them, and perhaps a width.", str)
@listed("--every", "1,4", "One row in so many is scored.")
@count("--channels", 32, "Channels of a row.", "num_channels")
@count("--window", 64, "Rows of a window.")
@count("--batch", 256, "Rows that come at once.")
@count("--rows", 25_600, "Rows of a round; a tenth of models other than PCA.")
@count("--rounds", 5, "Measurements of each case.")
@folder("build/live")
@JSON
def live(
    models: Sequence[str], every: Sequence[int], folder: Path, json_path: Path | None, **options: Any
) -> None:
    """How many rows a second `longstride.Detector` scores, and how long a single row takes.

    Runs of a few steps are made in --folder once, and kept: how fast a model is does not depend on its weights.
    """
    asked = Live(**options)
    found = tuple(_measure(asked, models, every, folder))
    replace(asked, paces=found).show(json_path)


def _measure(asked: Live, models: Sequence[str], every: Sequence[int], folder: Path) -> Iterator[Pace]:
    import numpy as np
    from tqdm import tqdm

    values = np.random.default_rng(SEED).standard_normal((TRAINED_ROWS, asked.num_channels)).astype(np.float32)
    cases = [(word, number, skipped) for word in models for skipped in every for number in (1, asked.batch)]
    for word, number, skipped in tqdm(cases, desc="live", unit="case", disable=None):
        model, _, width = word.partition(":")
        run = _run_of(folder, values, asked, model, int(width) if width else None)
        yield _pace(asked, run, values[: asked.batch], model, number, skipped)


def _run_of(folder: Path, values: "NDArray[np.float32]", asked: Live, model: str, hidden: int | None) -> Path:
    """The run of a model, trained if it is not there."""
    import longstride
    from longstride.trainer.settings import FITTED

    run = folder / f"{model}-{hidden or 'default'}-{asked.window}x{asked.num_channels}"
    if not (run / "calibration.pt").exists():
        sizes: dict[str, Any] = {} if hidden is None else {"hidden": hidden, "latent": max(1, hidden // 4)}
        steps: dict[str, Any] = {} if model in FITTED else {"max_steps": 2}
        data = longstride.from_array(values, step="1s")
        longstride.train(data, run, model=model, window=asked.window, device="cpu", seed=SEED, **sizes, **steps)
    return run


def _pace(asked: Live, run: Path, values: "NDArray[np.float32]", model: str, num_series: int, every: int) -> Pace:
    import numpy as np

    from longstride import Detector
    from longstride.trainer.saved.checkpoint import best_first, first_whole
    from longstride.trainer.saved.run_settings import settings_of
    from longstride.trainer.settings import FITTED

    names = [str(number % num_series) for number in range(len(values))]
    detector = Detector(run, device="cpu", every=every, alarms=0.05)
    for _ in range(asked.window * num_series // len(values) + 2):  # until every series has a window
        detector.score(values, series=names)
    rows = asked.rows if model == "pca" else asked.rows // 10
    pushes = max(1, rows // len(values))
    rates = [_rate(lambda: detector.score(values, series=names), pushes, len(values)) for _ in range(asked.rounds)]
    latencies = [_latencies(lambda row: detector.score(row, series="0"), values) for _ in range(asked.rounds)]
    is_shown = num_series == 1 and every == 1
    median, slowest = (Spread.of([float(np.quantile(one, share)) for one in latencies]) for share in (0.5, 0.99))
    settings, _ = settings_of(run, first_whole(best_first(run / "checkpoints"), run))
    return Pace(
        model=model,
        hidden=None if model in FITTED else settings.model.hidden,
        series=num_series,
        every=every,
        rows_per_cpu_second=Spread.of(rates),
        latency_milliseconds=median if is_shown else None,
        slowest_milliseconds=slowest if is_shown else None,
    )


def _rate(push: Callable[[], object], pushes: int, num_rows: int) -> float:
    """Rows a second of processor time, of all threads."""
    begin = time.process_time()
    for _ in range(pushes):
        push()
    return pushes * num_rows / (time.process_time() - begin)


def _latencies(score: Callable[["NDArray[np.float32]"], object], values: "NDArray[np.float32]") -> list[float]:
    """Milliseconds of each of some rows that come alone."""
    found = []
    for number in range(SINGLE_ROWS):
        begin = time.perf_counter()
        score(values[number % len(values)])
        found.append(1000 * (time.perf_counter() - begin))
    return found


def _whole(rate: Spread) -> str:
    return f"{rate.median:,.0f} ({rate.minimum:,.0f} to {rate.maximum:,.0f})"


def _milliseconds(figure: Spread | None) -> str:
    return "" if figure is None else f"{spread(figure)} ms"
