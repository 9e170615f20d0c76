"""`longstride pack`, `unpack` and `export`: a store in another form."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from longstride.storage.cli.group import OVERWRITE, LocalPath, example, options, row_range
from longstride.storage.cli.progress import ProgressBar
from longstride.storage.cli.signals import RESUMES, WHOLE, stoppable
from longstride.storage.text import counted

if TYPE_CHECKING:
    from longstride.pipeline.packing.pack import Packed

R = TypeVar("R")

THERE = ", there already with the same rows: nothing was done"

WORKERS = (
    click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Work with N processes of this machine."
    ),
    click.option(
        "--dask", metavar="ADDRESS", help="Work on the Dask cluster of this scheduler, such as tcp://host:8786."
    ),
)


@click.command(epilog=example("longstride pack plant.zarr s3://bucket/plant.zarr --codec blosc-zstd --workers 4"))
@click.argument("store")
@click.argument("dest")
@click.option(
    "--codec",
    type=click.Choice(["auto", "blosc-zstd", "blosc-lz4", "zstd", "delta"]),
    default="auto",
    show_default=True,
    help="How values are compressed; auto tries each on a sample, and takes the best that every Zarr tool reads.",
)
@options(WORKERS)
def pack(store: str, dest: str, codec: str, workers: int | None, dask: str | None) -> None:
    """Write a packed copy of STORE to DEST, a new folder or a URL such as s3://bucket/plant.zarr.

    A packed store is small, and has few files: it is for object stores, archives and colleagues. Training reads
    it as it is, in the same order; `unpack` restores the mapped store, bit for bit. Credentials and endpoint of an
    object store come from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on).

    An interrupted job resumes when the command is run again.
    """
    from longstride.pipeline.packing.pack import copy_at
    from longstride.pipeline.packing.pack import pack as write
    from longstride.pipeline.packing.trials import best_of, try_codecs
    from longstride.storage.location import place_of
    from longstride.storage.open import open_store

    opened = open_store(store)
    if codec == "auto" and copy_at(place_of(dest), opened) is None:
        trials = try_codecs(opened)
        codec = best_of(trials).codec
        for trial in trials:
            note = "chosen: the smallest that every Zarr tool reads" if trial.codec == codec else ""
            note = (
                "only Longstride can read it, and Zarr for Python where Longstride is installed"
                if trial.codec == "delta"
                else note
            )
            size = f"{trial.ratio:.2f} times smaller, decoded at {trial.megabytes_per_second:,.0f} MB/s"
            click.echo(f"{trial.codec:<10}  {size}  {note}".rstrip())
    report = _with_bar(
        "pack", opened, lambda bar: write(opened, dest, codec=codec, workers=workers, dask=dask, progress=bar)
    )
    ratio = opened.values.nbytes / report.num_bytes
    reused = _reused(report)
    click.echo(
        f"{dest}: {report.num_rows:,} rows, {counted(report.num_shards, 'shard')}{reused}; values {report.codec}, "
        f"{report.num_bytes / 1e6:,.1f} MB, {ratio:.2f} times smaller"
    )


@click.command(epilog=example("longstride unpack s3://bucket/plant.zarr plant.zarr"))
@click.argument("store")
@click.argument("dest")
@options(WORKERS)
def unpack(store: str, dest: str, workers: int | None, dask: str | None) -> None:
    """Write a mapped copy of the packed STORE, a folder or a URL, to the new folder DEST.

    It has the same bytes as the store that was packed, all compared with their checksums.
    """
    from longstride.pipeline.packing.pack import unpack as write
    from longstride.storage.open import open_store

    opened = open_store(store)
    report = _with_bar("unpack", opened, lambda bar: write(opened, dest, workers=workers, dask=dask, progress=bar))
    click.echo(f"{dest}: {report.num_rows:,} rows, {counted(report.num_shards, 'chunk')}{_reused(report)}")


@click.command(epilog=example("longstride export plant.zarr --to parquet --rows 0:86400 --out day.parquet"))
@click.argument("store")
@click.option("--to", type=click.Choice(["parquet", "arrow"]), required=True, help="Format of the file.")
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option(
    "--out",
    "-o",
    type=LocalPath(),
    metavar="FILE",
    help="File to write.  [default: STORE with the suffix of the format]",
)
@OVERWRITE
def export(store: str, to: str, rows: tuple[int, int] | None, out: str | None, overwrite: bool) -> None:
    """Write the rows of STORE to one file, chunk by chunk, so that memory does not grow.

    The file has a column for the time (UTC), the series, each channel and each label. OUT.toml, next to it, is the
    recipe that reads it: `longstride ingest OUT --recipe OUT.toml --out STORE` gives the same store.
    """
    from longstride.pipeline.packing.export import export as write
    from longstride.storage.location import is_url
    from longstride.storage.open import open_store

    out = out or str(Path(Path(store).name if is_url(store) else store).with_suffix(f".{to}"))
    opened = open_store(store)
    start, stop = rows or (0, opened.num_rows)
    bar = ProgressBar("export", stop - start, " rows")
    with stoppable(WHOLE), bar:
        written = write(opened, out, to, rows=rows, overwrite=overwrite, progress=bar.update)
    size = f"{written.num_bytes / 1e6:,.1f} MB{THERE if written.was_there else ''}"
    click.echo(f"{out}: {written.num_rows:,} rows, {size}; its recipe is {written.recipe}")


def _reused(report: "Packed") -> str:
    """What a copy owes to an earlier run."""
    if report.was_there:
        return THERE
    return f", {report.shards_reused:,} taken over from an interrupted run" if report.shards_reused else ""


def _with_bar(what: str, store: Any, job: Callable[[Callable[[int], object]], R]) -> R:
    """Run a job with a progress bar of rows, and say how to resume it when a signal ends it."""
    with (
        stoppable(RESUMES),
        ProgressBar(what, store.num_rows, " rows") as bar,
    ):
        return job(bar.update)
