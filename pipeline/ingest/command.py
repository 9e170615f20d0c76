"""`longstride ingest`: raw logs to a store."""

import json
from pathlib import Path
from typing import Any

import click

from longstride.pipeline.ingest.recipe import Recipe
from longstride.storage.cli.flags import Once, flags, given
from longstride.storage.cli.group import SOURCES, LocalPath, example
from longstride.storage.cli.lists import COLUMNS
from longstride.storage.cli.progress import ProgressBar
from longstride.storage.cli.signals import RESUMES, stoppable


def _tab(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    return "tab" if text == "\\t" else text


COLUMN, DURATION = {"metavar": "COL"}, {"metavar": "DURATION"}
PATTERN = {"metavar": "REGEX"}


@click.command(
    epilog=example(
        "longstride ingest plant-*.csv.gz --out plant.zarr --time Time --labels EVENT \\",
        "    --timezone Europe/Berlin --null NA --split-on-missing 1h",
    )
)
@SOURCES
@click.option(
    "--out", "-o", cls=Once, type=LocalPath(), metavar="STORE", required=True, help="Folder of the store to write."
)
@flags(
    Recipe,
    Once,
    time=COLUMNS,
    date_from=PATTERN,
    melt={"metavar": "FORMAT"},
    time_format={"metavar": "FORMAT"},
    start={"metavar": "TIME"},
    round_time=DURATION,
    timezone={"metavar": "ZONE"},
    series=COLUMNS,
    series_from=PATTERN,
    prefix_from=PATTERN,
    pivot=COLUMN,
    labels=COLUMNS,
    label_file={"type": LocalPath(dir_okay=False), "metavar": "FILE"},
    label_file_crc=None,
    channels=COLUMNS,
    exclude=COLUMNS,
    unit={"metavar": "COL=UNIT"},
    table={"metavar": "NAME"},
    separator={"metavar": "TEXT", "callback": _tab},
    columns_at={"metavar": "N,..."},
    line=PATTERN,
    record=PATTERN,
    encoding={"metavar": "NAME"},
    comment={"metavar": "TEXT"},
    only_lines={"metavar": "TEXT"},
    skip_lines={"metavar": "N"},
    skip_below_header={"metavar": "N"},
    header=COLUMNS,
    decimal={"metavar": "[COL=]MARK", "multiple": True},
    thousands={"metavar": "[COL=]MARK"},
    strip={"metavar": "[COL=]TEXT"},
    scale={"metavar": "COL=UNIT*FACTOR"},
    negative={"metavar": "[COL=]HOW"},
    states={"metavar": "COL=TEXT,..."},
    null={"metavar": "[COL=]TEXT"},
    max_rejects={"metavar": "N|SHARE%"},
    sql={"metavar": "QUERY"},
    rate=COLUMNS,
    every=DURATION,
    aggregate={"metavar": "[COL=]HOW"},
    fill_limit=DURATION,
    max_gap=DURATION,
    split_on_missing=DURATION,
)
@click.option(
    "--recipe",
    "file",
    cls=Once,
    type=LocalPath(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with settings of the same names; flags override it.",
)
@click.option("--append", is_flag=True, help="Add newer rows to an existing store, read by its own recipe.")
@click.option("--rebuild", is_flag=True, help="Make an existing store again, from its own sources and these.")
@click.option(
    "--accept-changed",
    is_flag=True,
    help="With --append or --rebuild: take files as they are that no longer hold what the store was made from.",
)
@click.option(
    "--workers",
    cls=Once,
    metavar="N",
    type=click.IntRange(min=1),
    help="Read with N processes of this machine.",
)
@click.option(
    "--dask",
    cls=Once,
    metavar="ADDRESS",
    help="Read on the Dask cluster of this scheduler, such as tcp://host:8786.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ingest(
    sources: tuple[str, ...],
    out: str,
    file: Path | None,
    append: bool,
    rebuild: bool,
    accept_changed: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Turn all SOURCEs into one store: files, folders, patterns or URLs such as s3://bucket/logs/*.csv.gz.

    CSV, NDJSON, Parquet and Arrow IPC (Feather), plain or compressed (gz, zst, bz2, xz); with an extra each,
    spreadsheets, MDF, TDMS, EDF, MATLAB, HDF5, NetCDF and MCAP. A source has a column of time, and either a column
    for each channel or one that names the sensor (--pivot). Files may come in any order, overlap, and differ in
    their columns; rows may come in any order. With --series, a column names the series of each row.

    A store holds rows in order of series and time. A segment is a run of rows of one series without a gap: no
    window crosses the end of a segment. Durations are written as 90s, 1h30m, 500ms or 1d.

    No row is lost silently. A row that cannot be read goes to STORE.report/rejects/ with its file, line and
    reason; too many such rows stop the job. Every row of the sources is accounted for in STORE.report/, or nothing
    is committed. An ingest that was interrupted resumes where it was: run it again.
    """
    from longstride.pipeline.ingest import job
    from longstride.pipeline.ingest.sources.files import num_bytes
    from longstride.pipeline.ingest.sources.names import find_files

    chosen = given(settings)
    if (append or rebuild) and (chosen or file or (append and rebuild)):
        raise click.UsageError(
            "--append and --rebuild read sources by the store's own recipe: give one of the two, and no setting"
        )
    if accept_changed and not (append or rebuild):
        raise click.UsageError("--accept-changed is about the sources of a store: give --append or --rebuild too")
    files = find_files(sources)
    total = sum(map(num_bytes, files))
    with stoppable(RESUMES), ProgressBar("ingest", total, "B") as bar:
        options = job.Options(workers=workers, dask=dask, progress=bar.update)
        if append:
            report = job.append(files, out, accept_changed=accept_changed, **options)
        elif rebuild:
            report = job.rebuild(files, out, accept_changed=accept_changed, **options)
        else:
            recipe = Recipe.from_toml(file, **chosen) if file else Recipe.from_settings(chosen)
            report = job.ingest(files, out, recipe, **options)
    click.echo(json.dumps(report.as_json(), indent=1) if as_json else report.render())
