"""`python -m benchmarks`: measure, and make the data to measure with."""

import json
from pathlib import Path

import click

from benchmarks.cli import JSON, numbers, write_json
from benchmarks.training_commands import detect, device, train
from benchmarks.windows_command import order, sweep, windows
from longstride.storage.cli import CommandGroup, example


@click.group(cls=CommandGroup, name="python -m benchmarks")
def main() -> None:
    """Measure Longstride, beside the machine's own limits and what people use today."""


for command in (detect, device, order, sweep, train, windows):
    main.add_command(command)


@main.command(epilog=example("python -m benchmarks synth --out logs --rows 1200000 --seed 0"))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the CSV files.")
@click.option("--rows", type=click.IntRange(min=1000), default=1_200_000, show_default=True, help="In all.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same bytes.")
def synth(out: Path, rows: int, seed: int) -> None:
    """Write a realistic log of two machines as eight CSV files.

    Eight channels with daily cycles, correlated noise, quantised and missing values, a few gaps in time, and a
    column `fault` that is 1 where a sensor drifts, jumps, sticks or loses touch with the others.
    """
    from tqdm import tqdm

    from benchmarks.synth import synthesise

    with tqdm(total=rows, desc="synth", unit=" rows", unit_scale=True, disable=None) as bar:
        paths = synthesise(out, rows=rows, seed=seed, progress=bar.update)
    num_bytes = sum(path.stat().st_size for path in paths)
    click.echo(f"{out}: {rows:,} rows in {len(paths)} files, {num_bytes / 1e6:,.1f} MB")


@main.command(epilog=example("python -m benchmarks ingest --gigabytes 0.25,1,4 --columns 32 --runs 3"))
@click.option("--gigabytes", default="0.25,1,4", show_default=True, help="Sizes of the log, as plain CSV.")
@click.option("--formats", default="csv,gz,parquet", show_default=True, help="Of the log.")
@click.option("--columns", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Measurements of each way.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/ingest"), show_default=True)
@JSON
def ingest(gigabytes: str, formats: str, columns: int, runs: int, folder: Path, json_path: Path | None) -> None:
    """MB/s, rows/s and peak memory of the process tree, by size, order and format of the log.

    Beside it stand Polars (`scan_csv(...).sink_parquet(...)`), pyarrow (`open_csv` to a `ParquetWriter`) up to 5
    GB and, up to half a gigabyte and where it is installed, pandas with zarr. Each run is a process of its own,
    all ways of a case in turn. Only ours sorts a shuffled log.
    """
    from benchmarks.ingest import SUFFIXES, as_json, cases, measure, render

    chosen = formats.split(",")
    if unknown := [name for name in chosen if name not in SUFFIXES]:
        raise click.BadParameter(f"{unknown[0]!r}: expected {', '.join(SUFFIXES)}", param_hint="--formats")
    logs = cases(numbers(gigabytes, "--gigabytes"), chosen)
    figures = list(measure(logs, folder, num_columns=columns, runs=runs))
    click.echo(render(figures))
    write_json(json_path, as_json(figures, columns, runs))


@main.command(epilog=example("python -m benchmarks shuffle --window 512 --stride 1 --batch 256"))
@click.option("--rows", type=click.IntRange(min=1), default=4_000_000, show_default=True, help="Rows of the log.")
@click.option("--window", type=click.IntRange(min=1), default=512, show_default=True, help="Rows of a window.")
@click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Rows between starts.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a batch.")
@click.option("--picture", type=click.Path(path_type=Path), help="Also draw one batch of each order here (PNG).")
@JSON
def shuffle(rows: int, window: int, stride: int, batch: int, picture: Path | None, json_path: Path | None) -> None:
    """What a batch mixes, by size of the pool, beside true random order.

    Overlapping pairs of windows; and how far apart in time the windows of a batch lie, beside two random rows.
    """
    from benchmarks.shuffle import as_json, draw_batches, measure, render

    figures = measure(rows, window, stride, batch)
    click.echo(render(figures))
    if picture:
        draw_batches(picture)
    write_json(json_path, as_json(figures, rows, window, stride, batch))


@main.command(epilog=example("python -m benchmarks scale --rows 4000000,1000000000 --json scale.json"))
@click.option("--rows", default="4000000,1000000000", show_default=True, help="Of the logs.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Their channels.")
@click.option("--window", type=click.IntRange(min=1), default=512, show_default=True, help="Rows of a window.")
@click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Rows between starts.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a batch.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Measurements of a log.")
@click.option("--seconds", type=float, default=2.0, show_default=True, help="Of one measurement.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/scale"), show_default=True)
@JSON
def scale(
    rows: str,
    channels: int,
    window: int,
    stride: int,
    batch: int,
    rounds: int,
    seconds: float,
    folder: Path,
    json_path: Path | None,
) -> None:
    """First batch, memory and windows per second by length of the log.

    The logs are sparse files, which read as zeros and take no room on disk: only their length differs.
    """
    from benchmarks.scale import Case, as_json, measure, render

    case = Case(window, stride, batch, channels)
    sizes = [int(number) for number in numbers(rows, "--rows")]
    figures = measure(sizes, case, folder, rounds=rounds, seconds=seconds)
    click.echo(render(figures))
    write_json(json_path, as_json(figures, case, rounds, seconds))


