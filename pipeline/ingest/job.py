"""Ingest, start to end: plan, read every section into sorted parts, write them in order, commit, report."""

import os
import shutil
import time as clock
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack, get_type_hints

from longstride.pipeline.executor import executor
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.plan import make_plan
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.report import IngestReport
from longstride.pipeline.ingest.report_page.overview import Overview
from longstride.pipeline.ingest.report_page.page import prepare_report, write_report
from longstride.pipeline.ingest.sources.names import find_files
from longstride.pipeline.ingest.sources.rows.given import Sources, has_rows, listed_sources
from longstride.pipeline.ingest.sources.rows.spool import Spool, spooled
from longstride.pipeline.ingest.staging.folder import ROWS, StagedFolder, was_finished
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.pipeline.ingest.staging.reject_file import collect_rejects, report_folder
from longstride.pipeline.ingest.writing.ahead import WriteAhead
from longstride.pipeline.ingest.writing.target import NewStore
from longstride.pipeline.ingest.writing.write import sensors_of, write_store
from longstride.pipeline.kept_memory import memory_kept
from longstride.storage.atomic import exchange
from longstride.storage.cli.keywords import checked
from longstride.storage.errors import LongstrideError, StoreError, coded
from longstride.storage.format import LOCK_FILE, ROOT
from longstride.storage.location import local_path
from longstride.storage.open import open_store
from longstride.storage.writing.lock import StoreLock, refuse_files_of_others

__all__ = ["Options", "append", "ingest", "rebuild"]

PIECE_BYTES = 8 * 2**20
BUCKET_BYTES = 64 * 2**20
READ_SHARE = 0.75
"""Share of the progress when all sources are read."""


class Options(TypedDict, total=False):
    """How a job runs. The store does not depend on these options."""

    workers: int | None
    """Number of local processes that read; by default, threads of this process do."""
    dask: str | None
    """Address of a Dask scheduler whose workers read."""
    progress: Callable[[float], object] | None
    """Called with the number of bytes of the sources that were processed since the last call."""
    piece_bytes: int
    """Bytes of a source that are parsed at a time."""
    bucket_bytes: int
    """Bytes of rows that are put in order at a time."""


@coded
def ingest(
    sources: Sources, out: str | os.PathLike[str], recipe: Recipe, **options: Unpack[Options]
) -> IngestReport:
    """Turn sources into a new store at `out`; `options` as in `Options`.

    A source is a file, a folder, a pattern or a URL; or rows: a `pyarrow.Table` or `RecordBatchReader`, a
    DataFrame of Polars or of pandas (from 2.2 on), a LazyFrame, a relation of DuckDB, a cursor of ADBC after
    `execute`, whatever else gives an Arrow stream, or an iterator of record batches. Several make a list. Rows are
    read once, into a file within the folder of the store, where they are until the job ends.

    Memory does not grow with the sources. An interrupted ingest of the same sources and recipe is resumed; one
    that was done is not done again, and the report says that it `was_there`. Raises RecipeError, SourceError,
    RejectsError or StoreError, and then there is no store.
    """
    _check(options)
    given: object = recipe
    if not isinstance(given, Recipe):
        found = type(given).__name__
        raise RecipeError(
            f"recipe is a {found}: expected a Recipe (of a Proposal, its .recipe)", code="recipe-value"
        )
    given_sources = listed_sources(sources)
    lock = _new_store(out)
    if lock.is_committed and not lock.append:
        from longstride.pipeline.ingest.done_already import done_already, may_be_of

        # The lock would refuse it, though a kill may have come between its last step and the end of the process.
        if has_rows(given_sources):
            lock.append = may_be_of(lock.path, given_sources)
        elif done := done_already(given_sources, lock.path, recipe, is_append=False):
            return done
    with lock, spooled(given_sources, lock.staged / ROWS) as spool:
        return _run(spool, lock, recipe, NewStore(), options, is_new=True)


@coded
def append(
    sources: Sources, out: str | os.PathLike[str], *, accept_changed: bool = False, **options: Unpack[Options]
) -> IngestReport:
    """Add newer rows to the store at `out`, read by its own recipe; `sources` and `options` as in `ingest`.

    Only the last chunk is rewritten, and readers that have the store open keep the rows they had. The first new
    rate of each series is missing, and no value is filled in between the old rows and the new. Where the last
    commit was made by this very append, nothing is done, and the report says that it `was_there`. Raises
    SourceError for any other file or rows that the store has already, for a file that was rewritten since the
    store took rows of it, unless `accept_changed`, and for rows that are not newer than the stored rows of their
    series; otherwise raises as `ingest`.
    """
    from longstride.pipeline.ingest.append import ExistingStore, recipe_of

    _check(options)
    given = listed_sources(sources)
    with StoreLock(out, append=True) as lock:
        store = open_store(lock.path)
        recipe = recipe_of(store)
        if recipe.counts_rows:
            raise RecipeError(
                f"{store.path} has rows without times, counted from {recipe.start} on: where new ones go is not "
                "known; give their files to --rebuild, and they follow the others",
                code="recipe-conflict",
            )
        if recipe.date_of_clock is not None:
            raise RecipeError(
                f"{store.path} has times of day of {recipe.date_of_clock}: new ones would get the same date; give "
                "their files to --rebuild, or ingest each day to a store of its own",
                code="recipe-conflict",
            )
        if accept_changed:
            recipe = replace(recipe, label_file_crc=None)
        with spooled(given, lock.staged / ROWS) as spool:
            return _run(spool, lock, recipe, ExistingStore(store, accept_changed=accept_changed), options)


