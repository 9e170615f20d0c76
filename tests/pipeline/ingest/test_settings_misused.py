"""Settings given twice, against each other, or with files of somebody else: a clear error, and no store."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from longstride import Recipe, ingest, profile
from longstride.__main__ import main
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises

RUN = Callable[..., Result]
ROWS = [f"2024-01-01T00:00:{row:02},{row},{row % 2},{row % 3}" for row in range(30)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RUN:
    monkeypatch.chdir(tmp_path)
    Path("plant.csv").write_text("\n".join(["time,a,b,c", *ROWS, ""]))
    Path("known.csv").write_text("start,end,name\n2024-01-01T00:00:01,2024-01-01T00:00:05,leak\n")

    def ingest_plant(*more: str) -> Result:
        return CliRunner().invoke(main, ["ingest", "plant.csv", "--out", "s.zarr", *more])

    return ingest_plant


def test_names_that_come_in_two_flags_all_count(run: RUN) -> None:
    done = run("--time", "time", "--labels", "b", "--labels", "c")
    assert done.exit_code == 0, done.output
    assert (open_store("s.zarr").channels, open_store("s.zarr").label_names) == (("a",), ("b", "c"))


@pytest.mark.parametrize(
    ("flag", "one", "other"),
    [
        ("--label-file", "known.csv", "plant.csv"),
        ("--encoding", "gbk", "utf-8"),
        ("--quote", "loose", "none"),
        ("--sql", "SELECT * FROM rows", "SELECT * FROM rows WHERE a > 3"),
        ("--out", "t.zarr", ""),
        ("--workers", "1", "2"),
    ],
)
def test_a_flag_with_two_values_is_refused(run: RUN, flag: str, one: str, other: str) -> None:
    done = run("--time", "time", flag, one, flag, other)
    assert (done.exit_code, "is given twice" in done.output) == (2, True)
    assert not list(Path().glob("*.zarr"))


def test_the_same_value_twice_does_no_harm(run: RUN) -> None:
    assert run("--time", "time", "--encoding", "gbk", "--encoding", "gbk").exit_code == 0


def test_a_flag_of_no_names_is_refused(run: RUN) -> None:
    done = run("--time", "time", "--labels", "")
    assert (done.exit_code, "it is empty" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("more", "code", "fact"),
    [
        (("--skip-lines", "9" * 5000), "recipe-value", "skip-lines"),
        (("--skip-below-header", "٣"), "recipe-value", "skip-below-header"),
        (("--round-time", "60000w"), "recipe-value", "round-time"),
        (("--decimal", "=,"), "recipe-value", "decimal"),
        (("--thousands", "=,"), "recipe-value", "thousands"),
        (("--ambiguous", "infer"), "recipe-conflict", "timezone"),
        (("--nonexistent", "forward"), "recipe-conflict", "timezone"),
        (("--absent-labels", "zero"), "recipe-conflict", "labels"),
    ],
)
def test_what_means_nothing_is_refused(run: RUN, more: tuple[str, ...], code: str, fact: str) -> None:
    done = run("--time", "time", *more)
    assert done.exit_code == 1
    assert_refused(done.output, code, fact)
    assert not Path("s.zarr").exists()


@pytest.mark.parametrize(
    "text",
    [
        "start,end,name\n2024-01-01,2024-01-02," + "x" * 200_000 + "\n",
        'start,end,name\n2024-01-01,2024-01-02,"leak\n2024-01-03,2024-01-04,jam\n',
        'start,end,name\n2024-01-01,2024-01-02,"leak\n2024-01-03,2024-01-04,jam"\n',
        "start,end\n\0,\0\n",
    ],
)
def test_a_damaged_file_of_labels_is_refused(run: RUN, text: str) -> None:
    Path("known.csv").write_text(text)
    assert_refused(run("--time", "time", "--label-file", "known.csv").output, "labels-format", "line 2")


def test_a_file_of_labels_without_intervals_is_told(run: RUN) -> None:
    Path("known.csv").write_text("start,end\n")
    assert "holds no interval" in run("--time", "time", "--label-file", "known.csv").output


def test_intervals_of_series_that_names_of_files_say(tmp_path: Path) -> None:
    file = tmp_path / "known.csv"
    file.write_text("start,end,series\n2024-01-01T00:00:01,2024-01-01T00:00:05,north\n")
    for name in ("north", "south"):
        (tmp_path / f"{name}_1.csv").write_text("\n".join(["time,a,b,c", *ROWS, ""]))
    recipe = Recipe(time="time", series_from="(?P<station>.+)_", label_file=str(file))
    ingest(sorted(tmp_path.glob("*_1.csv")), tmp_path / "s.zarr", recipe)
    labels = open_store(tmp_path / "s.zarr").labels
    assert labels is not None
    assert np.flatnonzero(labels[0:60, 0]).tolist() == [1, 2, 3, 4, 5]


def test_a_file_of_labels_is_looked_for_beside_its_recipe(tmp_path: Path, run: RUN) -> None:
    (tmp_path / "deep").mkdir()
    Path("known.csv").rename("deep/known.csv")
    for key in ("label-file", "label_file"):
        recipe = tmp_path / "deep" / "r.toml"
        recipe.write_text(f'time = "time"\n{key} = "known.csv"\n')
        assert Recipe.from_toml(recipe).label_file == str(tmp_path / "deep" / "known.csv")
        assert Recipe.from_toml(recipe, label_file="known.csv").label_file == "known.csv"
        assert run("--recipe", "deep/r.toml").exit_code == 0  # the second time, it is the same store


def test_a_setting_in_both_spellings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('time = "time"\nskip-lines = 0\nskip_lines = 1\n')
    with raises("recipe-conflict", "skip_lines", file):
        Recipe.from_toml(file)


@pytest.mark.parametrize("out", ["loop", "/"])
def test_a_store_is_not_written_where_none_can_be(run: RUN, out: str) -> None:
    Path("loop").symlink_to("loop")
    done = CliRunner().invoke(main, ["ingest", "plant.csv", "--out", out, "--time", "time"])
    assert (done.exit_code, done.output.count("\n"), done.output[:7]) == (1, 1, "Error: ")


def test_sources_may_come_one_by_one(run: RUN) -> None:
    assert profile(name for name in ["plant.csv"]).recipe.time == "time"
    for was_there in (False, True):
        report = ingest((name for name in ["plant.csv"]), "s.zarr", Recipe(time="time"))
        assert (report.num_rows, report.was_there) == (30, was_there)
    for wrong in (3, True, object()):
        with raises("option-value", "source"):
            profile(wrong)  # type: ignore[arg-type]
