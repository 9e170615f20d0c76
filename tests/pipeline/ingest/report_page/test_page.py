"""The page next to a store, as an ingest writes it."""

import re
from html import unescape
from pathlib import Path

from longstride import Recipe, append, ingest
from tests.helpers.html_tags import tags_of

HOSTILE = "<script>alert('x')</script>&amp;\"</table>"


def _page(tmp_path: Path) -> str:
    page = (tmp_path / "s.zarr.report" / "report.html").read_text(encoding="utf-8")
    assert not {"script", "b"} & tags_of(page)
    assert "://" not in page
    return page


def _log(path: Path, day: int, rows: list[str], header: str = "time,flow,level,dead") -> Path:
    lines = [f"2024-03-{day:02} 00:{row // 60:02}:{row % 60:02},{values}" for row, values in enumerate(rows)]
    path.write_text("\n".join([header, *lines, ""]))
    return path


def test_each_channel_is_shown_small(tmp_path: Path) -> None:
    rows = [f"{row % 7},{'' if row % 4 == 0 else row},,"[:-1] for row in range(100)]
    rows[9] = "-9999,1,"
    rows[50] = "x,1,"
    recipe = Recipe(time="time", unit=("flow=l/s",), max_rejects="1")
    ingest(_log(tmp_path / "a.csv", 1, rows), tmp_path / "s.zarr", recipe)
    page = _page(tmp_path)
    assert len(re.findall('<td class="name">(?:flow|level)</td><td><svg', page)) == 2
    assert '<td class="name">dead</td><td></td>' in page
    shown = re.findall('<td class="number" data-what="[a-z]+">(.*)</td>', page)
    assert shown == ["-9999", "6", "none", "1", "99", "25.3%", "-", "-", "100.0%"]
    assert '<td class="unit">l/s</td>' in page
    assert "<li>flow: 1 value of -9999, all others 0 to 6" in page
    steps = '<tr><td>{}</td><td class="number">{}</td><td class="number">{}</td></tr>'
    assert steps.format("1s", 97, "99.0%") in page
    assert steps.format("2s", 1, "1.0%") in page


def test_an_append_shows_the_whole_store(tmp_path: Path) -> None:
    ingest(_log(tmp_path / "a.csv", 1, ["1,2,3"] * 50), tmp_path / "s.zarr", Recipe(time="time"))
    append(_log(tmp_path / "b.csv", 2, ["5,,3"] * 50), tmp_path / "s.zarr")
    page = _page(tmp_path)
    assert re.findall('data-what="[a-z]+">(.*)</td>', page)[:6] == ["1", "5", "none", "2", "2", "50.0%"]
    assert '<td class="number">98</td>' in page
    assert "<tr><td>23h59m11s</td>" in page


def test_names_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "<b>.csv"
    name = HOSTILE.replace('"', '""')
    _log(path, 1, ["1,2,3"] * 9, header=f'time,flow,"{name}",other')
    ingest(path, tmp_path / "s.zarr", Recipe(time="time", exclude=("other",), unit=(f"flow={HOSTILE}",)))
    assert unescape(_page(tmp_path)).count(HOSTILE) == 2
