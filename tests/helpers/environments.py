"""Environments of their own: a wheel of this tree, and those packages beside it that a test chooses."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.helpers.paths import ROOT

SITES = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
"""Where the packages of this interpreter lie."""


def build(out: Path, *targets: str, source: Path = ROOT) -> None:
    """Build a wheel, an sdist or both, with what is installed: nothing is downloaded."""
    chosen = [word for target in targets for word in ("--target", target)]
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(out), *chosen]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def only(names: Sequence[str], folder: Path) -> Path:
    """A folder of links to the packages of these names and to what they require, and to nothing else."""
    folder.mkdir()
    for name in required(names):
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder


def required(names: Iterable[str]) -> set[str]:
    """Names of packages, and of all that they require without extras."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            needed = map(Requirement, distribution(name).requires or ())
            pending += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


class Environment:
    """A virtual environment with a wheel installed, in which commands run as a user types them."""

    def __init__(self, folder: Path, wheel: Path, sites: Sequence[str | Path]) -> None:
        """Packages are imported from `sites`, if they are not in the environment itself."""
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "sites.pth").write_text("\n".join(map(str, sites)) + "\n")
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)

    def run(self, program: str, *arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment in a folder, without the checkout."""
        hidden = ("PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV")
        variables = {name: value for name, value in os.environ.items() if name not in hidden}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [str(self.folder / "bin" / program), *map(str, arguments)],
            cwd=cwd,
            env=variables | {"PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
