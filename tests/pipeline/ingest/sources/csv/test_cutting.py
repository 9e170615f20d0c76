"""Lines cut by the places of their columns, or by a regular expression."""

from collections.abc import Callable
from typing import Any

import pytest

from longstride import Recipe
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.settings.pattern import search
from longstride.pipeline.ingest.sources.csv.cutting import UNCUT, cutter
from tests.helpers.errors import raises

LINE = r"(?P<time>\S+) T=(?P<t>[^ ]*)(?: H=(?P<h>.*))?"


def cut(text: str | bytes, **settings: Any) -> list[list[str]]:
    way = cutter(Recipe(time="time", **settings), "|")
    assert way is not None
    data = text if isinstance(text, bytes) else text.encode()
    return [line.split("|") for line in way(data).decode("latin-1").split("\n")]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("12:00   -9.9   7", ["12:00", "-9.9", "7"]),
        ("12:00          7", ["12:00", "", "7"]),
        ("12:00   -9.9", ["12:00", "-9.9", ""]),
        ("12:00   -9.9-7.5\r", ["12:00", "-9.9", "-7.5"]),
        ("12:00\t-9.9\t7", ["12:00", "-9.9", "7"]),
        ("12:00 -99999.97", [UNCUT + "12:00 -99999.97"]),
        ("12:00      -1000", [UNCUT + "12:00      -1000"]),
        ("", [""]),
        ("# long comment here", ["# long comment here"]),
        ('5"', ['"5"""', '""', '""']),
    ],
)
def test_places(line: str, fields: list[str]) -> None:
    assert cut(line, columns_at="0,6,12", comment="#") == [fields]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("12:00 T=4.5 H=7", ["12:00", "4.5", "7"]),
        ("  12:00 T=4.5\r", ["12:00", "4.5", ""]),
        ('12:00 T= H=5"', ["12:00", "", '"5"""']),
        ("12:00 T=4.5 and more", [UNCUT + "12:00 T=4.5 and more"]),
        ("", [""]),
        ("# T=5", ["# T=5"]),
        (b"12:00 T=4\xff", ["12:00", "4\xff", ""]),
    ],
)
def test_expressions(line: str | bytes, fields: list[str]) -> None:
    assert cut(line, line=LINE, comment="#") == [fields]


def test_an_expression_takes_no_longer_than_the_text() -> None:
    assert cut("a" * 10_000, line="(?P<a>(a+)+)b") == [[UNCUT + "a" * 10_000]]
    assert search("(?P<a>x)?b", "a", "b") == ""
    assert search("(?P<a>x)?b", "a", "c") is None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"columns_at": "0"}, "recipe-value"),
        ({"columns_at": "4,8"}, "recipe-value"),
        ({"columns_at": "0,8,8"}, "recipe-value"),
        ({"columns_at": "0,b"}, "recipe-value"),
        ({"columns_at": ""}, "recipe-value"),
        ({"line": "no groups"}, "recipe-value"),
        ({"line": "(?P<a>.)(?=b)"}, "recipe-value"),
        ({"line": "("}, "recipe-value"),
        ({"line": "a)(?P<b>c"}, "recipe-value"),
        ({"only_lines": " "}, "recipe-value"),
        ({"line": "(?P<a>.)", "columns_at": "0,3"}, "recipe-conflict"),
        ({"line": "(?P<a>.)", "header": ("a",)}, "recipe-conflict"),
        ({"line": "(?P<a>.)", "only_lines": "x"}, "recipe-conflict"),
        ({"line": "(?P<a>.)", "separator": ";"}, "recipe-conflict"),
        ({"columns_at": "0,3", "quote": "loose"}, "recipe-conflict"),
        ({"columns_at": "0,3", "separator": "blanks"}, "recipe-conflict"),
    ],
)
def test_ways_that_mean_nothing_or_contradict(settings: dict[str, Any], code: str) -> None:
    with raises(code, kind=RecipeError):
        Recipe(time="time", **settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"columns_at": "0,12"}, "time        Temp\n2024-01-05  4.5\n2024-01-06  5.25\n2024-01-07xx9.5\n"),
        (
            {"line": r"(?P<time>\S+) Temp=(?P<Temp>\S+)"},
            "2024-01-05 Temp=4.5\n2024-01-06 Temp=5.25\nno sensor\n",
        ),
        (
            {"only_lines": "b"},
            "kind,time,Temp\nb,2024-01-05,4.5\na,1\na,2,3,4\nb,2024-01-06,5.25\nb,2024-01-07\n",
        ),
    ],
)
def test_rows_others_and_what_cannot_be_cut(
    make_store: Callable[..., Any], settings: dict[str, Any], text: str
) -> None:
    store, report = make_store(text, settings)
    assert store.channels == ("Temp",)
    assert store.values[:].tolist() == [[4.5], [5.25]]
    assert sum(file.num_rejected for file in report.files) == 1


@pytest.fixture
def make_store(tmp_path: Any) -> Callable[..., Any]:
    import longstride

    def make(text: str, settings: dict[str, Any]) -> Any:
        (tmp_path / "log.txt").write_text(text)
        recipe = Recipe(time="time", channels=("Temp",), max_rejects="1", **settings)
        report = longstride.ingest([tmp_path / "log.txt"], tmp_path / "log.zarr", recipe)
        return longstride.open(tmp_path / "log.zarr"), report

    return make
