"""How one source is read: what the tasks of all its sections have in common."""

from dataclasses import dataclass
from pathlib import Path

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source

__all__ = ["Reading"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What all sections of one source have in common."""

    number: int
    """Number of the source, in the order in which rows of equal time are taken."""
    source: Source
    columns: Columns
    recipe: Recipe
    folder: Path
    """Where parts go."""
    dtype: str
    """Type of the values of parts."""
    piece_bytes: int
    channels: tuple[str, ...]
    """Columns of values, those of a query included."""
