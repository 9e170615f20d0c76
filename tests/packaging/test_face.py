"""The public face, what importing it brings along, and how the tree is laid out."""

import ast
import inspect
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import longstride
from longstride.__main__ import COMMANDS
from tests.helpers.paths import ROOT

ROOMS = ("longstride", "pipeline", "storage", "trainer")
HEAVY = {"dask", "distributed", "matplotlib", "numpy", "polars", "pyarrow", "sklearn", "torch", "zarr"}
BARE = re.compile(r"(?:(?<!yield )\bfrom|\bimport|(?<!\S)-m) +(?:pipeline|storage|trainer)\b")
HISTORY = ("CHANGELOG.md", "docs/decisions/", "tests/packaging/test_face.py")
"""Where names of the past, and bad ones, are named."""
MAX_LINES = 350
MAX_MODULES = 15


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The text of every file that git knows, by name."""
    command = ["git", "ls-files", "-z", "*.py", "*.md", "*.toml", "*.jinja", "Makefile", ".ci"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def imported(*arguments: str) -> set[str]:
    """Packages that a Python process with these arguments imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_editors_see_the_names_that_there_are() -> None:
    tree = ast.parse(Path(longstride.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (str(node.module).removeprefix("longstride."), alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {(module, name) for module, names in longstride._NAMES.items() for name in names}


@pytest.mark.parametrize("name", [name for name in longstride.__all__ if name != "__version__"])
def test_every_name_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(longstride, name))


def test_importing_it_imports_nothing_that_takes_time() -> None:
    found = imported("-c", "import longstride")
    assert "longstride" in found
    assert not found & HEAVY


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_that_takes_time(command: str) -> None:
    found = imported("-m", "longstride", *filter(None, [command]), "--help")
    assert "click" in found
    assert not found & HEAVY


def test_nothing_is_imported_by_a_bare_name(files: dict[str, str]) -> None:
    assert not [name for name, text in files.items() if not name.startswith(HISTORY) and BARE.search(text)]


def test_the_product_does_not_import_its_face(files: dict[str, str]) -> None:
    product = [name for name in files if name.startswith(ROOMS[1:]) and name.endswith(".py")]
    assert len(product) > 100
    assert not [name for name in product if _imports_face(files[name])]


def test_a_file_reads_in_one_sitting(files: dict[str, str]) -> None:
    code = {name: text for name, text in files.items() if name.endswith(".py") and not name.startswith("tests/")}
    assert not {name for name, text in code.items() if text.count("\n") > MAX_LINES}


def test_a_folder_is_seen_at_a_glance(files: dict[str, str]) -> None:
    product = [Path(name) for name in files if name.startswith((*ROOMS, "benchmarks")) and name.endswith(".py")]
    modules = Counter(path.parent for path in product if path.name != "__init__.py")
    assert not [str(folder) for folder, count in modules.items() if count > MAX_MODULES]


def _imports_face(code: str) -> bool:
    return any(
        (isinstance(node, ast.ImportFrom) and node.module == "longstride")
        or (isinstance(node, ast.Import) and "longstride" in [alias.name for alias in node.names])
        for node in ast.walk(ast.parse(code))
    )
