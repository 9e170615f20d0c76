"""`longstride ingest`: raw logs to a store."""

import json
from pathlib import Path
from typing import Any

import click

from longstride.storage.cli import SOURCES, example, options, resumable


def _names(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Split names at commas; a name that holds one is written in a recipe."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _tab(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    return "tab" if text == "\\t" else text


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


@click.command(
    epilog=example(
        "longstride ingest plant-*.csv.gz --out plant.zarr --time Time --labels EVENT \\",
        "    --timezone Europe/Berlin --null NA --split-on-missing 1h",
    )
)
@SOURCES
@click.option(
    "--out", "-o", metavar="STORE", type=click.Path(path_type=Path), required=True, help="The store, a folder."
)
@options(READING, RULES)
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

    from longstride.pipeline.ingest import job
    from longstride.pipeline.ingest.recipe import Recipe
    from longstride.pipeline.ingest.sources.files import find_files, num_bytes

    given = {name: value for name, value in flags.items() if value not in (None, ())}
    if (append or rebuild) and (given or recipe or (append and rebuild)):
        raise click.UsageError(
            "--append and --rebuild read sources as the store's own recipe says, and take no other settings"
        )
    files = find_files(sources)
    total = sum(map(num_bytes, files))
    with resumable(), tqdm(total=total, unit="B", unit_scale=True, desc="ingest", disable=None) as bar:
        run: dict[str, Any] = {"workers": workers, "dask": dask, "progress": bar.update}
        if append:
            report = job.append(files, out, **run)
        elif rebuild:
            report = job.rebuild(files, out, **run)
        else:
            resolved = Recipe.from_toml(recipe, **given) if recipe else Recipe.from_settings(given)
            report = job.ingest(files, out, resolved, **run)
    click.echo(json.dumps(report.as_json(), indent=1) if as_json else report.render())
