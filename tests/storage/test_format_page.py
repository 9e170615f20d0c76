"""docs/format.md says what is on disk, and its snippets run."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.paths import ROOT

PAGE = (ROOT / "docs" / "format.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    labels = np.zeros((5000, 1), np.int8)
    make_store(folder / "plant.zarr", rows=5000, missing=0.1, labels=labels, chunk_rows=1024)
    return folder


def table(heading: str) -> list[list[str]]:
    """Rows of the first table below a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def test_snippets_run(folder: Path) -> None:
    assert len(SNIPPETS) == 5
    command = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", "\n".join(SNIPPETS)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_attribute_is_told(folder: Path) -> None:
    attributes = open_store(folder / "plant.zarr").attributes
    assert [row[0] for row in table("Attributes")] == [*attributes, "seal_crc32c"]


def test_every_array_is_told(folder: Path) -> None:
    root = zarr.open_group(folder / "plant.zarr", mode="r")
    arrays = {name: member for name, member in root.members(max_depth=None) if isinstance(member, zarr.Array)}
    rows = {name: cells for name, *cells in table("Arrays")}
    assert rows.keys() == arrays.keys()
    lengths = {"T": 5000, "N": 3, "L": 1, "S": 1, "C": 5, "R": 1024}
    for name, (shape, dtype, dimensions, chunk, _) in rows.items():
        array = arrays[name]
        expected = tuple(lengths[letter] for letter in re.findall("[A-Z]", shape))
        assert array.shape == expected
        assert array.chunks == (
            expected if chunk == "whole" else tuple(lengths[letter] for letter in re.findall("[A-Z]", chunk))
        )
        assert ", ".join(array.metadata.dimension_names) == dimensions
        assert str(array.dtype) in dtype or dtype == "string"
