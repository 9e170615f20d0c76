"""Small logs, what is proposed for them, and what becomes of the proposal in an ingest."""

import gzip
import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from click.testing import CliRunner

from longstride import Proposal, Recipe, profile
from longstride.__main__ import main
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore

START = datetime(2024, 3, 18, 9, 30)


def times(count: int, *, step: float = 60, start: datetime = START, form: str = "%Y-%m-%d %H:%M:%S") -> list[str]:
    return [(start + timedelta(seconds=step * index)).strftime(form) for index in range(count)]


def unsteady(count: int) -> list[str]:
    """Times without a usual step."""
    seconds = np.cumsum(np.random.default_rng(0).exponential(100, count))
    return [(START + timedelta(seconds=float(second))).isoformat() for second in seconds]


def wave(count: int, *, seed: int = 0, now_and_then: str | None = None) -> list[str]:
    """Numbers as of a sensor, with another text in every tenth row."""
    numbers = [f"{number:.2f}" for number in np.random.default_rng(seed).uniform(10, 20, count)]
    return [now_and_then if now_and_then and row % 10 == 3 else number for row, number in enumerate(numbers)]


def log(header: str, *columns: Iterable[object], mark: str = ",") -> list[str]:
    return [header, *(mark.join(map(str, row)) for row in zip(*columns, strict=True))]


def propose(*paths: Path, rows: int = 10_000) -> Proposal:
    """Also checks that the text of a proposal is the recipe that it means; raises the question that it leaves."""
    found = profile([str(path) for path in paths], rows=rows)
    if found.question is not None:
        raise found.question
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "proposed.toml")
        recipe.write_text(found.as_toml(), encoding="utf-8")
        assert Recipe.from_toml(recipe) == found.recipe
    return found


def doubted(found: Proposal, text: str) -> bool:
    return any(text in doubt for doubt in found.doubts)


def ingest(*sources: Path, out: Path, edits: str = "") -> SeriesStore:
    """Save what `profile` prints, with edits below it, and ingest with that."""
    proposal = CliRunner().invoke(main, ["profile", *map(str, sources)], catch_exceptions=False)
    assert proposal.exit_code == 0, proposal.output
    recipe = out.with_suffix(".toml")
    recipe.write_text(proposal.stdout + edits, encoding="utf-8")
    command = ["ingest", *map(str, sources), "--recipe", str(recipe), "--out", str(out), "--json"]
    run = CliRunner().invoke(main, command, catch_exceptions=False)
    assert run.exit_code == 0, run.output
    return open_store(out)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a log in the format of the suffix."""
    kind, _, compression = path.name.partition(".")[2].partition(".")
    writers = {
        "csv": frame.write_csv,
        "ndjson": frame.write_ndjson,
        "parquet": frame.write_parquet,
        "feather": frame.write_ipc,
    }
    plain = path.with_name(f"plain.{kind}")
    writers[kind](plain)
    path.write_bytes(gzip.compress(plain.read_bytes()) if compression else plain.read_bytes())
    plain.unlink()
