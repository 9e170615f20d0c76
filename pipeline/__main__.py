"""`python -m pipeline`: raw logs to a store."""

import json
from pathlib import Path
from typing import Any

import click

from storage.cli import CommandGroup, example


@click.group(cls=CommandGroup, name="python -m pipeline")
def main() -> None:
    """Turn raw logs into a store."""


def _names(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Split names at commas; a name that holds one is written in a recipe."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


@main.command(
    epilog=example(
        "python -m pipeline ingest plant-*.csv.gz --out plant.zarr --time Time --labels EVENT \\",
        "    --timezone Europe/Berlin --null NA --split-on-missing 1h",
    )
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--out", "-o", metavar="STORE", type=click.Path(path_type=Path), required=True, help="The new store, a folder."
)
@click.option(
    "--time", metavar="COL", help="Column that holds the time of a row. Required, here or in the recipe."
)
@click.option(
    "--time-format",
    metavar="FORMAT",
    help="How times are written: '%d/%m/%Y %H:%M:%S' or the like, or s, ms, us or ns for a number since 1970.  "
    "[default: ISO 8601]",
)
@click.option(
    "--timezone", metavar="ZONE", help="Zone of times that carry none, such as Europe/Berlin.  [default: UTC]"
)
@click.option(
    "--series",
    metavar="COL",
    help="Column that says which series a row belongs to.  [default: there is one series]",
)
@click.option(
    "--labels",
    metavar="COL,...",
    callback=_names,
    help="Columns of labels: true, false or whole numbers from 0 to 127.",
)
@click.option(
    "--channels",
    metavar="COL,...",
    callback=_names,
    help="Columns of values, in this order.  [default: all others]",
)
@click.option(
    "--exclude",
    metavar="COL,...",
    callback=_names,
    help="Columns to leave out; or name those to keep with --channels.",
)
@click.option(
    "--null",
    metavar="TOKEN",
    multiple=True,
    help="A text that means a missing value, beside the empty field and NaN.",
)
@click.option(
    "--max-gap",
    metavar="DURATION",
    help="A longer step starts a new segment.  [default: 1.5 times the median step]",
)
@click.option(
    "--split-on-missing", metavar="DURATION", help="Longer runs of rows without any value belong to no segment."
)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Of stored values.  [default: float32]")
@click.option(
    "--recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with settings of the same names; flags override it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ingest(sources: tuple[str, ...], out: Path, recipe: Path | None, as_json: bool, **flags: Any) -> None:
    """Turn each SOURCE, CSV (plain or gzipped) or Parquet, into one store.

    A source has a header, a column of time, and a column for each channel. Files of one series may come in any
    order but must not overlap; with --series, each row says which series it belongs to, and rows of several may be
    mixed. Within a file the times of a series must rise.

    A store holds rows by series and time. A segment is a run of rows of one series without a gap: no window that
    is cut from the store crosses the end of one. Durations are written as 90s, 1h30m, 500ms or 1d.

    Nothing is skipped or guessed. The first line that cannot be read ends the job with its file, its line, the
    value and what to do, and no store is left: a row with a field too few or too many, a value that is no number,
    an infinity, a whole number that float32 would round, a missing label, a time that is not after the one before.
    """
    from tqdm import tqdm

    from pipeline.ingest import Recipe
    from pipeline.ingest import ingest as run

    given = {name: value for name, value in flags.items() if value not in (None, ())}
    resolved = Recipe.from_toml(recipe, **given) if recipe else Recipe.from_settings(given)
    # Of those that are there: what is not, the ingest names.
    total = sum(path.stat().st_size for path in map(Path, sources) if path.exists())
    with tqdm(total=total, unit="B", unit_scale=True, desc="ingest", disable=None) as bar:
        report = run(sources, out, resolved, progress=bar.update)
    click.echo(json.dumps(report.as_json(), indent=1) if as_json else report.render())


if __name__ == "__main__":
    main()
