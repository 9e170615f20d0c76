"""`python -m pipeline`: raw logs to a store, and what becomes of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from longstride.storage.cli import CommandGroup, counted, example, row_range

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

GOES_ON = "Interrupted: run the same command again, and it goes on where it was"
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@click.group(cls=CommandGroup, name="python -m pipeline")
def main() -> None:
    """Turn raw logs into a store, and stores into what travels."""


def _names(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Split names at commas; a name that holds one is written in a recipe."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _tab(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    return "tab" if text == "\\t" else text


SOURCES = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)

READING = (
    click.option(
        "--time",
        metavar="COL,...",
        callback=_names,
        help="Column that holds the time of a row, or several: date and time of day, or year, month, day and "
        "so on. Required, here or in the recipe.",
    ),
    click.option(
        "--time-format",
        metavar="FORMAT",
        help="How times are written: '%d/%m/%Y %H:%M:%S' or the like (several columns: with a space between "
        "them), or s, ms, us or ns for a number since 1970.  [default: ISO 8601]",
    ),
    click.option(
        "--timezone", metavar="ZONE", help="Zone of times that carry none, such as Europe/Berlin.  [default: UTC]"
    ),
    click.option(
        "--ambiguous",
        type=click.Choice(["reject", "earliest", "latest"]),
        help="A local time that occurs twice, where clocks are set back.  [default: reject]",
    ),
    click.option(
        "--nonexistent",
        type=click.Choice(["reject", "forward"]),
        help="A local time that never occurs, where clocks are set forward.  [default: reject]",
    ),
    click.option(
        "--series",
        metavar="COL",
        help="Column that says which series a row belongs to.  [default: there is one series]",
    ),
    click.option(
        "--pivot",
        metavar="COL",
        help="Column that says which sensor a row is of: each becomes a channel (with several columns of values: "
        "channels sensor/column).",
    ),
    click.option(
        "--labels",
        metavar="COL,...",
        callback=_names,
        help="Columns of labels: true, false or whole numbers from 0 to 127.",
    ),
    click.option(
        "--channels",
        metavar="COL,...",
        callback=_names,
        help="Columns of values, in this order.  [default: all others that have a name]",
    ),
    click.option(
        "--exclude",
        metavar="COL,...",
        callback=_names,
        help="Columns to leave out; or name those to keep with --channels.",
    ),
    click.option("--unit", metavar="COL=UNIT", multiple=True, help="Unit of a channel, such as pressure=bar."),
    click.option(
        "--separator", metavar="CHAR", callback=_tab, help="Between fields; tab for a tab.  [default: a comma]"
    ),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark.  [default: .]"),
    click.option("--encoding", metavar="NAME", help="Of texts, such as latin-1.  [default: utf-8]"),
    click.option(
        "--header", metavar="COL,...", callback=_names, help="Names of the columns of files that have no header."
    ),
    click.option(
        "--null",
        metavar="[COL=]TEXT",
        multiple=True,
        help="A text or number that means a missing value, beside the empty field and NaN: -200, or CO=-200.",
    ),
    click.option(
        "--max-rejects",
        metavar="N|SHARE%",
        help="Stop when more rows than this cannot be read.  [default: 0.1%]",
    ),
)
RULES = (
    click.option(
        "--sql",
        metavar="QUERY",
        help="Filters, and columns made of others: 'SELECT *, a - b AS spread FROM rows WHERE a > 0'. It sees "
        "each row alone.",
    ),
    click.option(
        "--duplicates",
        type=click.Choice(["error", "first", "last", "mean"]),
        help="Rows of the same series and time.  [default: error]",
    ),
    click.option(
        "--rate",
        metavar="COL,...",
        callback=_names,
        help="Channels that count: stored as their increase a second.",
    ),
    click.option(
        "--counter-bits",
        type=click.Choice(["16", "32", "64"]),
        help="Width of counters: where they wrap around.  [default: 32]",
    ),
    click.option("--every", metavar="DURATION", help="Summarise rows on a common grid of this step."),
    click.option(
        "--aggregate",
        metavar="[COL=]HOW",
        multiple=True,
        help="Summarise by mean, min, max, last or count.  [default: mean]",
    ),
    click.option(
        "--fill",
        type=click.Choice(["none", "forward", "linear"]),
        help="Fill in missing values from those around them.  [default: none]",
    ),
    click.option("--fill-limit", metavar="DURATION", help="How far away those may be."),
    click.option(
        "--max-gap",
        metavar="DURATION",
        help="A longer step starts a new segment; with --every, missing steps up to it get rows.  "
        "[default: 1.5 times the usual step]",
    ),
    click.option(
        "--split-on-missing",
        metavar="DURATION",
        help="Longer runs of rows without any value belong to no segment.",
    ),
    click.option(
        "--dtype", type=click.Choice(["float32", "float64"]), help="Of stored values.  [default: float32]"
    ),
)


def _options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


@main.command(
    epilog=example(
        "python -m pipeline ingest plant-*.csv.gz --out plant.zarr --time Time --labels EVENT \\",
        "    --timezone Europe/Berlin --null NA --split-on-missing 1h",
    )
)
@SOURCES
@click.option(
    "--out", "-o", metavar="STORE", type=click.Path(path_type=Path), required=True, help="The store, a folder."
)
@_options(READING, RULES)
@click.option(
    "--recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with settings of the same names; flags override it.",
)
@click.option("--append", is_flag=True, help="Add newer rows to the store that is there, read as its own were.")
@click.option("--rebuild", is_flag=True, help="Make the store that is there again, of its own sources and these.")
@click.option("--workers", metavar="N", type=click.IntRange(min=1), help="Read with N processes of this machine.")
@click.option(
    "--dask", metavar="ADDRESS", help="Read on the Dask cluster of this scheduler, such as tcp://host:8786."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ingest(
    sources: tuple[str, ...],
    out: Path,
    recipe: Path | None,
    append: bool,
    rebuild: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Turn each SOURCE into one store: files, folders, patterns or URLs such as s3://bucket/logs/*.csv.gz.

    CSV, NDJSON, Parquet and Arrow IPC (Feather), plain or compressed (gz, zst, bz2, xz). A source has a column
    of time and a column for each channel, or one that names the sensor (--pivot). Files may come in any order,
    overlap, and differ in their columns; rows may come in any order. With --series, each row says which series it
    is of.

    A store holds rows by series and time. A segment is a run of rows of one series without a gap: no window that
    is cut from the store crosses the end of one. Durations are written as 90s, 1h30m, 500ms or 1d.

    Nothing is lost and nothing silent. A row that cannot be read goes to STORE.report/rejects/ with its file, line
    and reason, and too many of them stop the job; every row that came in is accounted for in STORE.report/, or
    nothing is committed. An ingest that was interrupted goes on where it was: run it again.
    """
    from tqdm import tqdm

    from longstride.pipeline import ingest as ingests

    given = {name: value for name, value in flags.items() if value not in (None, ())}
    if (append or rebuild) and (given or recipe or (append and rebuild)):
        raise click.UsageError(
            "--append and --rebuild read sources as the store's own recipe says, and take no other settings"
        )
    files = ingests.find_files(sources)
    total = sum(map(ingests.num_bytes, files))
    try:
        with tqdm(total=total, unit="B", unit_scale=True, desc="ingest", disable=None) as bar:
            run: dict[str, Any] = {"workers": workers, "dask": dask, "progress": bar.update}
            if append:
                report = ingests.append(files, out, **run)
            elif rebuild:
                report = ingests.rebuild(files, out, **run)
            else:
                resolved = (
                    ingests.Recipe.from_toml(recipe, **given) if recipe else ingests.Recipe.from_settings(given)
                )
                report = ingests.ingest(files, out, resolved, **run)
    except KeyboardInterrupt:
        click.echo(GOES_ON, err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    click.echo(json.dumps(report.as_json(), indent=1) if as_json else report.render())


@main.command(epilog=example("python -m pipeline profile plant-*.csv.gz > plant.toml"))
@SOURCES
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="About how many rows to look at, of all sources together.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was seen and the settings as JSON.")
def profile(sources: tuple[str, ...], rows: int, as_json: bool) -> None:
    """Look at a sample of each SOURCE and propose a recipe for `ingest --recipe`, in TOML.

    The sample is the beginning of each file, of long plain files also some of the middle and end. What was seen
    and what is in doubt stands above the settings, and reasons beside them: look it over before use.
    """
    from longstride.pipeline.profile import profile as look

    found = look(sources, rows=rows)
    click.echo(json.dumps(found.as_json(), indent=1) if as_json else found.as_toml(), nl=as_json)


