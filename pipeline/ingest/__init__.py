"""Raw logs to a store: `ingest(sources, out, Recipe(time="Time"))`."""

from pipeline.ingest.errors import AccountingError, RecipeError, RejectsError, SourceError
from pipeline.ingest.files import find_files, num_bytes
from pipeline.ingest.job import append, ingest, rebuild
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.report import FileReport, IngestReport

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
