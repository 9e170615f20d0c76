"""The page of a proposal, as the command writes it."""

import json
import math
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from longstride.__main__ import main
from longstride.pipeline.profile.page.pictures import HEIGHT, WIDTH, bars, sparkline
from tests.helpers.logs.small_logs import log, times, wave

WRITE = Callable[..., Path]
HOSTILE = "<script>alert('x')</script>&amp;\"</pre>"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["profile", *map(str, arguments)])


class _Tags(HTMLParser):
    """Names of tags, and whether each that opens is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _tags(page: str) -> set[str]:
    tags = _Tags()
    tags.feed(page)
    assert not tags.open
    return tags.seen


def test_each_channel_and_each_doubt(write_log: WRITE, tmp_path: Path) -> None:
    lines = log("time,u (kW),v,note", times(300), wave(300), wave(300, seed=1, now_and_then="NA"), ["a b"] * 300)
    path, out = write_log("a.csv", lines), tmp_path / "deep" / "page.html"
    run = _run(path, "--html", out, "--json")
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    page = out.read_text(encoding="utf-8")
    _tags(page)
    text = unescape(page)
    for doubt in found["doubts"]:
        assert f"<li>{doubt}</li>" in text
    assert len(re.findall('<td class="name">(?:u \\(kW\\)|v)</td><td><svg', page)) == 2
    assert '<td class="number">10.0%</td>' in page  # of v, missing
    assert '<tr><td>1m</td><td class="number">299</td><td class="number">100.0%</td></tr>' in page
    assert '<th>note<span class="use">left out: always &#39;a b&#39;</span></th>' in page
    assert page.count("<tr><td>2024-03-18") == 10
    assert 'null = [\n    "NA",' in text
    assert "://" not in page


def test_names_and_texts_of_a_file_are_escaped(write_log: WRITE, tmp_path: Path) -> None:
    name = HOSTILE.replace('"', '""')
    lines = log(f'time,"{name}",other', times(40), wave(40), [f'"{name}{row % 3}"' for row in range(40)])
    run = _run(write_log("<b>.csv", lines), "--html", tmp_path / "page.html")
    assert run.exit_code == 0, run.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not {"script", "b"} & _tags(page)
    assert "<script>alert" in unescape(page)
    assert page.count("</pre>") == 1


def test_a_page_that_is_there_already(write_log: WRITE, tmp_path: Path) -> None:
    path, out = write_log("a.csv", log("time,v", times(40), wave(40))), tmp_path / "page.html"
    out.write_text("mine")
    run = _run(path, "--html", out)
    assert run.exit_code == 1
    assert "[path-taken]" in run.output
    assert "--overwrite" in run.output
    assert out.read_text() == "mine"
    assert _run(path, "--html", out, "--overwrite").exit_code == 0
    assert out.read_text().startswith("<!doctype html>")
    assert "[path-taken]" in _run(path, "--html", tmp_path).output
    assert "[path-taken]" in _run(path, "--html", path / "page.html").output


def test_nothing_is_written_for_a_log_that_cannot_be_read(write_log: WRITE, tmp_path: Path) -> None:
    run = _run(write_log("a.csv", ["time,b", "2024-03-01,x", "2024-03-02,y"]), "--html", tmp_path / "page.html")
    assert run.exit_code == 1
    assert not list(tmp_path.glob("*page.html*"))


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(arrays.arrays(np.float64, st.integers(0, 1000), elements=FLOATS))
def test_a_sparkline_stays_within_its_frame(values: np.ndarray) -> None:
    picture = sparkline(values)
    assert bool(picture) == bool(np.isfinite(values).any())
    line = re.search(r'class="line"[^>]* d="([^"]*)"', picture)
    places = re.findall(r"[ML]([\d.-]+) ([\d.-]+)V([\d.-]+)", line[1]) if line else []
    assert len(places) <= WIDTH
    for x, *ys in places:
        assert 0 <= float(x) <= WIDTH
        assert all(0 <= float(y) <= HEIGHT for y in ys)
    missing = re.search(r'class="gap"[^>]* d="([^"]*)"', picture)
    if len(values) <= WIDTH and missing:
        assert len(places) == np.isfinite(values).sum()
        assert missing[1].count("M") == (~np.isfinite(values)).sum()


@given(st.lists(st.integers(1, 10**12), max_size=12))
def test_bars_rise_with_counts(counts: list[int]) -> None:
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"/', bars(counts))]
    assert len(heights) == len(counts)
    for (one, height), (other, taller) in zip(
        sorted(zip(counts, heights, strict=True)), sorted(zip(counts, heights, strict=True))[1:], strict=False
    ):
        assert height <= taller
        assert one <= other
    assert all(math.isfinite(height) and height <= HEIGHT for height in heights)
