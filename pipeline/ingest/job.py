"""Ingest, start to end: plan, read every section into sorted parts, write them in order, commit, report."""

import os
import shutil
import time as clock
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.ingest.append import check_newer, recipe_of, refuse_known, sensors_before
from pipeline.ingest.errors import RecipeError, SourceError
from pipeline.ingest.executor import Run, in_threads, on_cluster, on_processes
from pipeline.ingest.files import find_files
from pipeline.ingest.plan import make_plan
from pipeline.ingest.reading import ReadSources, was_finished
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.reject_files import collect_rejects, report_folder
from pipeline.ingest.report import IngestReport
from pipeline.ingest.report_page import write_report
from pipeline.ingest.writing import sensors_of, write_store
from storage.durable import exchange
from storage.errors import StoreError
from storage.format import ROOT
from storage.lock import StoreLock
from storage.store import SeriesStore

__all__ = ["append", "ingest", "rebuild"]

PIECE_BYTES = 8 * 2**20
BUCKET_BYTES = 64 * 2**20
READ_SHARE = 0.75
"""Of the way, when all sources are read."""

Names = Sequence[str | os.PathLike[str]]
Progress = Callable[[float], object]


def ingest(
    sources: Names,
    out: str | os.PathLike[str],
    recipe: Recipe,
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    piece_bytes: int = PIECE_BYTES,
    bucket_bytes: int = BUCKET_BYTES,
) -> IngestReport:
    """Turn source files into a new store at `out`, in memory that does not grow with them.

    Sections of the sources are read by threads of this process, by `workers` local processes, or by the workers of
    the Dask scheduler at the address `dask`; the store is the same. What an interrupted ingest of the same sources
    and recipe has left is taken over. `progress` is called with bytes of the sources as they are done; pieces and
    buckets of rows are what memory holds at a time.

    Raises RecipeError, SourceError, RejectsError or StoreError, and then there is no store.
    """
    with _new_store(out) as lock, _executor(workers, dask) as run:
        return _run(sources, lock, recipe, None, run, progress, piece_bytes, bucket_bytes)


def append(
    sources: Names,
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    piece_bytes: int = PIECE_BYTES,
    bucket_bytes: int = BUCKET_BYTES,
) -> IngestReport:
    """Add newer rows to the store at `out`, read by its own recipe; see `ingest` for the rest.

    Only the last chunk is written again, and who has the store open keeps what they had. The first rate of each
    series is missing, and nothing is filled in across the seam. Raises SourceError for a file that the store has
    already, and for rows that are not newer than what it has of their series.
    """
    with StoreLock(out, append=True) as lock, _executor(workers, dask) as run:
        before = SeriesStore.open(lock.path)
        return _run(sources, lock, recipe_of(before), before, run, progress, piece_bytes, bucket_bytes)


def rebuild(
    sources: Names,
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    piece_bytes: int = PIECE_BYTES,
    bucket_bytes: int = BUCKET_BYTES,
) -> IngestReport:
    """Make the store at `out` again, of its own sources as they are now and more; then put it in its place.

    Who has rows of the old one mapped keeps them; who has only opened it is told to open it again. Raises
    SourceError where one of its sources is gone.
    """
    out = Path(out)
    with StoreLock(out, append=True) as lock:
        before = SeriesStore.open(lock.path)
        known = _sources_before(before)
        names = [*known, *(name for name in find_files(sources) if name not in known)]
        made = out.with_name(f".{out.name}.rebuilding")
        if (made / ROOT).exists():
            shutil.rmtree(made)  # a kill has come between its commit and the exchange, or right after it
        with _new_store(made) as new_lock, _executor(workers, dask) as run:
            report = _run(
                names,
                new_lock,
                recipe_of(before),
                None,
                run,
                progress,
                piece_bytes,
                bucket_bytes,
                shown_as=out,
                generation=before.generation + 1,
            )
        exchange(made, out)
        shutil.rmtree(made)
    return report


def _sources_before(before: SeriesStore) -> list[str]:
    known = [source["name"] for source in before.attributes["sources"]]
    gone = [name for name in known if "://" not in name and not Path(name).exists()]
    if gone:
        raise SourceError(
            gone[0], f"{before.path} was made of it, and it is gone: a rebuild needs all its sources"
        )
    return known


def _new_store(path: str | os.PathLike[str]) -> StoreLock:
    lock = StoreLock(path)
    # What is there is the new store already, where a kill has come right after its commit.
    lock.append = was_finished(lock)
    return lock


def _executor(workers: int | None, dask: str | None) -> AbstractContextManager[Run[Any]]:
    if workers is not None and dask is not None:
        raise RecipeError("workers and dask contradict each other: name one of them")
    if dask is not None:
        return on_cluster(dask)
    return in_threads() if workers is None else on_processes(workers)


def _run(
    names: Names,
    lock: StoreLock,
    recipe: Recipe,
    before: SeriesStore | None,
    run: Run[Any],
    progress: Progress | None,
    piece_bytes: int,
    bucket_bytes: int,
    shown_as: Path | None = None,
    generation: int = 1,
) -> IngestReport:
    started = clock.perf_counter()
    advance = progress or (lambda _: None)
    plan = make_plan(names, recipe, union=None if before is None else recipe.channels)
    total_bytes = sum(source.num_bytes for source in plan.sources)
    read = ReadSources(plan, lock, piece_bytes, lambda num_bytes: advance(READ_SHARE * num_bytes))
    if was_finished(lock):
        left = read.left_report()
        if left is not None and left.generation == SeriesStore.open(lock.path).generation:
            read.remove_parts()
            return left
        if before is None:
            raise StoreError(f"{lock.path} is a store already: remove it first, or give another path")
    if before is not None:
        refuse_known(before, plan.sources)
    read.run(run)
    sensors = None if recipe.pivot is None else sensors_of(read.parts)
    if before is not None:
        check_newer(before, read.parts, plan.sources)
        sensors = sensors_before(before, sensors, plan.union)
    store = shown_as or lock.path

    def publish(report: IngestReport) -> IngestReport:
        report = replace(
            report,
            store=os.fspath(store),
            rejects=collect_rejects(read.folder, store, report.generation, plan.sources, read.parts),
            seconds=clock.perf_counter() - started,
        )
        write_report(report, report_folder(store))
        read.leave_report(report)
        return report

    report = write_store(
        plan,
        read,
        lock,
        before=before,
        generation=generation,
        sensors=sensors,
        bucket_bytes=bucket_bytes,
        progress=lambda share: advance((1 - READ_SHARE) * total_bytes * share),
        publish=publish,
    )
    read.remove_parts()
    return report
