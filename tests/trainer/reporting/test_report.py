"""The report of a run: that it needs no other file, what is in it, and which windows are the worst."""

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.fitted_run import FittedRun
from longstride.trainer.loop import Training
from longstride.trainer.reporting.curves import draw_losses, draw_throughput
from longstride.trainer.reporting.examples import Example
from longstride.trainer.reporting.plot_style import as_data
from longstride.trainer.reporting.window_plot import draw_window
from longstride.trainer.reporting.worst_windows import NUM_WORST, WorstWindows
from tests.helpers.runs.report_page import SVG, Page
from tests.helpers.runs.training import lines_of, settings_for, waves

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))
CHANNELS = ["<b>hot</b>", "$\\odd_{", "cold & wet", "d"]


@pytest.fixture(scope="module")
def run(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    store = make_store(
        folder / "<script>alert(1)<b>.zarr",
        waves(6000, 4),
        channels=CHANNELS,
        units=["<i>", None, None, "bar"],
        segments=[(0, 3000, 0), (3000, 6000, 1)],
        series=["press & co", "<mill>"],
    )
    Training(settings_for(store.path, folder / "run", epochs=2, model="patch"), ALONE, resume=False).run()
    return folder / "run"


def test_it_needs_no_other_file(run: Path) -> None:
    page = Page(run)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert len(page.addresses) == 3 + NUM_WORST
    assert all(address.startswith(SVG) for address in page.addresses)
    style = page.source[page.source.index("<style>") : page.source.index("</style>")]
    assert not any(word in style for word in ("url(", "@import", "@font-face"))
    for drawing in page.drawings:
        links = [value for item in drawing.iter() for name, value in item.attrib.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links)
        assert not {item.tag.rpartition("}")[2] for item in drawing.iter()} & {"script", "image", "foreignObject"}
    assert len(page.source) < 500_000


def test_names_of_the_user_are_text(run: Path) -> None:
    page = Page(run)
    assert "script" not in page.tags
    assert "<script>alert(1)<b>.zarr, 6,000 rows of 4 channels" in page.text
    assert not {"b", "i", "mill"} & page.tags
    for name in ("<b>hot</b> [<i>]", "$\\odd_{", "cold & wet", "d [bar]"):
        assert name in page.drawn
    assert "of press & co" in page.drawn or "of <mill>" in page.drawn


def test_it_tells_what_the_run_was_and_came_to(run: Path) -> None:
    page = Page(run)
    rows = dict(row for row in page.cells if len(row) == 2)
    for group in json.loads((run / "settings.json").read_text()).values():
        for name, value in group.items():
            shown = "-" if value in (None, []) else "no" if value is False else str(value)
            assert (
                name in ("model", "store") or rows[name.replace("_", "-")] == shown
            )  # the head has these two as well
    train, validation = lines_of(run, "train"), lines_of(run, "validation")
    assert rows["steps"] == "74"
    window = json.loads((run / "settings.json").read_text())["data"]["window"]
    assert rows["purpose"] == f"reconstruct windows of {window} rows"
    assert rows["training loss"] == f"{train[0]['loss']:.4g} at first, {train[-1]['loss']:.4g} at last"
    best = min(line["loss"] for line in validation)
    assert rows["validation loss"] == f"{validation[-1]['loss']:.4g} at last, {best:.4g} at best"
    assert rows["processes"] == "1 on cpu, fp32"
    for title in ("loss", "learning rate", "windows per second", "time of a step, ms", "validation"):
        assert title in page.drawn
    assert page.drawn.count("mean squared error") == 1 + NUM_WORST


def test_a_run_that_went_on_has_whole_curves(store: Path, tmp_path: Path) -> None:
    for steps in (14, 30):
        settings = settings_for(store, tmp_path / "run", max_steps=steps, model="patch")
        Training(settings, ALONE, resume=True).run()
    lines = lines_of(tmp_path / "run", "train") + lines_of(tmp_path / "run", "validation")
    assert [line["step"] for line in lines if line["kind"] == "train"] == [7, 14, 21, 28, 30]
    assert as_data(draw_losses(lines)) in (tmp_path / "run" / "report.html").read_text()


def test_without_a_validation_split_there_are_no_worst_windows(store: Path, tmp_path: Path) -> None:
    Training(
        settings_for(store, tmp_path / "run", max_steps=2, model="patch", validation_share=0.0),
        ALONE,
        resume=False,
    ).run()
    page = Page(tmp_path / "run")
    assert len(page.drawings) == 3
    assert "typical window of the training split" in page.text
    assert "Worst windows" not in page.text


def test_other_tasks_show_what_they_predict(make_store: MakeStore, tmp_path: Path) -> None:
    """Rows of the horizon, or how likely labels are, and what their error is."""
    labels = (np.arange(3000) % 100 < 30)[:, None].astype(np.int8)
    store = make_store(tmp_path / "store", waves(3000, 2), labels=labels, label_names=["hot & <b>"])
    tasks: dict[str, dict[str, Any]] = {
        "forecast": {"task": "forecast", "horizon": 1, "quantiles": (0.1, 0.6)},
        "classify": {"task": "classify"},
    }
    misses = {"forecast": "mean pinball loss", "classify": "mean squared error of the probability"}
    for name, task in tasks.items():
        settings = settings_for(store.path, tmp_path / name, max_steps=2, **task)
        Training(settings, ALONE, resume=False).run()
        page = Page(tmp_path / name)
        assert "Original and prediction" in page.text
        assert ("hot & <b>" in page.drawn and "% likely (" in page.drawn) == (name == "classify")
        assert page.drawn.count(misses[name]) == 1 + NUM_WORST
        assert f"largest {misses[name]}" in " ".join(page.text.split())


def test_a_model_without_steps_has_no_curves(store: Path, tmp_path: Path) -> None:
    FittedRun(settings_for(store, tmp_path / "run", model="pca"), ALONE, resume=False).run()
    page = Page(tmp_path / "run")
    assert len(page.drawings) == 1 + NUM_WORST
    assert "Throughput" not in page.text
    assert "training loss" not in page.text


@pytest.mark.parametrize("value", [None, 0.0, 3.0])
def test_curves_of_figures_that_are_not_there(value: float | None) -> None:
    names = ("loss", "lr", "windows_per_second", "data_wait_share", "step_ms_p50", "step_ms_p90")
    lines = [{"kind": kind, "step": 5, **dict.fromkeys(names, value)} for kind in ("train", "validation")]
    for figure in (draw_losses(lines), draw_throughput(lines), draw_losses(lines[:1])):
        assert as_data(figure).startswith(SVG)


def test_losses_that_fall_far_are_drawn_on_a_logarithmic_axis() -> None:
    def scale(*losses: float | None) -> str:
        figure = draw_losses([{"kind": "train", "step": step, "loss": loss} for step, loss in enumerate(losses)])
        return figure.axes[0].get_yscale()

    assert scale(1.0, None, 0.05) == "log"
    assert scale(1.0, 0.5) == scale(1.0, 0.0) == scale(1.0, -2.0) == "linear"


def example(values: Any, channel_errors: Any, low: Any = None) -> Example:
    values = np.asarray(values, np.float32)
    names = tuple(f"c{number}" for number in range(values.shape[1]))
    return Example(
        row=0,
        series="",
        channels=names,
        units=(None,) * len(names),
        time=np.arange(len(values)),
        original=values,
        predicted=values.astype(float),
        low=np.full(values.shape, np.nan) if low is None else np.asarray(low, float),
        high=np.full(values.shape, np.nan) if low is None else np.asarray(low, float) + 1,
        error=0.0,
        channel_errors=np.asarray(channel_errors),
        labels={},
    )


def test_the_worst_channels_are_shown() -> None:
    errors = [3, 0, math.nan, 9, 1, 8, 2, 7, 0, 0]
    values = np.where(np.isnan(errors), np.nan, np.zeros((16, 10)))
    figure = draw_window(example(values, errors), "title", worst=True)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["c0", "c3", "c5", "c7"]
    first = draw_window(example(values, errors), "title")
    assert [axes.get_title(loc="left") for axes in first.axes] == [f"c{i}" for i in (0, 1, 3, 4, 5, 6, 7, 8)]


def test_a_value_between_two_gaps_has_a_dot() -> None:
    values = [[1], [math.nan], [2], [math.nan], [3], [4]]
    figure = draw_window(example(values, [0]), "title", dots=False)
    assert figure.axes[0].lines[0].get_markevery() == [0, 2]


@pytest.mark.parametrize("rows", [1, 3])
def test_quantiles_are_drawn_as_a_band(rows: int) -> None:
    low = np.full((8, 1), math.nan)
    low[-rows:] = 2.0
    figure = draw_window(example(np.ones((8, 1)), [0], low), "title")
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["original", "lowest to highest quantile", "prediction"]
    reached = np.concatenate(
        [path.vertices[:, 1] for band in figure.axes[0].collections for path in band.get_paths()]
    )
    assert (reached.min(), reached.max()) == (2.0, 3.0)
    assert "quantile" not in str(
        draw_window(example(np.ones((8, 1)), [0]), "title").axes[0].get_legend().get_texts()
    )


def test_errors_of_quantiles_are_called_what_they_are(store: Path, tmp_path: Path) -> None:
    settings = settings_for(
        store, tmp_path / "run", max_steps=2, task="forecast", horizon=2, quantiles=(0.1, 0.5, 0.9)
    )
    Training(settings, ALONE, resume=False).run()
    page = Page(tmp_path / "run")
    assert "mean squared error" not in page.text + page.drawn
    assert "the largest mean pinball loss" in page.text
    assert page.drawn.count("mean pinball loss") == 1 + NUM_WORST
    assert "forecast 2 rows after windows of" in page.text


class Gathered(Ranks):
    """Ranks of a test: what each of them sends is known."""

    items: list[Any] = []  # noqa: RUF012

    def gather(self, item: Any) -> list[Any]:
        return self.items


def brute_force(errors: Iterable[tuple[float, int]], window: int) -> list[int]:
    """The largest first, of equal ones the first row, and none that overlaps one before."""
    chosen: list[int] = []
    for _, start in sorted((-error, start) for error, start in errors if start >= 0 and error == error):
        if all(abs(start - other) >= window for other in chosen):
            chosen.append(start)
    return chosen[:4]


@given(
    errors=st.lists(st.sampled_from([math.nan, math.inf, 0.0, 1.0, 2.0, 3.0]), max_size=120),
    window=st.integers(1, 30),
    stride=st.integers(1, 30),
    gap=st.integers(0, 20),
    num_ranks=st.integers(1, 3),
    batch=st.integers(1, 9),
)
def test_worst_windows_are_those_of_brute_force(
    errors: list[float], window: int, stride: int, gap: int, num_ranks: int, batch: int
) -> None:
    half = len(errors) // 2
    starts = [i * stride + (i > half) * (window + gap) for i in range(len(errors))]  # of two segments
    starts[-1:] = [-1] * len(starts[-1:])
    ranks = [WorstWindows(window, stride) for _ in range(num_ranks)]
    for number, first in enumerate(range(0, len(errors), batch)):
        part = slice(first, first + batch)
        ranks[number % num_ranks].add(torch.tensor(starts[part]), torch.tensor(errors[part]))
    gathered = Gathered(0, num_ranks, torch.device("cpu"))
    object.__setattr__(gathered, "items", [(worst._errors, worst._starts) for worst in ranks])
    assert ranks[0].rows(gathered) == brute_force(zip(errors, starts, strict=True), window)


def test_the_report_shows_the_worst_of_the_validation_split(store: Path, tmp_path: Path) -> None:
    running = Training(settings_for(store, tmp_path / "run", max_steps=5, model="patch"), ALONE, resume=False)
    running.run()
    state, index = running.state, running.state.validation_batches.dataset.index
    starts = index.starts(np.arange(len(index)))
    windows = torch.from_numpy(state.store.values[starts[:, None] + np.arange(16)])
    mask = ~windows.isnan()
    inputs = state.runner.normalisation.apply(windows, mask)
    with torch.no_grad():
        errors = ((state.model(inputs) - inputs).square() * mask).sum(dim=(1, 2)) / mask.sum(dim=(1, 2))
    assert Page(tmp_path / "run").worst_rows == brute_force(zip(errors.tolist(), starts.tolist(), strict=True), 16)


def test_a_row_of_several_stores_is_told_with_its_store(make_store: MakeStore, tmp_path: Path) -> None:
    lengths = {"a.zarr": 2000, "b.zarr": 1500}
    stores = [make_store(tmp_path / name, waves(rows, 3)).path for name, rows in lengths.items()]
    sizes: dict[str, Any] = {"window": 16, "stride": 4, "device": "cpu"}
    longstride.train(stores, tmp_path / "run", model="pca", split="within-series", **sizes)
    page = Page(tmp_path / "run")
    assert "a.zarr + b.zarr, 3,500 rows of 3 channels" in page.text
    assert f"{stores[0]}, {stores[1]}" in page.text
    found = (re.fullmatch(r"([\d,]+) of ([ab]\.zarr)", cell) for row in page.cells for cell in row)
    told = [one.groups() for one in found if one]
    assert len(told) == NUM_WORST
    for row, name in told:  # only rows that were held out
        assert 0.8 * lengths[name] <= int(row.replace(",", "")) < lengths[name]
