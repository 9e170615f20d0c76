"""`python -m benchmarks report`: pages of the committed results; no figure is typed by hand."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from benchmarks.harness.results import Result, parse
from benchmarks.pages.advice import advice
from benchmarks.pages.findings import findings
from benchmarks.pages.waits import waits
from benchmarks.suites import ingest
from benchmarks.suites.codecs import Codecs
from benchmarks.suites.device import Device
from benchmarks.suites.disk import Disk
from benchmarks.suites.ingest import Ingest
from benchmarks.suites.models.detect import Detections
from benchmarks.suites.models.epochs import Epochs
from benchmarks.suites.models.fleet import Fleet
from benchmarks.suites.models.live import Live
from benchmarks.suites.models.train import Train
from benchmarks.suites.objects import Objects
from benchmarks.suites.order import Order
from benchmarks.suites.packed import Packed
from benchmarks.suites.scale import Scale
from benchmarks.suites.shuffle import Shuffle
from benchmarks.suites.sweep import Sweep
from benchmarks.suites.windows import Windows, merged
from longstride.storage.cli.group import example

__all__ = ["benchmarks_page", "pictures", "read_result", "read_results", "report", "tables_page"]

SECTIONS: tuple[type[Result], ...] = (
    *(Windows, Sweep, Scale, Disk, Packed, Objects),
    *(Codecs, Device, Train, Epochs, Fleet, Live, Shuffle, Order),
)
"""In the order of the tables; those of ingests come last."""
EVERY: tuple[type[Result], ...] = (*SECTIONS, Ingest, Detections)
KINDS = {kind.BENCHMARK: kind for kind in EVERY}

INTRODUCTION = """\
# Benchmarks

Every figure here and in [the tables](benchmark-tables.md) comes from a file in `benchmarks/results/` by
`python -m benchmarks report`. All ways of one case are measured in turn, several times
([how](decisions/0010-benchmarks.md)). A figure is the median; a range is from the smallest to the largest case.
"""

TABLES = """\
# Benchmark tables

What [the benchmarks](benchmarks.md) found, in full. Every figure on this page comes from a file in
`benchmarks/results/` by `python -m benchmarks report`; a cell is the median, with the smallest and largest where a
spread is shown.
"""


@click.command(name="report", epilog=example("python -m benchmarks report"))
@click.option("--results", type=click.Path(path_type=Path), default=Path("benchmarks/results"), show_default=True)
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs"), show_default=True, help="Folder.")
@click.option("--html", type=click.Path(path_type=Path), default=Path("build/benchmarks.html"), show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write all results as one file.")
def report(results: Path, docs: Path, html: Path, json_path: Path | None) -> None:
    """Write the pages benchmarks.md, benchmark-tables.md and results.md from the committed results.

    And one HTML page of the first two that needs no other file: its pictures lie in it.
    """
    from benchmarks.pages.html_page import html_page
    from benchmarks.pages.results_page import results_page

    found = read_results(results)
    for name, picture in pictures(found).items():
        (docs / "images" / name).write_text(picture)
    page, tables = benchmarks_page(found), tables_page(found)
    (docs / "benchmarks.md").write_text(page)
    (docs / "benchmark-tables.md").write_text(tables)
    (docs / "results.md").write_text(results_page(found.values()))
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(html_page(f"{page}\n{tables}", docs))
    if json_path:
        every = {name: json.loads((results / f"{name}.json").read_text()) for name in found}
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(every, indent=1) + "\n")
    click.echo(f"{docs}, {html}: written from {len(found)} results")


def read_results(folder: Path) -> dict[str, Result]:
    """Results (JSON files) in a folder, by file name."""
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def read_result(path: Path) -> Result:
    """The result that a file holds."""
    held = json.loads(path.read_text())
    return parse(KINDS[held.pop("benchmark")], held)


def benchmarks_page(results: Mapping[str, Result]) -> str:
    """First page: waits, what to use when, what was found, where Longstride misses its target, and pictures."""
    from benchmarks.pages.plots import drawing_of

    found = merged(results)
    compared = [result for result in found.values() if isinstance(result, Windows) and drawing_of(result)]
    drawn = [
        f"![{result.BENCHMARK}, {result.machine.processor}](images/{name}.svg)\n"
        for name, result in found.items()
        if drawing_of(result)
    ]
    short = [result.shortfall() for result in compared]
    every = [*found.values()]
    return "\n".join([INTRODUCTION, *filter(None, [waits(every)]), advice(every), findings(every), *short, *drawn])


def tables_page(results: Mapping[str, Result]) -> str:
    """Second page: a section for each result, by benchmark and then by file name."""
    found = merged(results).values()
    sections = [result.section() for kind in SECTIONS for result in found if isinstance(result, kind)]
    ingests = [result for result in found if isinstance(result, Ingest)]
    return "\n".join([TABLES, *_numbered(sections), *([ingest.section(ingests)] if ingests else [])])


def _numbered(sections: Iterable[str]) -> Iterator[str]:
    """Sections under different headings: "## Windows" comes back as "## Windows (2)"."""
    seen = Counter[str]()
    for section in sections:
        heading, rest = section.split("\n", 1)
        seen[heading] += 1
        yield section if seen[heading] == 1 else f"{heading} ({seen[heading]})\n{rest}"


def pictures(results: Mapping[str, Result]) -> dict[str, str]:
    """The pictures of the first page, SVG by file name."""
    from benchmarks.pages.plots import drawing_of, svg

    drawings = {name: drawing_of(result) for name, result in merged(results).items()}
    return {f"{name}.svg": svg(draw()) for name, draw in drawings.items() if draw}
