"""The ways of serving windows that are measured: ours, the fair copy, and peers, each where its library is."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["COPY", "OURS", "PEERS", "ROOT", "Way", "ours_in", "peers_named"]

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "build" / "peers"
MODULES = ROOT / "benchmarks" / "peers"
REQUIREMENTS = MODULES / "requirements"


@dataclass(frozen=True)
class Way:
    """A module that serves windows (`benchmarks.harness.serve`), and the environment that it needs."""

    name: str
    module: str
    environment: str | None = None
    """That `make peers` makes; None: this one."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a case that this way has in place of those that are asked for."""
    checkout: Path = ROOT
    """The tree whose code runs."""

    @property
    def room(self) -> str:
        """How it gets its windows: `in_memory`, `in_place` or `written`, for a peer."""
        return self.module.split(".")[-2]

    @property
    def python(self) -> Path:
        """The interpreter."""
        return ENVIRONMENTS / self.environment / "bin" / "python" if self.environment else Path(sys.executable)

    @property
    def is_installed(self) -> bool:
        """Whether the environment is there, and whole."""
        return not self.environment or (ENVIRONMENTS / self.environment / "installed").exists()


OURS = Way("longstride", "benchmarks.peers.longstride")
"""This checkout's loader."""
COPY = Way("fair copy", "benchmarks.peers.fair_copy")


def _peer(name: str, environment: str | None = None) -> Way:
    (path,) = MODULES.glob(f"*/{name.replace('-', '_')}.py")
    return Way(name, f"benchmarks.peers.{path.parent.name}.{path.stem}", environment)


PEERS = {
    **{name: _peer(name) for name in ("memmap", "zarr", "unfold")},
    **{path.stem: _peer(path.stem, path.stem) for path in sorted(REQUIREMENTS.glob("*.txt"))},
    "litdata-windows": _peer("litdata-windows", "litdata"),
}
"""By name: first those that need nothing but what this project installs."""


def ours_in(checkout: Path) -> Way:
    """The loader of another checkout."""
    return replace(OURS, name=f"{OURS.name} in {checkout.name}", checkout=checkout)


def peers_named(names: Sequence[str]) -> list[Way]:
    """Peers by name, in the order of tables. Raises ValueError for a name that is none."""
    if unknown := [name for name in names if name not in PEERS]:
        raise ValueError(f"{unknown[0]!r}: expected all, none, or of {', '.join(PEERS)}")
    return [way for name, way in PEERS.items() if name in names]
