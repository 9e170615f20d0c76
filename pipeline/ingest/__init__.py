"""Raw logs to a store: `ingest(sources, out, Recipe(time="Time"))`."""

from longstride.pipeline.ingest.errors import AccountingError, RecipeError, RejectsError, SourceError
from longstride.pipeline.ingest.job import append, ingest, rebuild
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.report import FileReport, IngestReport
from longstride.pipeline.ingest.sources.files import find_files, num_bytes

__all__ = [
    "AccountingError",
    "FileReport",
    "IngestReport",
    "Recipe",
    "RecipeError",
    "RejectsError",
    "SourceError",
    "append",
    "find_files",
    "ingest",
    "num_bytes",
    "rebuild",
]
