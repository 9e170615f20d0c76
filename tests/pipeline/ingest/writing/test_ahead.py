"""Rows that are written while later ones are read make the very same store."""

from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.writing import write
from longstride.pipeline.ingest.writing.buckets import BucketsInOrder, OutOfOrderError
from tests.helpers.errors import raises
from tests.helpers.logs.ingest_jobs import RECIPE, SMALL_CHUNKS, contents, write_logs

SMALL_PIECES = {"piece_bytes": 20_000}
SECOND_STAGE = mock.patch.object(write, "plan_buckets", wraps=write.plan_buckets)
NOT_AHEAD = mock.patch.object(BucketsInOrder, "add", side_effect=OutOfOrderError)


def same_store(
    sources: list[Path], folder: Path, recipe: Recipe, *, is_ahead: bool = True, **options: int
) -> None:
    """Ingest twice, the second time by the second stage alone."""
    with SMALL_CHUNKS, SECOND_STAGE as second:
        ingest(sources, folder / "ahead", recipe, **SMALL_PIECES, **options)
        assert second.called != is_ahead
    with SMALL_CHUNKS, NOT_AHEAD:
        ingest(sources, folder / "behind", recipe, **SMALL_PIECES, bucket_bytes=50_000)
    assert contents(folder / "ahead") == contents(folder / "behind")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"every": "7m", "max_gap": "1h"},
        {"rate": ("a",), "fill": "linear", "fill_limit": "1h"},
        {"duplicates": "mean", "split_on_missing": "5m"},
    ],
    ids=["plain", "grid", "rate and fill", "mean"],
)
def test_rows_in_order_make_the_same_store(tmp_path: Path, settings: dict[str, object]) -> None:
    sources = write_logs(tmp_path / "logs", 30_000, in_order=True)
    same_store(sources, tmp_path, replace(RECIPE, **settings))


def test_workers_leave_parts_for_it(tmp_path: Path) -> None:
    sources = write_logs(tmp_path / "logs", 30_000, in_order=True)
    same_store(sources, tmp_path, RECIPE, workers=2)


def test_rows_that_repeat_the_last_of_a_piece_are_settled_with_it(tmp_path: Path) -> None:
    """Ten rows of one time each, across pieces: none of them is in two buckets."""
    log = tmp_path / "log.csv"
    log.write_text("time,a\n" + "".join(f"{row // 10 * 60},{row}\n" for row in range(30_000)))
    for policy in ("first", "last", "mean", "spread"):
        (folder := tmp_path / policy).mkdir()
        spread = {"spread_over": "1m"} if policy == "spread" else {}
        same_store([log], folder, Recipe(time="time", time_format="s", duplicates=policy, **spread))


def test_rows_that_are_counted_get_the_same_times(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("a,b\n" + "".join(f"{row},{row / 3:.3f}\n" for row in range(30_000)))
    same_store([log], tmp_path, Recipe(every="1s", start="2024-01-01"))


def test_one_row_out_of_order_near_the_end_begins_again(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    times = [*range(30_000), 12]
    log.write_text("time,a\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times)))
    recipe = Recipe(time="time", time_format="s", duplicates="last")
    same_store([log], tmp_path, recipe, is_ahead=False)


def test_an_error_among_rows_written_ahead_is_that_of_the_second_stage(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    times = [*range(20_000), *range(19_999, 30_000)]
    log.write_text("time,a\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times)))
    with raises("time-repeated", "line 20002"):
        ingest([log], tmp_path / "out", Recipe(time="time", time_format="s"), **SMALL_PIECES)
    assert not (tmp_path / "out").exists()