WORKERS = (
    click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Work with N processes of this machine."
    ),
    click.option(
        "--dask", metavar="ADDRESS", help="Work on the Dask cluster of this scheduler, such as tcp://host:8786."
    ),
)


@main.command(
    epilog=example("python -m pipeline pack plant.zarr s3://bucket/plant.zarr --codec blosc-zstd --workers 4")
)
@click.argument("store")
@click.argument("dest")
@click.option(
    "--codec",
    type=click.Choice(["auto", "blosc-zstd", "blosc-lz4", "zstd", "delta"]),
    default="auto",
    show_default=True,
    help="How values are made small; auto tries them on a sample and takes the best that every Zarr tool reads.",
)
@_options(WORKERS)
def pack(store: str, dest: str, codec: str, workers: int | None, dask: str | None) -> None:
    """Write a packed copy of STORE to DEST, a new folder or a URL such as s3://bucket/plant.zarr.

    A packed store is small, and has few files: it is for object stores, archives and colleagues. It is trained
    from as it is, in the same order; `unpack` makes the mapped store of it again, bit for bit. Credentials and
    endpoint of an object store come from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on).

    A job that was interrupted goes on where it was: run it again.
    """
    from longstride.pipeline.packing.pack import pack as write
    from longstride.pipeline.packing.trials import best_of, try_codecs
    from longstride.storage.store import SeriesStore

    opened = SeriesStore.open(store)
    if codec == "auto":
        trials = try_codecs(opened)
        codec = best_of(trials).codec
        for trial in trials:
            note = "chosen: the smallest that every Zarr tool reads" if trial.codec == codec else ""
            note = (
                "only Longstride, and Zarr for Python beside it, can read it" if trial.codec == "delta" else note
            )
            size = f"{trial.ratio:.2f} times smaller, decoded at {trial.megabytes_per_second:,.0f} MB/s"
            click.echo(f"{trial.codec:<10}  {size}  {note}".rstrip())
    report = _with_bar(
        "pack", opened, lambda bar: write(opened, dest, codec=codec, workers=workers, dask=dask, progress=bar)
    )
    ratio = opened.values.nbytes / report.num_bytes
    reused = f", {report.shards_reused:,} taken over from an interrupted run" if report.shards_reused else ""
    click.echo(
        f"{dest}: {report.num_rows:,} rows, {counted(report.num_shards, 'shard')}{reused}; values {codec}, "
        f"{report.num_bytes / 1e6:,.1f} MB, {ratio:.2f} times smaller"
    )


