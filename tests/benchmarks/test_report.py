import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.html_page import html_page
from benchmarks.report import pictures, report
from benchmarks.results_page import results_page
from tests.benchmarks.results import read_result
from tests.helpers.paths import ROOT


@pytest.mark.parametrize(("page", "write"), [("benchmarks.md", report), ("results.md", results_page)])
def test_the_page_is_what_the_committed_results_say(page: str, write: Callable[[Path], str]) -> None:
    assert (ROOT / "docs" / page).read_text() == write(ROOT / "benchmarks" / "results")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks" / "results").glob("*.json")), ids=lambda path: path.stem
)
def test_every_committed_result_can_be_measured_again(path: Path) -> None:
    read_result(path)


def test_the_pictures_are_what_the_committed_results_say() -> None:
    for name, picture in pictures(ROOT / "benchmarks" / "results").items():
        assert (ROOT / "docs" / "images" / name).read_text() == picture, name


def test_the_page_as_one_file(tmp_path: Path) -> None:
    (tmp_path / "map.svg").write_text("<svg/>")
    text = "# Speeds\n\n[order](order.md)\n\n| K |\n| --- |\n| 64 |\n\n![map](map.svg)\n"
    page = html_page(text, tmp_path)
    assert "<title>Speeds</title>" in page
    assert "<td>64</td>" in page
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    assert "order.md" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_all_results_as_one_file(tmp_path: Path) -> None:
    (tmp_path / "docs" / "images").mkdir(parents=True)
    results = ROOT / "benchmarks" / "results"
    folders = ["--results", results, "--docs", tmp_path / "docs", "--html", tmp_path / "page.html"]
    written = CliRunner().invoke(main, ["report", *map(str, folders), "--json", str(tmp_path / "every.json")])
    assert written.exit_code == 0, written.output
    every = json.loads((tmp_path / "every.json").read_text())
    assert every == {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
