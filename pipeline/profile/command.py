"""`longstride profile`: a recipe proposed from a sample of logs."""

import json

import click

from longstride.storage.cli.group import OVERWRITE, SOURCES, LocalPath, example
from longstride.storage.cli.progress import ProgressBar


@click.command(epilog=example("longstride profile plant-*.csv.gz > plant.toml"))
@SOURCES
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Rows to look at, approximately, in all sources together.",
)
@click.option(
    "--every",
    metavar="DURATION",
    help="Count rows, for they hold no time: how far apart they are, such as 50us or 20000hz.",
)
@click.option(
    "--start",
    metavar="TIME",
    help="When the first row was, an elapsed time is zero, or the date of times of day; such as 2024-03-01T08:00.",
)
@click.option(
    "--table",
    metavar="NAME",
    help="Of files that hold several tables, the one to look at: a sheet, a group, a variable, a topic or a rate.",
)
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=LocalPath(),
    help="Write a page as well: channels as small pictures, steps of the clock, doubts, first rows, the recipe.",
)
@OVERWRITE
@click.option("--json", "as_json", is_flag=True, help="Print what was seen and the settings as JSON.")
def profile(
    sources: tuple[str, ...],
    rows: int,
    every: str | None,
    start: str | None,
    table: str | None,
    page: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Look at a sample of each SOURCE and propose a recipe for `ingest --recipe`, in TOML.

    The sample is the beginning of each file; of long uncompressed files, also rows from the middle and the end.
    What else long files hold is looked through for what the sample lacks: all of it, or excerpts that are spread
    evenly where files are large.
    Findings and doubts are written above the settings, and reasons next to them: check them before use.
    Where neither rows nor the lines above them tell a time, the recipe has a line to fill in, the command that
    gives a whole one is named, and the exit code is 1.
    """
    from longstride.pipeline.profile.findings import profile as look
    from longstride.storage.writing.output import check_output, output_file

    if page is not None:
        check_output(page, overwrite=overwrite)
    with ProgressBar("profile", 0, "B") as bar:

        def show(done: float, total: float) -> None:
            bar.total = total
            bar.update(done - bar.done)

        found = look(sources, rows=rows, every=every, start=start, table=table, progress=show)
    if page is not None:
        from longstride.pipeline.profile.page.page import page_of

        with output_file(page, overwrite=overwrite) as file:
            file.write(page_of(found).encode(errors="backslashreplace"))
    click.echo(json.dumps(found.as_json(), indent=1) if as_json else found.as_toml(), nl=as_json)
    if found.question is not None:
        raise found.question
