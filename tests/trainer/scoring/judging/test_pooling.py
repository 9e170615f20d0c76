"""Some rows, one label, several series and several stores: the figures of the same rows elsewhere."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import ScoresError, SettingsError
from longstride.trainer.scoring.judging.evaluation import evaluate
from longstride.trainer.scoring.judging.figures import Figures
from longstride.trainer.scoring.score_file import ScoreFile
from tests.helpers.errors import assert_refused, raises
from tests.helpers.html_tags import tags_of

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))
ABOUT = {"run": "runs/plant", "model": "pca", "threshold": 1.0, "window": 8}
ROWS = 1200
PARTS = [(0, 400, 0), (400, 700, 1), (700, 900, 0), (900, ROWS, 1)]
"""Two series, each in two parts, as an append to several series leaves them."""


def made(make_store: MakeStore, folder: Path, name: str, rows: np.ndarray[Any, Any], **more: Any) -> SeriesStore:
    """A store of some of the rows, and its scores."""
    generator = np.random.default_rng(4)
    values, scores = generator.standard_normal((ROWS, 1)).astype(np.float32), generator.standard_normal(ROWS)
    labels = np.zeros((ROWS, 2), np.int8)
    for start, stop in [(50, 90), (300, 301), (500, 540), (650, 690), (750, 770), (1000, 1100)]:
        labels[start:stop, 0] = 1
        scores[start + 5 : stop] += 1.2
    labels[820:840, 1] = 1
    time = 1_709_251_200 * 10**9 + 10**9 * np.arange(ROWS)
    store = make_store(folder / f"{name}.zarr", values[rows], labels=labels[rows], time=time[rows],
                       label_names=("leak", "jam"), **more)  # fmt: skip
    with ScoreFile(folder / f"{name}.parquet", ALONE, store, ("c0",)) as file:
        file.about = ABOUT
        file.write(0, scores[rows], scores[rows] > 1.0, scores[rows, None])
    return store


@pytest.fixture(scope="module")
def folder(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pooling")
    row = np.arange(ROWS)
    made(make_store, folder, "whole", row, segments=PARTS, series=("a", "b"))
    a = np.concatenate([row[:400], row[700:900]])
    b = np.concatenate([row[400:700], row[900:]])
    made(make_store, folder, "a", a, segments=[(0, 400, 0), (400, 600, 0)], series=("a",))
    made(make_store, folder, "b", b, segments=[(0, 300, 0), (300, 600, 0)], series=("b",))
    made(make_store, folder, "late", row[350:1050], series=("a", "b"),
         segments=[(0, 50, 0), (50, 350, 1), (350, 550, 0), (550, 700, 1)])  # fmt: skip
    return folder


def judged(folder: Path, *names: str, **options: Any) -> dict[tuple[str, str, str], Figures]:
    files, stores = [folder / f"{name}.parquet" for name in names], [folder / f"{name}.zarr" for name in names]
    found = (
        evaluate(files, stores, **options).figures
        if len(names) > 1
        else evaluate(files[0], stores[0], **options).figures
    )
    return {(Path(one.store).stem, one.label, one.series): one for one in found}


def assert_same(one: Figures, other: Figures) -> None:
    same = replace(one, store=other.store, series=other.series)
    for name, value in vars(same).items():
        expected = getattr(other, name)
        if isinstance(value, float):
            assert value == pytest.approx(expected, nan_ok=True), name
        else:
            assert value == expected, name


def test_a_series_in_several_parts_is_judged_alone(folder: Path) -> None:
    """Its rows do not lie together: an append puts new rows of every series at the end."""
    whole = judged(folder, "whole")
    for name in ("a", "b"):
        assert_same(whole["whole", "leak", name], judged(folder, name)[name, "leak", "all"])
    assert ("whole", "jam", "b") not in whole


def test_stores_are_judged_one_by_one_and_together(folder: Path) -> None:
    found = judged(folder, "a", "b")
    assert [key for key in found if key[0] == "all"] == [
        ("all", "leak", "all"),
        ("all", "jam", "all"),
        ("all", "any", "all"),
    ]
    assert_same(found["a", "leak", "all"], judged(folder, "a")["a", "leak", "all"])
    for label in ("leak", "jam", "any"):
        assert_same(found["all", label, "all"], judged(folder, "whole")["whole", label, "all"])


@pytest.mark.parametrize(
    "chosen",
    [
        {"rows": (350, 1050)},
        {"since": "2024-03-01T00:05:50", "until": "2024-03-01T00:17:30Z"},
        {"rows": (0, 1050), "since": "2024-03-01T00:05:50"},
    ],
)
def test_some_rows_are_judged_as_if_there_were_no_others(folder: Path, chosen: dict[str, Any]) -> None:
    some, late = judged(folder, "whole", **chosen), judged(folder, "late")
    assert len(some) == len(late)
    for key, one in late.items():
        assert_same(some[("whole", *key[1:])], one)


def test_scores_of_some_rows_are_judged(folder: Path, make_store: MakeStore, tmp_path: Path) -> None:
    store = longstride.open(folder / "whole.zarr")
    every = np.arange(ROWS)
    rows = np.array([[350, 1050]])
    with ScoreFile(tmp_path / "some.parquet", ALONE, store, ("c0",), rows=rows) as file:
        file.about = ABOUT | {"store": {"rows": ROWS}}
        file.write(350, every[350:1050] % 3.0, every[350:1050] < 0, every[350:1050, None] * 1.0)
    found = evaluate(tmp_path / "some.parquet", store).figures
    assert {one.series: one.rows for one in found if one.label == "leak"} == {"a": 250, "b": 450, "all": 700}
    assert all(one.unscored == 0 for one in found)


def test_one_label(folder: Path) -> None:
    found = judged(folder, "whole", label="jam")
    assert [key[1:] for key in found] == [("jam", "a"), ("jam", "all")]
    assert {key[1] for key in judged(folder, "whole", label="any")} == {"any"}
    with raises("column-missing", "crack", "leak, jam", kind=ScoresError):
        judged(folder, "whole", label="crack")


def test_every_file_alarms_by_its_own_threshold(make_store: MakeStore, folder: Path, tmp_path: Path) -> None:
    for name, threshold in (("a", 1.0), ("b", 1.5)):
        store = longstride.open(folder / f"{name}.zarr")
        scores = np.linspace(0, 2, store.num_rows)
        with ScoreFile(tmp_path / f"{name}.parquet", ALONE, store, ("c0",)) as file:
            file.about = ABOUT | {"threshold": threshold}
            file.write(0, scores, scores > threshold, scores[:, None])
    files, stores = [tmp_path / "a.parquet", tmp_path / "b.parquet"], [folder / "a.zarr", folder / "b.zarr"]
    found = {(Path(one.store).stem, one.label): one for one in evaluate(files, stores).figures}
    alone, together = (found["a", "leak"], found["b", "leak"]), found["all", "leak"]
    assert math.isnan(together.threshold)
    hits = sum(one.recall * one.labelled for one in alone)
    assert together.recall == pytest.approx(hits / together.labelled)
    assert together.events == sum(one.events for one in alone) == 3  # one is cut where a segment ends
    assert judged_threshold(files, stores) == {1.2}


def judged_threshold(files: list[Path], stores: list[Path]) -> set[float]:
    return {one.threshold for one in evaluate(files, stores, threshold=1.2).figures}


def test_the_command(folder: Path) -> None:
    paths = [str(folder / name) for name in ("a.parquet", "a.zarr", "b.parquet", "b.zarr")]
    result = CliRunner().invoke(main, ["evaluate", *paths, "--label", "leak"], catch_exceptions=False)
    assert "event precision" in result.output
    assert result.output.count(f"{folder / 'a.zarr'}  leak") == 2
    shown = ["evaluate", *paths, "--json", "--since", "2024-03-01T00:01:00", "--rows", "0:600"]
    lines = json.loads(CliRunner().invoke(main, shown, catch_exceptions=False).output)
    assert {line["store"] for line in lines} == {"all", paths[1], paths[3]}
    assert set(lines[0]["delay_rows"]) == {"low", "median", "high"}
    assert evaluate(folder / "a.parquet", folder / "a.zarr")._repr_html_().count("<table") == 2


def test_each_span_is_found_or_not(folder: Path) -> None:
    spans = evaluate(folder / "whole.parquet", folder / "whole.zarr").spans
    figures = judged(folder, "whole")["whole", "leak", "all"]
    leaks = [span for span in spans if span.label == "leak"]
    assert [(span.series, span.rows) for span in leaks] == [
        ("a", 40), ("a", 1), ("b", 40), ("b", 40), ("a", 20), ("b", 100)
    ]  # fmt: skip
    assert leaks[0].start == "2024-03-01T00:00:50Z"
    found = [span.delay_rows for span in leaks if span.delay_rows is not None]
    assert len(found) == sum(span.alarms > 0 for span in leaks) == figures.spans_found
    assert figures.delay_rows is not None
    assert np.median(found) == figures.delay_rows.median
    assert {span.label for span in spans} == {"leak", "jam"}


def test_a_page_of_figures(folder: Path, tmp_path: Path) -> None:
    paths = [str(folder / name) for name in ("a.parquet", "a.zarr", "b.parquet", "b.zarr")]
    command = ["evaluate", *paths, "--html", str(tmp_path / "figures.html")]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "figures.html").read_text()
    assert "script" not in tags_of(text)
    assert "VUS-PR" in text
    assert "event recall" in text
    assert text.count("2024-03-01 00:00:50") == 1
    assert "nan" not in text.lower().replace("longstride", "")
    assert_refused(CliRunner().invoke(main, command).output, "path-taken", tmp_path / "figures.html")


def test_what_does_not_fit_is_refused(folder: Path) -> None:
    paths = [str(folder / name) for name in ("a.parquet", "b.parquet", "b.zarr")]
    result = CliRunner().invoke(main, ["evaluate", paths[0], str(folder / "a.zarr"), paths[1], paths[1], paths[2]])
    assert_refused(result.output, "option-value", "1, 2 files")
    result = CliRunner().invoke(main, ["evaluate", str(folder / "a.zarr"), str(folder / "b.zarr")])
    assert_refused(result.output, "store-missing", folder / "a.zarr")
    with raises("option-value", "scores", kind=SettingsError):
        evaluate([folder / "a.parquet"], [folder / "a.zarr", folder / "b.zarr"])
    with raises("rows-outside", "2025", kind=ScoresError):
        evaluate(folder / "a.parquet", folder / "a.zarr", since="2025-01-01")
