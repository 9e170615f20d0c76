import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.html.table import MAX_ROWS, html_table
from longstride.storage.open import open_store
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore
from tests.helpers.stores.packed_stores import make_pair


def cells(html: str) -> list[list[str]]:
    tables = ElementTree.fromstring(f"<div>{html}</div>")
    return [["".join(cell.itertext()) for cell in row] for row in tables.iter("tr")]


def test_texts_and_numbers() -> None:
    html = html_table("Channels", ["name", "rows", "mean"], [("flow", 1234567, 0.123456789), ("level", 0, np.nan)])
    assert cells(html) == [["name", "rows", "mean"], ["flow", "1,234,567", "0.123457"], ["level", "0", ""]]
    assert html.count("text-align: right") == 6
    assert "color" not in html


def test_every_text_is_escaped() -> None:
    nasty = "<script>\"&'</script>"
    html = html_table(nasty, [nasty], [[nasty]])
    assert "<script>" not in html
    assert cells(html) == [[nasty], [nasty]]
    assert ElementTree.fromstring(html).findtext("caption/b") == nasty


def test_no_header_without_columns() -> None:
    assert cells(html_table("Store", [], [("rows", 3)])) == [["rows", "3"]]
    assert "<thead>" not in html_table("Store", [], [])


def test_many_rows_are_counted() -> None:
    shown = cells(html_table("Store", ["number"], [(number,) for number in range(MAX_ROWS + 1200)]))
    assert len(shown) == 1 + MAX_ROWS + 1
    assert shown[-1] == ["and 1,200 more"]


def test_a_store(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    values = np.array([[1, np.nan], [3, np.nan], [2, np.nan], [2, np.nan]], np.float32)
    store = make_store(
        tmp_path / "<plant>.zarr",
        values,
        channels=("<i>flow</i>", "level"),
        units=("m3/h", None),
        segments=[(0, 2, 0), (2, 4, 1)],
        series=("a", "b"),
        cadence_ns=500_000_000,
    )
    assert cells(store._repr_html_()) == [
        ["rows", "4"],
        ["span", "2024-03-01 00:00:00 to 2024-03-01 00:00:01.500 UTC"],
        ["cadence", "0.5 s"],
        ["segments", "2 in 2 series"],
        ["channel", "unit", "missing", "mean", "std", "minimum", "maximum"],
        ["<i>flow</i>", "m3/h", "0.000%", "2", "0.707107", "1", "3"],
        ["level", "", "100.000%", "", "", "", ""],
    ]
    assert "<plant>" not in store._repr_html_()


def test_both_layouts_show_the_same(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store, packed = make_pair(make_store, tmp_path, "zstd")
    assert cells(open_store(packed.name)._repr_html_()) == cells(store._repr_html_())


@pytest.mark.parametrize("blocks", [1, 2])
def test_statistics(blocks: int) -> None:
    values = np.arange(12.0).reshape(6, 2)
    parts = [vars(Statistics.of(part)) for part in np.split(values, blocks)]
    fields = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    stats = Statistics.of(values) if blocks == 1 else Statistics(**fields)
    assert cells(stats._repr_html_()) == [
        ["channel", "values", "mean", "std", "minimum", "maximum"],
        ["0", "6", "5", "3.41565", "0", "10"],
        ["1", "6", "6", "3.41565", "1", "11"],
    ]
