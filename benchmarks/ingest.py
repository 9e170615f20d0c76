"""`python -m benchmarks ingest`: MB/s and memory of an ingest, beside Polars writing the same CSV to Parquet."""

import json
import multiprocessing
import resource
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.timing import Spread

__all__ = ["IngestFigures", "measure", "render", "write_log"]

SEED = 0
WAYS = ("longstride", "polars", "longstride, 4 files")
ROWS_PER_PIECE = 50_000


@dataclass(frozen=True, kw_only=True)
class IngestFigures:
    """One way of reading the log."""

    megabytes_per_second: Spread
    rows_per_second: Spread
    ratio_to_polars: Spread
    peak_megabytes: Spread
    """Peak resident memory of the process, which does nothing else."""


def write_log(folder: Path, num_rows: int, num_columns: int, num_files: int = 4) -> list[Path]:
    """Write random walks rounded to 3 decimals as CSV files that follow each other in time."""
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.Generator(np.random.PCG64(SEED))
    start = np.datetime64("2025-01-06T00:00:00", "ms")
    level = random.uniform(10, 90, num_columns)
    paths = [folder / f"log-{number + 1}.csv" for number in range(num_files)]
    with tqdm(total=num_rows * num_files, desc="write", unit=" rows", unit_scale=True, disable=None) as bar:
        for number, path in enumerate(paths):
            with open(path, "wb") as file:
                for row in range(0, num_rows, ROWS_PER_PIECE):
                    rows = min(ROWS_PER_PIECE, num_rows - row)
                    walk = level + np.cumsum(random.normal(0, 0.05, (rows, num_columns)), axis=0)
                    level = walk[-1]
                    seconds = np.arange(rows) + row + number * num_rows
                    stamps = pl.Series(start + (1000 * seconds).astype("timedelta64[ms]")).dt.strftime(
                        "%Y-%m-%d %H:%M:%S"
                    )
                    columns = {f"sensor_{index}": np.round(walk[:, index], 3) for index in range(num_columns)}
                    pl.DataFrame({"time": stamps, **columns}).write_csv(file, include_header=row == 0)
                    bar.update(rows)
    return paths


def measure(logs: list[Path], folder: Path, *, num_rows: int, runs: int) -> dict[str, IngestFigures]:
    """Run all ways in turn, each time in a process of its own; the first round only warms the page cache."""
    rounds: list[dict[str, tuple[float, float]]] = []
    for _ in tqdm(range(runs + 1), desc="measure", unit="round", disable=None):
        rounds.append({way: _run_alone(way, logs, folder) for way in WAYS})
    return {way: _figures(way, rounds[1:], logs, num_rows) for way in WAYS}


def render(figures: dict[str, IngestFigures]) -> str:
    """Table for a terminal."""
    lines = [f"{'':<22} {'MB/s':>8} {'rows/s':>12} {'times Polars':>22} {'peak MB':>10}"]
    for way, row in figures.items():
        ratio = row.ratio_to_polars
        lines.append(
            f"{way:<22} {row.megabytes_per_second.median:>8.0f} {row.rows_per_second.median:>12,.0f}"
            f" {ratio.median:>8.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
            f" {row.peak_megabytes.median:>10,.0f}"
        )
    return "\n".join(lines)


def as_json(figures: dict[str, IngestFigures], num_rows: int, num_columns: int, runs: int) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "ingest",
        "num_rows": num_rows,
        "num_columns": num_columns,
        "runs": runs,
        "seed": SEED,
        "ways": {way: asdict(row) for way, row in figures.items()},
    }


def _figures(
    way: str, rounds: list[dict[str, tuple[float, float]]], logs: list[Path], num_rows: int
) -> IngestFigures:
    num_files = len(_sources(way, logs))
    num_bytes = sum(path.stat().st_size for path in _sources(way, logs))
    polars_bytes = logs[0].stat().st_size
    return IngestFigures(
        megabytes_per_second=Spread.of([num_bytes / 1e6 / done[way][0] for done in rounds]),
        rows_per_second=Spread.of([num_files * num_rows / done[way][0] for done in rounds]),
        ratio_to_polars=Spread.of(
            [(num_bytes / done[way][0]) / (polars_bytes / done["polars"][0]) for done in rounds]
        ),
        peak_megabytes=Spread.of([done[way][1] for done in rounds]),
    )


def _sources(way: str, logs: list[Path]) -> list[Path]:
    return logs if way.endswith("4 files") else logs[:1]


def _run_alone(way: str, logs: list[Path], folder: Path) -> tuple[float, float]:
    """Seconds and peak resident megabytes of one run in a new process, imports not counted in the seconds."""
    result = folder / "result.json"
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(way, logs, folder, result))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{way} ended with exit code {process.exitcode}")
    seconds, peak = json.loads(result.read_text())
    return seconds, peak


def _run(way: str, logs: list[Path], folder: Path, result: Path) -> None:
    sources = _sources(way, logs)
    if way == "polars":
        import polars as pl

        begin = time.perf_counter()
        pl.scan_csv(sources[0], try_parse_dates=True).sink_parquet(folder / "polars.parquet")
    else:
        from pipeline.ingest import Recipe, ingest

        store = folder / "ours.zarr"
        shutil.rmtree(store, ignore_errors=True)
        begin = time.perf_counter()
        ingest(sources, store, Recipe(time="time"))
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    result.write_text(json.dumps([seconds, peak]))
