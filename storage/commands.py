"""`longstride inspect` and `verify`: what is in a store, and whether it is whole."""

import json

import click

from longstride.storage.cli.group import example
from longstride.storage.cli.progress import ProgressBar

STORE = click.argument("store")


@click.command(epilog=example("longstride inspect plant.zarr --window 512 --stride 64"))
@STORE
@click.option(
    "--window", "-k", type=click.IntRange(min=1), default=64, show_default=True, help="Rows of a window, K."
)
@click.option(
    "--stride",
    "-s",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Rows between the starts of windows.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def inspect(store: str, window: int, stride: int, as_json: bool) -> None:
    """Print the shape, span, cadence, segments, channels and statistics of STORE.

    The statistics were gathered when STORE was written, so even a store of a billion rows is shown at once. The
    number of windows is given for one K and stride; no window crosses the end of a segment.
    """
    from longstride.storage.inspect import render, summarise
    from longstride.storage.open import open_store

    summary = summarise(open_store(store), window, stride)
    click.echo(json.dumps(summary.as_json(), indent=1) if as_json else render(summary))


@click.command(epilog=example("longstride verify plant.zarr"))
@STORE
def verify(store: str) -> None:
    """Check every file of STORE against its checksum.

    Name each file that is missing, cut short or changed. If there is one, the exit code is 1.
    """
    from longstride.storage.errors import StoreError
    from longstride.storage.open import open_store
    from longstride.storage.verify import check_store, num_files

    opened = open_store(store)
    total = num_files(opened)
    faults = 0
    num_bytes = 0
    with ProgressBar("verify", total, "file") as progress:
        for check in check_store(opened):
            progress.update()
            num_bytes += check.num_bytes
            if check.fault:
                faults += 1
                click.echo(f"broken: {check.name} {check.fault}")
    if faults:
        raise StoreError(
            f"{faults} of {total} files are broken: restore them from a backup, or ingest the sources again",
            code="store-damaged",
        )
    click.echo(f"{store}: all {total:,} files are whole ({num_bytes / 2**20:,.1f} MiB)")
