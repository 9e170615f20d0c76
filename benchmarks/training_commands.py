"""`benchmarks device`, `train` and `detect`: what a training gets, what it waits for, and what comes of it."""

from pathlib import Path

import click

from benchmarks.cli import JSON, numbers, write_json
from longstride.storage.cli import example

__all__ = ["detect", "device", "train"]


@click.command(epilog=example("python -m benchmarks device --device cuda --json device.json"))
@click.option("--device", "name", default="cuda", show_default=True, help="As torch names it: cuda, cuda:1, cpu.")
@click.option("--rows", type=click.IntRange(min=1), default=4_000_000, show_default=True, help="Of the store.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--windows", default="64,512,4096", show_default=True, help="Window lengths K.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a batch.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Measurements of a case.")
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Of one measurement.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def device(
    name: str,
    rows: int,
    channels: int,
    windows: str,
    batch: int,
    rounds: int,
    seconds: float,
    folder: Path,
    json_path: Path | None,
) -> None:
    """Batches on a GPU, and steps of small models fed with them.

    Expanded there from pools, page-locked and sent by the host, or from a `Dataset` over `np.memmap` in a
    `DataLoader`; beside gathering from a log that lies on the device whole, and training on one batch again and
    again. Stride 1 and K for each K, all ways of a case in turn.
    """
    from benchmarks.device import Case, as_json, choose_device, measure_serving, measure_steps, render
    from benchmarks.stores import prepare_raw, prepare_store, warm

    chosen = choose_device(name)
    store = prepare_store(folder, rows, channels)
    raw = prepare_raw(store)
    warm(store, raw)
    cases = [Case(int(k), stride, batch) for k in numbers(windows, "--windows") for stride in sorted({1, int(k)})]
    serving = measure_serving(store, raw, cases, chosen, rounds=rounds, seconds=seconds)
    steps = measure_steps(store, raw, cases[0], chosen, rounds=rounds, seconds=seconds)
    click.echo(render(serving, steps))
    write_json(json_path, as_json(serving, steps, chosen, rows, channels, rounds, seconds))


@click.command(epilog=example("python -m benchmarks train --windows 64,512 --json train.json"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--rows", type=click.IntRange(min=1), default=4_000_000, show_default=True, help="Of the store.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--models", default="lstm", show_default=True, help="As `longstride train` names them.")
@click.option("--hidden", default="16", show_default=True, help="Widths of the models.")
@click.option("--windows", default="64,512", show_default=True, help="Window lengths K.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a step.")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=80, show_default=True, help="Measurements of a case."
)
@click.option("--seconds", type=float, default=0.25, show_default=True, help="Of one measurement.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def train(
    device: str,
    rows: int,
    channels: int,
    models: str,
    hidden: str,
    windows: str,
    batch: int,
    rounds: int,
    seconds: float,
    folder: Path,
    json_path: Path | None,
) -> None:
    """What loading costs a training of small models: the time of a step, and the share of it waited for data.

    The steps are those of `longstride train`: on the batches of its loader, and beside it on one batch that
    stays where it is, so that nothing is loaded at all. Stride 1 and K for each K, both ways of a case in turn,
    with the same model and optimiser. The store is made in --folder once, and kept.
    """
    from benchmarks.stores import prepare_store
    from benchmarks.train import as_json, cases, measure, render
    from longstride.storage.open import open_mapped
    from longstride.trainer.engine.distributed import start_ranks

    widths, lengths = (
        [int(number) for number in numbers(text, option)]
        for text, option in ((hidden, "--hidden"), (windows, "--windows"))
    )
    chosen = cases(models.split(","), widths, lengths, batch)
    with start_ranks(device) as ranks:
        store = prepare_store(folder, rows, channels)
        open_mapped(store).values.sum()  # warm
        cells = list(measure(store, chosen, ranks, rounds=rounds, seconds=seconds))
    click.echo(render(cells))
    write_json(json_path, as_json(cells, ranks.device, rows, channels, rounds, seconds))


@click.command(
    epilog=example("python -m benchmarks detect first.zarr second.zarr --settings benchmarks/settings/gecco.toml")
)
@click.argument("train", type=click.Path(exists=True, path_type=Path))
@click.argument("test", type=click.Path(exists=True, path_type=Path))
@click.option("--models", default="lstm,tcn,patch,pca", show_default=True, help="As `trainer train` names them.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each model.")
@click.option(
    "--settings",
    type=click.Path(exists=True, path_type=Path),
    help="TOML file with settings of `trainer train`, without groups.",
)
@click.option("--name", default="", help="Of the log, for the page of results.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/detect"), show_default=True)
@JSON
def detect(
    train: Path,
    test: Path,
    models: str,
    seeds: int,
    settings: Path | None,
    name: str,
    folder: Path,
    json_path: Path | None,
) -> None:
    """How well models that were trained on the store TRAIN find what is labelled in TEST.

    Each model is trained with each seed, scores TEST, and its scores are judged by the labels: VUS-PR, AUC-PR,
    AUC-ROC, F1 at a threshold set without labels, and the best F1. All by commands of the trainer, in a folder of
    --folder that has the log's name.
    """
    from benchmarks.detection import as_json, read_settings, render
    from benchmarks.detection import detect as measure

    chosen = read_settings(settings) if settings else {}
    found = list(measure(train, test, folder / name, models.split(","), seeds, chosen))
    click.echo(render(found))
    write_json(json_path, as_json(name, found, chosen))