@coded
def rebuild(
    sources: Sources, out: str | os.PathLike[str], *, accept_changed: bool = False, **options: Unpack[Options]
) -> IngestReport:
    """Make the store at `out` again from its own sources, and these; then replace the old store.

    A source of the store is known by its size and checksum, at its path or among `sources`; lines may have been
    added to it. Rows that no file holds are not kept: give the same again. Readers that have rows of the old store
    mapped keep them; others get an error, and have to open it again. Raises SourceError where a source no longer
    exists or holds other bytes; with `accept_changed`, files that hold other bytes are taken as they are.
    Otherwise raises as `ingest`.
    """
    from longstride.pipeline.ingest.append import recipe_of
    from longstride.pipeline.ingest.sources.recorded import sources_of_rebuild

    _check(options)
    given = listed_sources(sources)
    shown_as = local_path(out)
    out = Path(os.path.realpath(shown_as))  # a link stays, and leads to the new store
    with StoreLock(out, append=True) as lock:
        before = open_store(lock.path)
        refuse_files_of_others(before)
        recipe = recipe_of(before)
        if accept_changed:
            recipe = replace(recipe, label_file_crc=None)
        made = out.with_name(f".{out.name}.rebuilding")
        if (made / ROOT).exists():
            shutil.rmtree(made)  # a kill has come between its commit and the exchange, or right after it
        target = NewStore(before.generation + 1)
        with spooled(given, lock.staged / ROWS) as spool:
            names = sources_of_rebuild(before, find_files(spool.names), accept_changed=accept_changed)
            with _new_store(made) as new_lock:
                report = _run(Spool(names, spool.sources), new_lock, recipe, target, options, shown_as=shown_as)
        exchange(made, out)
        lock.path = made  # it holds the old store: another writer may take the new one from now on
        _empty(made)
    return report


def _empty(store: Path) -> None:
    """Remove what is in a store. A kill leaves a folder that the lock file marks as ours, and no store."""
    (store / ROOT).unlink()
    for entry in store.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()


def _check(options: Options) -> None:
    if unknown := options.keys() - Options.__annotations__.keys():
        known = ", ".join(Options.__annotations__)
        raise TypeError(f"unknown option {min(unknown)!r}: expected {known}")
    hints = get_type_hints(Options)
    for name, value in options.items():
        checked(name, value, hints[name], LongstrideError)


def _new_store(path: str | os.PathLike[str]) -> StoreLock:
    lock = StoreLock(path)
    # A job that was killed right after its commit has left the new store.
    lock.append = was_finished(lock)
    return lock


def _done_before(lock: StoreLock, folder: StagedFolder) -> IngestReport | None:
    """The report of the last commit, where this very job has made it and was killed before it had tidied."""
    left = folder.left_report() if was_finished(lock) else None
    if left is None or left.generation != open_store(lock.path).generation:
        return None
    folder.remove_parts()
    return left


def _run(
    spool: Spool,
    lock: StoreLock,
    recipe: Recipe,
    target: NewStore,
    options: Options,
    *,
    shown_as: Path | None = None,
    is_new: bool = False,
) -> IngestReport:
    started = clock.perf_counter()
    advance = options.get("progress") or (lambda _: None)
    piece_bytes = options.get("piece_bytes", PIECE_BYTES)
    store = shown_as or lock.path
    if (aside := report_folder(store)).exists() and not aside.is_dir():
        raise StoreError(f"{aside} is a file: the report goes into a folder there", code="path-taken")
    plan = make_plan(
        spool.names,
        recipe,
        union=target.known_columns(recipe),
        labels=target.known_labels(),
        is_new=is_new,
        rows=spool.sources,
    )
    left_bytes: float = sum(source.num_bytes for source in plan.sources)

    def progress(num_bytes: float) -> None:
        nonlocal left_bytes
        left_bytes -= num_bytes
        advance(num_bytes)

    read = ReadSources(
        plan, lock, piece_bytes, lambda num_bytes: progress(num_bytes if ahead.goes_on else READ_SHARE * num_bytes)
    )
    if lock.is_committed:
        from longstride.pipeline.ingest.done_already import done_already

        done = _done_before(lock, read.folder) or done_already(
            spool.names, lock.path, recipe, is_append=not is_new, rows=spool.sources
        )
        if done is not None:
            return done
        target.refuse_store_of_other_job(lock.path)
    target.refuse_known(plan.sources)

    def publish(report: IngestReport, overview: Overview) -> IngestReport:
        report = replace(
            report,
            store=os.fspath(store),
            rejects=collect_rejects(read.folder.path, store, report.generation, plan.sources, read.parts),
            seconds=clock.perf_counter() - started,
        )
        write_report(report, overview, report_folder(store))
        read.folder.leave_report(report)
        return report

    with memory_kept(), WriteAhead(plan, read, lock, target) as ahead, ThreadPoolExecutor(1) as meanwhile:
        meanwhile.submit(prepare_report)
        with executor(options.get("workers"), options.get("dask")) as run_tasks:
            read.run(run_tasks, ahead.add)
        target.refuse_older(read.parts, plan.sources)
        sensors = None if recipe.pivot is None else target.sensors(sensors_of(read.parts), plan.union)
        written_bytes = left_bytes
        report = write_store(
            plan,
            read,
            lock,
            ahead=ahead,
            target=target,
            sensors=sensors,
            bucket_bytes=options.get("bucket_bytes", BUCKET_BYTES),
            progress=lambda share: advance(written_bytes * share),
            publish=publish,
        )
    read.folder.remove_parts()
    return report
