"""The commands as a whole: what they import, and the demo."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_demo(tmp_path: Path) -> None:
    arguments = [
        "demo",
        "--folder",
        str(tmp_path / "demo"),
        "--rows",
        "20000",
        "--minutes",
        "0.03",
        "--processes",
        "2",
    ]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    for word in ("rows x channels", "ingest ", "training ", "loss ", "waiting for data", "picture "):
        assert word in result.stdout
    assert result.stderr.count("$ python -m") == 4
    assert (tmp_path / "demo" / "run" / "reconstruction.png").exists()


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["synth"],
        ["windows"],
        ["sweep"],
        ["order"],
        ["report"],
        ["ingest"],
        ["shuffle"],
        ["scale"],
        ["disk"],
        ["codecs"],
        ["device"],
        ["train"],
        ["epoch"],
        ["gpu"],
        ["detect"],
        ["fleet"],
        ["live"],
        ["demo"],
    ],
)
def test_help_needs_no_heavy_import(command: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['benchmarks', *{command!r}, '--help']\n"
        "from benchmarks.__main__ import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'polars', 'numpy', 'matplotlib'} & set(sys.modules), sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not command or "Example:" in result.stdout
