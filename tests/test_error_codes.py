"""Every code that an error can have stands in docs/errors.md, once, and no other does."""

import ast
import re
from collections import Counter

from tests.helpers.paths import ROOT

PACKAGES = ("longstride", "storage", "pipeline", "trainer", "benchmarks")
ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)


def codes_in_use() -> set[str]:
    """What is given as `code=` anywhere in the product."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                    found.add(node.value.value)
    return found


def test_the_table_has_each_code_once() -> None:
    listed = Counter(ROW.findall((ROOT / "docs" / "errors.md").read_text()))
    assert [code for code, count in listed.items() if count > 1] == []
    assert set(listed) == codes_in_use()
