"""The codes that ingest, profile and packing raise are those that docs/errors.md explains."""

import ast
import re
from pathlib import Path

from tests.helpers.paths import ROOT

FOLDERS = ("ingest", "profile", "packing")
KINDS = {
    "LongstrideError",
    "RecipeError",
    "SourceError",
    "RejectsError",
    "AccountingError",
    "StoreError",
    "WorkersError",
}
ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)


def codes(path: Path) -> set[str]:
    """Codes that a file names; each error that it makes has one."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    errors = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in KINDS]
    found = [keyword.value for call in errors for keyword in call.keywords if keyword.arg == "code"]
    assert len(found) == len(errors), path
    return {value.value for value in found if isinstance(value, ast.Constant)}


def test_each_code_is_explained_and_each_explained_code_is_raised() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / "pipeline" / folder).rglob("*.py")]
    raised = set().union(*map(codes, [*paths, ROOT / "pipeline" / "executor.py"]))
    text = (ROOT / "docs" / "errors.md").read_text()
    section = text.partition("## Logs, recipes and exports")[2].partition("\n## ")[0]
    assert raised <= set(ROW.findall(text))
    assert set(ROW.findall(section)) <= raised
