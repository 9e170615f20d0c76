"""A job that is run again when its work is done: the last commit of the store holds exactly what it would make.

A kill between the commit and the end of a process leaves a store that does not tell whose it is. So it is compared
with what the job would make: the same files, byte for byte, by the same recipe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from longstride.pipeline.ingest.plan import make_plan
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.report import IngestReport
from longstride.pipeline.ingest.report_page.page import read_report
from longstride.pipeline.ingest.sources.base import Source, absolute
from longstride.pipeline.ingest.sources.files import checksum, num_bytes
from longstride.pipeline.ingest.sources.names import Names, find_files
from longstride.pipeline.ingest.sources.recorded import recorded_sources
from longstride.pipeline.ingest.sources.rows.given import has_rows
from longstride.pipeline.ingest.staging.reject_file import report_folder
from longstride.storage.errors import LongstrideError
from longstride.storage.open import open_mapped
from longstride.storage.series.gaps import default_max_gap
from longstride.storage.store import SeriesStore

__all__ = ["done_already", "may_be_of"]


def may_be_of(path: Path, given: Sequence[Any]) -> bool:
    """Whether the store at `path` was made of as many sources, files and rows at the same places."""
    try:
        known = recorded_sources(open_mapped(path))
    except LongstrideError:
        return False  # the job itself meets it again, and says so
    return [not one.path for one in known] == [has_rows([one]) for one in given]


def done_already(
    names: Names, path: Path, recipe: Recipe, *, is_append: bool, rows: Mapping[str, Source] | None = None
) -> IngestReport | None:
    """The report of the last commit of the store at `path`, where this very job has made it; else None.

    The sources are read, for their checksums, only where all their paths and sizes are those of that commit.
    `rows` as in `make_plan`.
    """
    try:
        store = open_mapped(path)
        report = _report_of(store)
        if report is None or not _is_of(store, report, names, recipe, rows or {}, is_append=is_append):
            return None
    except LongstrideError:
        return None  # the job itself meets it again, and says so
    return replace(report, was_there=True)


def _report_of(store: SeriesStore) -> IngestReport | None:
    """The report of the last commit, if it is there and says what the store says."""
    report = read_report(report_folder(store.path))
    if report is None or (report.generation, report.num_rows) != (store.generation, store.num_rows):
        return None
    sources = store.attributes["sources"][-len(report.files) :]
    recorded = [{name: value for name, value in source.items() if name != "path"} for source in sources]
    return report if recorded == [file.as_json() for file in report.files] else None


def _is_of(
    store: SeriesStore,
    report: IngestReport,
    names: Names,
    recipe: Recipe,
    rows: Mapping[str, Source],
    *,
    is_append: bool,
) -> bool:
    """Whether these sources were all that the last commit took, by this recipe, in this way."""
    known = recorded_sources(store)
    sources = known[-len(report.files) :]
    if is_append != (len(sources) < len(known)) or not (is_append or store.generation == 1):
        return False
    files = find_files(names)
    if ["" if name in rows else absolute(name) for name in files] != [source.path for source in sources]:
        return False
    if [num_bytes(name) for name in files] != [source.num_bytes for source in sources]:
        return False
    # An append goes by the recipe of the store.
    if not is_append and not _has_recipe(store, names, recipe, rows):
        return False
    found = [rows[name].bytes_crc() if name in rows else checksum(name) for name in files]
    return found == [source.crc for source in sources]


def _has_recipe(store: SeriesStore, names: Names, recipe: Recipe, rows: Mapping[str, Source]) -> bool:
    max_gap_ns = recipe.max_gap_ns or default_max_gap(store.cadence_ns)
    resolved = make_plan(names, recipe, rows=rows).resolved_recipe(max_gap_ns).as_json()
    return bool(resolved == store.attributes["recipe"])
