"""The page of scores: what it says, that it is whole and bounded, and that names stay text."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring.score_file import ScoreFile
from longstride.trainer.scoring.shown.page import MAX_DRAWN, MAX_LISTED
from longstride.trainer.scoring.shown.panels import HEIGHT, score_panel, signal_panel
from tests.helpers.errors import assert_refused
from tests.helpers.html_tags import tags_of

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))
ABOUT = {"run": "runs/<plant>", "model": "pca", "threshold": 1.5, "window": 8}
ROWS = 12_000
NASTY = "<script>alert('&\"')</script>"
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture(scope="module")
def plant(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    labels = np.zeros((ROWS, 2), np.int8)
    labels[2000:2040, 0] = labels[9000:9003, 1] = 1
    values = np.random.default_rng(0).standard_normal((ROWS, 3)).astype(np.float32)
    values[5000:5100, 1] = np.nan
    return make_store(
        tmp_path_factory.mktemp("page") / "plant.zarr", values, channels=["speed", NASTY, "temp"],
        units=["rpm", None, "°C"], labels=labels, label_names=["leak", NASTY + "2"], series=("press", NASTY + "3"),
        segments=[(0, 6000, 0), (6010, ROWS, 1)],
    )  # fmt: skip


def page(store: SeriesStore, folder: Path, scores: Any, *more: str) -> str:
    """The page of these scores; errors of channels are 0, 1 and 2 times the score."""
    inside = np.ones(ROWS, bool)
    inside[6000:6010] = False
    scores = np.where(inside, scores, np.nan)
    with ScoreFile(folder / "s.parquet", ALONE, store, store.channels) as file:
        file.about = ABOUT
        file.write(0, scores, scores > 1.5, np.where(scores > 0, scores, 0)[:, None] * [1e-9, 1, 2])
    command = ["plot", str(folder / "s.parquet"), str(store.path), "--out", str(folder / "page.html"), *more]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return (folder / "page.html").read_text(encoding="utf-8")


def check(text: str) -> list[ElementTree.Element]:
    """The pictures of a page, which is whole, and lets no text be more than text."""
    assert "script" not in tags_of(text)
    assert "nan" not in text.lower()
    assert "inf" not in re.sub("information", "", text.lower())
    return [ElementTree.fromstring(found) for found in SVG.findall(text)]


def test_an_event_has_its_channels_its_score_and_its_label(plant: SeriesStore, tmp_path: Path) -> None:
    scores = np.zeros(ROWS)
    scores[2010:2015] = 4.0
    scores[7000] = 2.0
    text = page(plant, tmp_path, scores)
    pictures = check(text)
    assert len(pictures) == 1 + 2 * (2 + 1)  # all rows, and for each event two channels and the score
    assert "6 rows are above" in text
    assert "in 2 events" in text
    assert re.search(r"Of 2 labelled spans,\s+1 has an alarm", text)
    assert "labelled leak" in text
    assert "not labelled" in text
    assert "Labelled spans without an alarm" in text
    assert "2024-03-01 02:30:00" in text  # where the span that was missed begins
    assert "temp 67%, &lt;script&gt;" in text
    assert "°C" in text
    assert NASTY not in text


@pytest.mark.parametrize("kind", ["none", "nan", "all", "infinite"])
def test_any_scores_give_a_page(plant: SeriesStore, tmp_path: Path, kind: str) -> None:
    scores = {"none": np.zeros(ROWS), "nan": np.full(ROWS, np.nan), "all": np.full(ROWS, 9.0)}.get(
        kind, np.zeros(ROWS)
    )
    if kind == "infinite":
        scores[4000:4010] = np.inf
    text = page(plant, tmp_path, scores)
    check(text.replace("inf", "") if kind == "infinite" else text)
    assert ("No row is above the threshold." in text) == (kind in ("none", "nan"))


def test_of_many_events_the_highest_are_shown(plant: SeriesStore, tmp_path: Path) -> None:
    scores, events = np.zeros(ROWS), np.arange(5, ROWS, 20)
    scores[events] = 2 + np.arange(len(events)) / 100
    text = page(plant, tmp_path, scores)
    pictures = check(text)
    assert len(pictures) == 1 + 3 * MAX_DRAWN
    assert text.count("<section>") == MAX_DRAWN
    assert f"The {MAX_LISTED} events with the highest peaks, of {len(events) - 1}" in text
    assert len(text) < 1_000_000
    first = ROWS - 20 * MAX_DRAWN + 5
    assert f"row {first:,} to" in text.replace("\n", " ")


def test_some_rows_and_channels(plant: SeriesStore, tmp_path: Path) -> None:
    scores = np.zeros(ROWS)
    scores[[2010, 3000, 8000]] = 4.0
    text = page(plant, tmp_path, scores, "--rows", "2500:4000", "--channels", "speed")
    assert len(check(text)) == 1 + 2
    assert "1,500 rows" in text
    assert "in 1 event" in text
    assert "speed, " in text


def test_the_same_page_is_not_written_again(plant: SeriesStore, tmp_path: Path) -> None:
    page(plant, tmp_path, np.zeros(ROWS))
    command = ["plot", str(tmp_path / "s.parquet"), str(plant.path), "--out", str(tmp_path / "page.html")]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "nothing was done" in result.output
    result = CliRunner().invoke(main, [*command, "--channels", "speed"])
    assert_refused(result.output, "path-taken", tmp_path / "page.html")


def test_a_store_without_labels(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "plain.zarr", rows=ROWS)
    text = page(store, tmp_path, np.arange(ROWS) / 4000)
    check(text)
    assert "labelled" not in text.partition("<body>")[2]


@given(st.lists(st.floats(), min_size=1, max_size=40), st.floats(-1e30, 1e30))
@example([2e-313], -1.0)
def test_pictures_hold_numbers_alone(values: list[float], threshold: float) -> None:
    ends = np.array(values)
    for text in (
        signal_panel(ends, ends, [(0.0, 0.5)]),
        score_panel(ends, ends, threshold, [(0.1, 0.2)], [(0, 1)]),
    ):
        ElementTree.fromstring(text)
        for path in re.findall(r' d="([^"]*)"', text):
            numbers = re.split("[MLVH ]+", path.strip("MLVH "))
            assert all(np.isfinite(float(number)) for number in numbers)


def test_a_threshold_below_all_scores_is_in_the_picture() -> None:
    scores = np.array([0.0, 1.0, 2.0])
    (level,) = re.findall(r'd="M0 ([^"H]*)H', score_panel(scores, scores, -5.0, [], []))
    assert 0 <= float(level) <= HEIGHT
