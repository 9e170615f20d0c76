"""Scores judged by labels: figures compared with counting, and the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.judging.evaluation import Figures, evaluate
from longstride.trainer.scoring.score_file import ScoreFile
from tests.helpers.errors import assert_refused, raises

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))
ABOUT = {"run": "runs/plant", "model": "lstm", "threshold": 1.5}
ROWS = 600
SEGMENTS = [(0, 250, 0), (250, 300, 0), (310, ROWS, 1)]
WITHOUT_SCORE = slice(280, 320)


def labels() -> NDArray[np.int8]:
    found = np.zeros((ROWS, 2), np.int8)
    for start, stop in [(40, 60), (245, 255), (295, 305), (500, 501)]:
        found[start:stop, 0] = 1
    found[350:380, 1] = 2
    return found


@pytest.fixture(scope="module")
def plant(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    return make_store(
        tmp_path_factory.mktemp("judged") / "plant.zarr",
        np.random.default_rng(1).standard_normal((ROWS, 3)).astype(np.float32),
        segments=SEGMENTS,
        series=("press-1", "press-2"),
        labels=labels(),
        label_names=("leak", "jam"),
    )


def within_segments(store: SeriesStore) -> NDArray[np.bool_]:
    found = np.zeros(store.num_rows, bool)
    for start, stop in zip(store.segments.start, store.segments.stop, strict=True):
        found[start:stop] = True
    return found


def scores_of(store: SeriesStore) -> NDArray[np.float64]:
    scores = np.random.default_rng(2).standard_normal(store.num_rows).round(1)
    scores[(labels() != 0).any(axis=1)] += 1.5
    scores[WITHOUT_SCORE] = np.nan
    return scores


@pytest.fixture(scope="module")
def scores(plant: SeriesStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    write(path, plant, scores_of(plant), ABOUT)
    return path


def write(path: Path, store: SeriesStore, found: NDArray[np.float64], about: dict[str, Any]) -> None:
    found = np.where(within_segments(store), found, np.nan)  # no window reaches the others
    with ScoreFile(path, ALONE, store, ("c0",)) as file:
        file.about = about
        file.write(0, found, found > 1.5, found[:, None])


def figures(plant: SeriesStore, scores: Path, **options: Any) -> dict[tuple[str, str], Figures]:
    found = evaluate(scores, plant, **options).figures
    return {(one.label, one.series): one for one in found}


def test_there_is_a_line_for_each_label_and_series_in_which_it_occurs(plant: SeriesStore, scores: Path) -> None:
    found = figures(plant, scores)
    assert list(found) == [
        ("leak", "press-1"),
        ("leak", "press-2"),
        ("leak", "all"),
        ("jam", "press-2"),
        ("jam", "all"),
        ("any", "press-1"),
        ("any", "press-2"),
        ("any", "all"),
    ]
    leak = found["leak", "press-1"]
    assert (leak.rows, leak.labelled, leak.unscored) == (280, 30, 5)
    assert leak.spans == 4  # one is cut where a segment ends, and the last has no score
    assert found["any", "all"].rows == ROWS - 40
    all_labelled = int((labels() != 0).any(axis=1).sum())
    assert found["any", "all"].labelled + found["any", "all"].unscored == all_labelled


@pytest.mark.parametrize("threshold", [None, 0.4])
def test_figures_equal_counting(plant: SeriesStore, scores: Path, threshold: float | None) -> None:
    one = figures(plant, scores, threshold=threshold)["leak", "press-1"]
    score, truth = scores_of(plant)[:280], labels()[:280, 0] != 0
    limit = 1.5 if threshold is None else threshold
    hits = int((truth & (score > limit)).sum())
    precision, recall = hits / int((score > limit).sum()), hits / int(truth.sum())
    assert (one.threshold, one.precision, one.recall) == pytest.approx((limit, precision, recall))
    assert one.f1 == pytest.approx(2 * precision * recall / (precision + recall))
    area = recall_before = best = 0.0
    for level in np.unique(score)[::-1]:
        found = score >= level
        precision, recall = truth[found].mean(), (truth & found).sum() / truth.sum()
        area += (recall - recall_before) * precision
        recall_before = recall
        best = max(best, 2 * precision * recall / (precision + recall))
    assert one.auc_pr == pytest.approx(area)
    assert one.best_f1 == pytest.approx(best)
    pairs = score[truth][:, None] - score[~truth][None]
    assert one.auc_roc == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_nothing_is_adjusted_to_the_best_row_of_a_span(plant: SeriesStore, tmp_path: Path) -> None:
    score = np.zeros(ROWS)
    score[[45, 250, 298, 500]] = 9.0  # one row of each span
    write(tmp_path / "few.parquet", plant, score, ABOUT)
    one = figures(plant, tmp_path / "few.parquet")["leak", "all"]
    assert one.precision == 1.0
    assert one.recall == pytest.approx(4 / 36)


def test_a_buffer_forgives_what_is_a_little_early(plant: SeriesStore, tmp_path: Path) -> None:
    early = np.roll((labels() != 0).any(axis=1), -10).astype(float)
    write(tmp_path / "early.parquet", plant, early, ABOUT)
    found = [
        figures(plant, tmp_path / "early.parquet", buffer=buffer)["any", "press-2"].vus_pr for buffer in (0, 40)
    ]
    assert found[1] > found[0] + 0.1


def printed(*arguments: Any) -> str:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    return result.output


def test_what_cannot_be_judged_is_one_line(
    plant: SeriesStore, scores: Path, make_store: MakeStore, tmp_path: Path
) -> None:
    other = make_store(tmp_path / "other.zarr", rows=50)
    assert_refused(printed("evaluate", scores, other.path), "scores-differ", scores, "600 rows", other.path, 50)
    later = make_store(tmp_path / "later.zarr", rows=ROWS, time=np.asarray(plant.time) + (np.arange(ROWS) > 4))
    assert_refused(printed("evaluate", scores, later.path), "scores-differ", scores, later.path, "row 5")
    pl.DataFrame({"time": [1], "score": [0.5]}).write_parquet(tmp_path / "plain.parquet")
    refused = printed("evaluate", tmp_path / "plain.parquet", plant.path)
    assert_refused(refused, "scores-format", tmp_path / "plain.parquet")
    (tmp_path / "text.parquet").write_text("time,score\n")
    refused = printed("plot", tmp_path / "text.parquet", plant.path, "--out", tmp_path / "a.png")
    assert_refused(refused, "scores-format", tmp_path / "text.parquet")
    refused = printed("evaluate", tmp_path / "absent.parquet", plant.path)
    assert_refused(refused, "scores-missing", tmp_path / "absent.parquet")
    write(tmp_path / "other.parquet", other, np.zeros(50), ABOUT)
    assert_refused(printed("evaluate", tmp_path / "other.parquet", other.path), "no-labels", other.path)
    write(tmp_path / "none.parquet", plant, np.full(ROWS, np.nan), ABOUT)
    with raises("no-labels", plant.path, kind=ScoresError):
        figures(plant, tmp_path / "none.parquet")


def test_a_store_that_was_forgotten_is_asked_for(plant: SeriesStore, scores: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["evaluate", str(scores)])
    assert result.exit_code == 2
    assert f"Error: {scores} is the only argument" in result.output
    result = CliRunner().invoke(main, ["score", str(tmp_path), "--out", "scores.parquet"])
    assert result.exit_code == 2
    assert f"Error: {tmp_path} is the only argument: give a run or several first" in result.output
    assert_refused(printed("evaluate", scores, scores), "store-missing", scores, "is a file")
    assert_refused(printed("evaluate", plant.path, scores), "store-missing", scores, "at the end the store")
    refused = printed("plot", plant.path, scores, "--out", tmp_path / "scores.png")
    assert_refused(refused, "store-missing", scores, "at the end the store")


def test_the_command_line_shows_several_files_side_by_side(
    plant: SeriesStore, scores: Path, tmp_path: Path
) -> None:
    command = ["evaluate", str(scores)]
    result = CliRunner().invoke(main, [*command, str(plant.path)], catch_exceptions=False)
    assert "--model pca" in result.output
    assert re.search(r"leak +press-1 +280 +30 +4 +0\.1071 ", result.output)
    assert f"5 rows labelled leak in {plant.path}, series press-1, have no score" in result.output
    write(tmp_path / "pca.parquet", plant, scores_of(plant), ABOUT | {"model": "pca", "threshold": 0.4})
    command += [str(tmp_path / "pca.parquet"), str(plant.path)]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "--model pca" not in result.output
    assert "pca of runs/plant, threshold 0.4" in result.output
    result = CliRunner().invoke(main, [*command, "--json", "--buffer", "30"], catch_exceptions=False)
    lines = json.loads(result.output)
    assert len(lines) == 16
    assert {line["model"] for line in lines} == {"lstm", "pca"}
    assert lines[0]["vus_pr"] == figures(plant, scores, buffer=30)["leak", "press-1"].vus_pr


@pytest.mark.parametrize("more", [[], ["--rows", "320:321"], ["--rows", "0:300", "--channels", "c2, c0"]])
def test_a_picture_of_them(plant: SeriesStore, scores: Path, tmp_path: Path, more: list[str]) -> None:
    command = ["plot", str(scores), str(plant.path), "--out", str(tmp_path / "new" / "scores.png"), *more]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.output.strip() == str(tmp_path / "new" / "scores.png")
    assert (tmp_path / "new" / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_what_is_not_there(plant: SeriesStore, scores: Path, tmp_path: Path) -> None:
    command = ["plot", scores, plant.path, "--out", tmp_path / "scores.png"]
    assert_refused(printed(*command, "--rows", "590:700"), "rows-outside", "590:700", "0 to 600")
    assert_refused(printed(*command, "--channels", "c0,speed"), "column-missing", "speed", "c0, c1, c2")
    assert not (tmp_path / "scores.png").exists()
    refused = printed("plot", scores, plant.path, "--out", tmp_path / "scores.gif2")
    assert_refused(refused, "option-value", "scores.gif2", ".png, .svg, .pdf")