@main.command(epilog=example("python -m benchmarks disk --rows 32000000 --limit 1000"))
@click.option("--rows", type=click.IntRange(min=1), default=32_000_000, show_default=True, help="Of the store.")
@click.option("--channels", type=click.IntRange(min=1), default=32, show_default=True, help="Its channels.")
@click.option("--windows", default="64,512", show_default=True, help="Window lengths K; the stride is K.")
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Windows of a batch.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="MB, page cache too.")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Measurements of each way."
)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/windows"), show_default=True)
@JSON
def disk(
    rows: int,
    channels: int,
    windows: str,
    batch: int,
    limit: int,
    rounds: int,
    folder: Path,
    json_path: Path | None,
) -> None:
    """A log larger than memory: each row served once, beside reading the files from end to end.

    Both begin with nothing of the files in memory, in turn. The process has --limit MB, page cache included,
    where the machine lets us set that (a memory cgroup). The store is made in --folder once, and kept.
    """
    from benchmarks.disk import as_json, measure, render
    from benchmarks.stores import prepare_store

    store = prepare_store(folder, rows, channels)
    lengths = [int(number) for number in numbers(windows, "--windows")]
    figures = measure(store, lengths, batch=batch, limit_megabytes=limit, rounds=rounds)
    click.echo(render(figures))
    write_json(json_path, as_json(figures, batch, rounds))


@main.command(epilog=example("python -m benchmarks codecs --log plant=plant.zarr --json codecs.json"))
@click.option(
    "--log", "logs", multiple=True, required=True, metavar="NAME=STORE", help="A store, and what to call it."
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Measurements of a codec."
)
@JSON
def codecs(logs: tuple[str, ...], rounds: int, json_path: Path | None) -> None:
    """How small each codec of the packed layout makes a log, and how fast one thread decodes it."""
    from benchmarks.codecs import as_json, measure, render

    stores = dict(entry.split("=", 1) for entry in logs if "=" in entry)
    if len(stores) < len(logs):
        raise click.BadParameter("expected NAME=STORE, each name once", param_hint="--log")
    trials = measure(stores, rounds=rounds)
    click.echo(render(trials))
    write_json(json_path, as_json(trials, rounds))


@main.command(epilog=example("python -m benchmarks demo", "python -m benchmarks demo --rows 20000 --minutes 0.1"))
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)
@click.option("--rows", type=click.IntRange(min=1000), default=1_200_000, show_default=True, help="Of the log.")
@click.option("--minutes", type=float, default=2.0, show_default=True, help="Of training.")
@click.option("--processes", type=click.IntRange(min=1), help="Of training.  [default: one a GPU, or 2]")
def demo(folder: Path, rows: int, minutes: float, processes: int | None) -> None:
    """Raw logs to a store to a trained model, told in one screen.

    Generates a log, ingests it, inspects the store and trains on it under torchrun; each step is the command that
    you would type, and is shown. --folder is emptied first.
    """
    from benchmarks.demo import default_processes, render, run_demo

    result = run_demo(folder, rows=rows, minutes=minutes, processes=processes or default_processes())
    click.echo(render(result))


@main.command(name="report", epilog=example("python -m benchmarks report"))
@click.option("--results", type=click.Path(path_type=Path), default=Path("benchmarks/results"), show_default=True)
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs"), show_default=True, help="Folder.")
@click.option("--html", type=click.Path(path_type=Path), default=Path("build/benchmarks.html"), show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write all results as one file.")
def write_report(results: Path, docs: Path, html: Path, json_path: Path | None) -> None:
    """Write the pages benchmarks.md and results.md from the committed results, and one HTML page of the first.

    The HTML page needs no other file: its pictures lie in it.
    """
    from benchmarks.html_page import html_page
    from benchmarks.report import pictures, report
    from benchmarks.results_page import results_page

    for name, picture in pictures(results).items():
        (docs / "images" / name).write_text(picture)
    page = report(results)
    (docs / "benchmarks.md").write_text(page)
    (docs / "results.md").write_text(results_page(results))
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(html_page(page, docs))
    if json_path:
        every = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(every, indent=1) + "\n")
    click.echo(f"{docs}, {html}: written from {len(list(results.glob('*.json')))} results")


if __name__ == "__main__":
    main()
