"""Import paths that lead nowhere, or to code that fails: one line each."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from longstride.__main__ import main
from longstride.trainer.errors import SettingsError
from longstride.trainer.resolve import call_named, named
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import SIZES

MODULES = {
    "dividing": "x = 1 / 0",
    "exiting": "raise SystemExit(3)",
    "wrong": "def x(:",
    "needing": "import not_installed_anywhere",
    "undecoded": "# -*- coding: nothing -*-",
    "failing": "def x(*arguments, **keywords):\n    raise KeyError('k')",
    "leaving": "def x(*arguments, **keywords):\n    raise SystemExit",
    "wider": "import torch\ndef x(settings, shape):\n    n = shape.channels\n    return torch.nn.Linear(n, n + 1)",
    "pairing": "import torch\nclass Pair(torch.nn.Linear):\n    def forward(self, x):\n        return x, x\n"
    "def x(settings, shape):\n    return Pair(shape.channels, shape.channels)",
}


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "path",
    [
        ":",
        ":x",
        "x:",
        "a:b:c",
        "..:x",
        ".a:x",
        "a..b:x",
        "a.:x",
        "a:b.c",
        "a b:x",
        "\udcff:x",
        "a\0b:x",
        "1:x",
        "",
    ],
)
def test_what_is_not_an_import_path_is_not_tried(path: str) -> None:
    with raises("option-value", f"--model is {path!r}", "package.module:function", kind=SettingsError):
        named("--model", path, {})


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("é:é", ["'é'"]),
        ("nowhere.at.all:x", ["'nowhere'"]),
        ("os:nothing", ["'nothing'"]),
        ("os:sep", ["not a function"]),
        ("dividing:x", ["ZeroDivisionError", "dividing.py, line 1"]),
        ("exiting:x", ["SystemExit: 3", "exiting.py, line 1"]),
        ("wrong:x", ["SyntaxError", "wrong.py, line 1"]),
        ("needing:x", ["not_installed_anywhere"]),
        ("undecoded:x", ["undecoded.py"]),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(path: str, facts: list[str]) -> None:
    with raises("option-value", f"--loss {path}", *facts, kind=SettingsError) as caught:
        named("--loss", path, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", ["failing", "leaving"])
def test_a_function_that_fails_is_one_line(module: str) -> None:
    with raises("option-value", f"--optimiser {module}:x failed", f"{module}.py, line 2", kind=SettingsError):
        call_named("--optimiser", f"{module}:x", {}, [], lr=0.1)


def test_ctrl_c_in_a_module_is_that() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_named("--model", "a", {"a": interrupted})


@pytest.mark.parametrize(
    ("flag", "value", "facts"),
    [
        ("--model", "exiting:x", ["SystemExit"]),
        ("--model", "failing:x", ["KeyError"]),
        ("--loss", "failing:x", ["KeyError"]),
        ("--optimiser", "failing:x", ["KeyError"]),
        ("--model", "wider:x", ["(32, 16, 5)", "(32, 16, 4)"]),
        ("--model", "pairing:x", ["tuple"]),
        ("--hidden", str(10**17), ["--model lstm"]),
    ],
)
def test_the_command_line_shows_no_traceback(
    store: Path, tmp_path: Path, flag: str, value: str, facts: list[str]
) -> None:
    sizes = [f"--{name.replace('_', '-')}={size}" for name, size in SIZES.items()]
    command = ["train", str(store), f"--out={tmp_path / 'run'}", "--device=cpu", *sizes, flag, value]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert_refused(result.output, "option-value", *facts)
