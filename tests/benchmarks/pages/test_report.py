import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.pages.html_page import html_page
from benchmarks.pages.report import benchmarks_page, pictures, read_results, tables_page
from benchmarks.pages.results_page import results_page
from tests.benchmarks.results import read_result

ROOT = Path(__file__).parents[3]


RESULTS = read_results(ROOT / "benchmarks" / "results")
IN_ANOTHER_ORDER = "windows-xeon-2-cores"
"""The oldest result: the fields of its cells stand in an order of their own."""


def test_the_pages_are_what_the_committed_results_say() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == benchmarks_page(RESULTS)
    assert (ROOT / "docs" / "benchmark-tables.md").read_text() == tables_page(RESULTS)
    assert (ROOT / "docs" / "results.md").read_text() == results_page(RESULTS.values())


@pytest.mark.parametrize("name", RESULTS)
def test_every_committed_result_is_written_as_it_was_read(name: str) -> None:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    read_result(path)
    assert RESULTS[name].as_json() == path.read_text() or name == IN_ANOTHER_ORDER


def test_every_finding_leads_to_its_tables() -> None:
    headings = re.findall("^## (.*)$", tables_page(RESULTS), re.MULTILINE)
    links = re.findall(r"\[([^]]*)\]\(benchmark-tables.md#([a-z-]*)\)", benchmarks_page(RESULTS))
    assert len(links) == 10
    for title, anchor in links:
        assert title in headings
        assert anchor == title.lower().replace(" ", "-")


def test_without_results_nothing_is_said() -> None:
    assert "##" not in benchmarks_page({}) + tables_page({})


def test_the_pictures_are_what_the_committed_results_say() -> None:
    for name, picture in pictures(RESULTS).items():
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


def test_report_writes_what_is_committed(tmp_path: Path) -> None:
    (tmp_path / "docs" / "images").mkdir(parents=True)
    results = ROOT / "benchmarks" / "results"
    folders = ["--results", results, "--docs", tmp_path / "docs", "--html", tmp_path / "page.html"]
    written = CliRunner().invoke(main, ["report", *map(str, folders), "--json", str(tmp_path / "every.json")])
    assert written.exit_code == 0, written.output
    pages = [path.relative_to(tmp_path) for path in (tmp_path / "docs").rglob("*") if path.is_file()]
    assert len(pages) == 3 + len(pictures(RESULTS))
    assert all((tmp_path / page).read_bytes() == (ROOT / page).read_bytes() for page in pages)
    every = json.loads((tmp_path / "every.json").read_text())
    assert every == {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
