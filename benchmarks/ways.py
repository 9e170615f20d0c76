"""The ways of serving windows that are measured: ours, the fair copy, and peers, each where its library is."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["COPY", "OURS", "PEERS", "Way", "peers"]

ENVIRONMENTS = Path(__file__).parents[1] / "build" / "peers"
REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"


@dataclass(frozen=True)
class Way:
    """A module that serves windows (`benchmarks.peers.serve`), and the environment that it needs."""

    name: str
    module: str
    environment: str | None = None
    """That `make peers` makes; None: this one."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a case that this way has in place of those that are asked for."""

    @property
    def python(self) -> Path:
        """The interpreter."""
        return ENVIRONMENTS / self.environment / "bin" / "python" if self.environment else Path(sys.executable)

    @property
    def is_installed(self) -> bool:
        """Whether the environment is there, and whole."""
        return not self.environment or (ENVIRONMENTS / self.environment / "installed").exists()


OURS = Way("longstride", "benchmarks.ours")
COPY = Way("fair copy", "benchmarks.ceiling")


def _peer(name: str, environment: str | None = None) -> Way:
    return Way(name, f"benchmarks.peers.{name.replace('-', '_')}", environment)


PEERS = {
    **{name: _peer(name) for name in ("memmap", "zarr", "unfold")},
    **{path.stem: _peer(path.stem, path.stem) for path in sorted(REQUIREMENTS.glob("*.txt"))},
    "litdata-windows": _peer("litdata-windows", "litdata"),
}
"""By name: first those that need nothing but what this project installs."""


def peers(names: Sequence[str]) -> list[Way]:
    """Peers by name, in the order of tables. Raises ValueError for a name that is none."""
    if unknown := [name for name in names if name not in PEERS]:
        raise ValueError(f"{unknown[0]!r}: expected all, none, or of {', '.join(PEERS)}")
    return [way for name, way in PEERS.items() if name in names]
