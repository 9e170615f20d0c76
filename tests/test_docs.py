"""Every command and snippet that README and docs/ show is run, in order, page by page; what they name is there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

import longstride
from tests.helpers.object_store import environment, make_bucket, serve_s3
from tests.helpers.paths import ROOT

PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
ALL_PAGES = sorted({*PAGES, *ROOT.glob("docs/decisions/*.md"), *ROOT.glob("[A-Z]*.md")})
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLANT = """
python -m benchmarks synth --out logs --rows 20000
longstride ingest logs/*.csv --out plant.zarr --time time --series machine --labels fault
"""
FOLDERS = "storage|pipeline|trainer|longstride|benchmarks|tests|docs"
NAMED_PATH = re.compile(rf"(?<![\w./-])(?:{FOLDERS})/[\w./-]*\w")
"""A file or folder of this checkout."""
EACH = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path, run_name='__main__')"


def run(command: list[str], folder: Path, **environment: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path} | environment
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert result.returncode == 0, "\n".join([*command, result.stdout, result.stderr])


def shell(text: str) -> list[str]:
    # CI runs the make targets themselves, this test among them.
    lines = [line for line in text.splitlines() if not line.startswith("make ")]
    return ["bash", "-euo", "pipefail", "-c", "\n".join(lines)]


def commands(blocks: list[tuple[str, str]], folder: Path) -> Iterator[list[str]]:
    """Snippets that follow each other are scripts of one process: each would import torch for seconds."""
    for language, group in groupby(blocks, key=lambda block: block[0]):
        texts = [text for _, text in group]
        if language == "sh":
            yield from map(shell, texts)
            continue
        scripts = [folder / f"snippet-{number}.py" for number in range(len(texts))]
        for script, text in zip(scripts, texts, strict=True):
            script.write_text(text)
        yield [sys.executable, "-c", EACH, *map(str, scripts)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    run(shell(PLANT), folder)
    return folder


@pytest.fixture
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A bucket named `bucket`; gives the environment that leads there."""
    with serve_s3(tmp_path_factory.mktemp("s3")) as address:
        make_bucket(address, "bucket")
        yield environment(address)


@pytest.mark.timeout(900)  # a page trains models one after the other: in a slow hour, minutes
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_does_what_it_shows(
    page: Path, plant: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    blocks = BLOCK.findall(page.read_text())
    needs_objects = any("s3://" in text for _, text in blocks)
    variables = request.getfixturevalue("object_store") if needs_objects else {}
    if page.name != "README.md":  # the README makes its own
        for name in ("logs", "plant.zarr"):
            (tmp_path / name).symlink_to(plant / name)
    for command in commands(blocks, tmp_path):
        run(command, tmp_path, **variables)


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_named_files_are_there(page: Path) -> None:
    for path in NAMED_PATH.findall(page.read_text()):
        assert list(ROOT.glob(path.replace("NAME", "*"))), path


def test_the_table_of_features_is_of_the_peers_that_are_measured() -> None:
    page = (ROOT / "docs/peers.md").read_text()
    tables = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("|")]
    peers = tables[0][2:]
    assert {len(cells) for cells in tables} == {len(peers) + 2}
    for peer in map(str.strip, peers):
        pinned = (ROOT / f"benchmarks/peers/requirements/{peer}.txt").read_text()
        assert re.search(rf"^{peer}==(.+)$", pinned, re.MULTILINE)[1] in page, peer
    notes = re.findall(r"^\[\^\w+\]", page, re.MULTILINE)
    assert sorted(notes) == sorted(set(re.findall(r"\[\^\w+\](?!:)", page)))


def test_the_reference_shows_every_public_name() -> None:
    page = (ROOT / "docs/api.md").read_text()
    missing = [
        name for name in longstride.__all__ if not re.search(rf":: longstride\.{name}$", page, re.MULTILINE)
    ]
    assert missing == ["__version__"]


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {longstride.__version__}\n" in (ROOT / "CITATION.cff").read_text()
