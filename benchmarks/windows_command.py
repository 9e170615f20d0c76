"""`python -m benchmarks windows`, `sweep` and `order`: how fast windows are served, and which."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.cli import JSON, numbers, write_json
from longstride.storage.cli import example

if TYPE_CHECKING:
    from benchmarks.serving import Turns

__all__ = ["order", "sweep", "windows"]


@click.command(
    epilog=example(
        "python -m benchmarks windows --windows 16,64,512,4096 --strides 1,K/8,K/2,K --json windows.json",
        "python -m benchmarks windows --windows 64 --peers none",
    )
)
@click.option("--rows", type=click.IntRange(min=1), default=4_000_000, show_default=True, help="Of the store.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--windows", default="16,64,512,4096", show_default=True, help="Window lengths K.")
@click.option("--strides", default="1,K/8,K/2,K", show_default=True, help="Rows between starts.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a batch.")
@click.option("--peers", default="all", show_default=True, help="Names with commas between, or `none`.")
@click.option("--cold", is_flag=True, help="Begin each measurement with nothing of the log in memory.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Measurements of a case.")
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Of one measurement.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Of each way, one after the other.",
)
@click.option("--layout", type=click.Choice(["mapped", "packed", "s3"]), default="mapped", show_default=True)
@click.option("--codec", default="blosc-lz4", show_default=True, help="Of the packed layout.")
@click.option("--s3", "url", metavar="URL", help="Where in an object store to put a packed copy.")
@click.option("--link", default="", help="What is to be said of the link to it, such as: 1 Gbit/s.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def windows(
    rows: int,
    channels: int,
    windows: str,
    strides: str,
    batch: int,
    peers: str,
    cold: bool,
    rounds: int,
    seconds: float,
    processes: int,
    layout: str,
    codec: str,
    url: str | None,
    link: str,
    folder: Path,
    json_path: Path | None,
) -> None:
    """Windows per second by K and stride beside every peer whose environment `make peers` has made.

    The ceiling is the fair copy: random contiguous slices of the same size, from the same array, into the same
    kind of buffers, by the same threads. Each way is a process of its own; all ways of a case are measured in
    turn. Before that, the windows of each are held against the log, and it is tuned over its workers. The store is
    made in --folder once, and kept.

    With `--layout packed`, from a packed store of random walks of three decimals: beside the slower of the fair
    copy and the decoding, and through a cache that is full, beside the mapped layout. With `--layout s3`, epochs
    at stride K of its copy in an object store, beside fetching the objects.
    """
    lengths = [int(number) for number in numbers(windows, "--windows")]
    if layout == "s3" and not url:
        raise click.UsageError("--layout s3 needs --s3: where to put the store, such as s3://bucket/walk.zarr")
    if layout == "mapped":
        from benchmarks.serving import Turns

        turns = Turns(rounds=rounds, seconds=seconds, processes=processes, cold=cold)
        _mapped(rows, channels, lengths, strides, batch, peers, turns, folder, json_path)
        return
    from benchmarks import objects, packed

    found = packed.prepare(folder, rows, channels, codec, url)
    if layout == "s3":
        epochs = objects.measure(found, lengths, batch, rounds)
        click.echo(objects.render(epochs))
        write_json(json_path, objects.as_json(found, epochs, rows, channels, batch, rounds, link))
        return
    epoch = packed.digests(found, packed.Case(lengths[0], lengths[0], batch))
    measured = packed.measure(found, packed.cases(lengths, batch), rounds=rounds, seconds=seconds)
    click.echo(packed.render(found, measured, epoch))
    write_json(json_path, packed.as_json(found, measured, epoch, rows, channels, rounds, seconds))


def _mapped(
    rows: int,
    channels: int,
    lengths: list[int],
    strides: str,
    batch: int,
    names: str,
    turns: "Turns",
    folder: Path,
    json_path: Path | None,
) -> None:
    from benchmarks.evict import read_around_kib
    from benchmarks.serving import measure, render
    from benchmarks.stores import warm
    from benchmarks.ways import COPY, OURS, PEERS, peers
    from benchmarks.windows import as_json, cases, readings

    named = {"all": list(PEERS), "none": []}.get(names, names.split(","))
    try:
        ways = [OURS, COPY, *peers(named)]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--peers") from None
    try:
        served = cases(folder, rows, channels, lengths, strides.split(","), batch)
    except ValueError:
        raise click.BadParameter(f"{strides!r}: expected such as 1,K/8,K", param_hint="--strides") from None
    store = Path(served[0].store)
    warm(store, Path(served[0].raw))
    read = readings(served)
    around = read_around_kib(store)
    cells = []
    for cell in measure(served, ways, folder, turns):
        cells.append(cell)
        write_json(json_path, as_json(cells, read, turns, around))  # an hour's figures are not lost
    click.echo(render(cells))


@click.command(epilog=example("python -m benchmarks sweep --axis channels --json sweep-channels.json"))
@click.option("--axis", type=click.Choice(["channels", "batch", "workers", "layout"]), required=True)
@click.option("--values", type=click.IntRange(min=1), default=128_000_000, show_default=True, help="Of the log.")
@click.option("--windows", default="64,512", show_default=True, help="Window lengths K; stride 1 and K.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Measurements of a case.")
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Of one measurement.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def sweep(
    axis: str, values: int, windows: str, rounds: int, seconds: float, folder: Path, json_path: Path | None
) -> None:
    """Windows per second with one of channels, batch size, workers and layout varied.

    N = 1, 8, 32, 128 from logs of as many values; B = 32, 256, 1024; 0, 1, 2, 4 workers; a mapped and a packed
    store. All ways of a case are measured in turn. The stores are made in --folder once, and kept.
    """
    from benchmarks.serving import Turns, render
    from benchmarks.sweep import as_json
    from benchmarks.sweep import sweep as measure

    turns = Turns(rounds=rounds, seconds=seconds)
    lengths = [int(number) for number in numbers(windows, "--windows")]
    cells = list(measure(axis, folder, values, lengths, turns))
    click.echo(render(cells))
    write_json(json_path, as_json(axis, cells, turns))


@click.command(epilog=example("python -m benchmarks order --window 64 --stride 8 --json order.json"))
@click.option("--rows", type=click.IntRange(min=1), default=4_000_000, show_default=True, help="Of the store.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--window", type=click.IntRange(min=1), default=64, show_default=True, help="Rows of a window.")
@click.option("--stride", type=click.IntRange(min=1), default=8, show_default=True, help="Rows between starts.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def order(rows: int, channels: int, window: int, stride: int, folder: Path, json_path: Path | None) -> None:
    """Whether the order keeps its seven promises: what an epoch serves, by any ranks and workers.

    With a digest of the order. The store is made in --folder once, and kept.
    """
    from benchmarks.invariants import as_json, check, render
    from benchmarks.stores import prepare_store

    found = check(prepare_store(folder, rows, channels), window, stride)
    click.echo(render(found))
    write_json(json_path, as_json(found, rows, window, stride))
