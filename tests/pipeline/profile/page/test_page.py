"""The page of a proposal, as the command writes it."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

from click.testing import CliRunner, Result

from longstride.__main__ import main
from tests.helpers.html_tags import tags_of
from tests.helpers.logs.small_logs import log, times, wave

WRITE = Callable[..., Path]
HOSTILE = "<script>alert('x')</script>&amp;\"</pre>"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["profile", *map(str, arguments)])


def test_each_channel_and_each_doubt(write_log: WRITE, tmp_path: Path) -> None:
    lines = log("time,u (kW),v,note", times(300), wave(300), wave(300, seed=1, now_and_then="NA"), ["a b"] * 300)
    path, out = write_log("a.csv", lines), tmp_path / "deep" / "page.html"
    run = _run(path, "--html", out, "--json")
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    page = out.read_text(encoding="utf-8")
    tags_of(page)
    text = unescape(page)
    for doubt in found["doubts"]:
        assert f"<li>{doubt}</li>" in text
    assert len(re.findall('<td class="name">(?:u \\(kW\\)|v)</td><td><svg', page)) == 2
    assert 'data-what="missing">10.0%</td>' in page  # of v, missing
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
    assert not {"script", "b"} & tags_of(page)
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