@main.command(epilog=example("python -m pipeline unpack s3://bucket/plant.zarr plant.zarr"))
@click.argument("store")
@click.argument("dest")
@_options(WORKERS)
def unpack(store: str, dest: str, workers: int | None, dask: str | None) -> None:
    """Write a mapped copy of the packed STORE, a folder or a URL, to the new folder DEST.

    It has the same bytes as the store that was packed, each held against its checksum.
    """
    from longstride.pipeline.packing.pack import unpack as write
    from longstride.storage.store import SeriesStore

    opened = SeriesStore.open(store)
    report = _with_bar("unpack", opened, lambda bar: write(opened, dest, workers=workers, dask=dask, progress=bar))
    reused = f", {report.shards_reused:,} taken over from an interrupted run" if report.shards_reused else ""
    click.echo(f"{dest}: {report.num_rows:,} rows, {counted(report.num_shards, 'chunk')}{reused}")


def _with_bar(what: str, store: Any, job: Callable[[Callable[[int], object]], R]) -> R:
    """Run a job with a progress bar of rows, and say how to go on when it is interrupted."""
    from tqdm import tqdm

    try:
        with tqdm(total=store.num_rows, unit=" rows", unit_scale=True, desc=what, disable=None) as bar:
            return job(bar.update)
    except KeyboardInterrupt:
        click.echo(GOES_ON, err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


@main.command(epilog=example("python -m pipeline export plant.zarr --to parquet --rows 0:86400 --out day.parquet"))
@click.argument("store")
@click.option("--to", type=click.Choice(["parquet", "arrow"]), required=True, help="Format of the file.")
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="The file.  [default: named as STORE]",
)
def export(store: str, to: str, rows: tuple[int, int] | None, out: Path | None) -> None:
    """Write the rows of STORE to one file, in memory that does not grow.

    The file has a column for the time (UTC), the series, each channel and each label. Beside it OUT.toml is the
    recipe that reads it: `python -m pipeline ingest OUT --recipe OUT.toml --out STORE` gives the same store.
    """
    from tqdm import tqdm

    from longstride.pipeline.packing.export import export as write
    from longstride.storage.location import is_url
    from longstride.storage.store import SeriesStore

    opened = SeriesStore.open(store)
    out = out or Path(Path(store).name if is_url(store) else store).with_suffix(f".{to}")
    start, stop = rows or (0, opened.num_rows)
    with tqdm(total=stop - start, unit=" rows", unit_scale=True, desc="export", disable=None) as bar:
        written = write(opened, out, to, rows=rows, progress=bar.update)
    click.echo(
        f"{out}: {written.num_rows:,} rows, {written.num_bytes / 1e6:,.1f} MB; its recipe is {written.recipe}"
    )


if __name__ == "__main__":
    main()
