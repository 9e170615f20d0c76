"""`python -m benchmarks`: measure, and make the data to measure with."""

from importlib import import_module
from pathlib import Path

import click

from longstride.storage.cli.group import CommandGroup, example

SUITES = ("codecs", "device", "disk", "ingest", "order", "scale", "shuffle", "sweep", "windows")
OF_MODELS = ("detect", "epoch", "fleet", "live", "train")
MODULES = {
    **{name: f"suites.{name}" for name in SUITES},
    **{name: f"suites.models.{name}" for name in OF_MODELS},
    "demo": "demo",
    "gpu": "gpu",
    "report": "pages.report",
}


class Commands(CommandGroup):
    """Imports a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All of them, by name."""
        return sorted([*super().list_commands(context), *MODULES])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        if name not in MODULES:
            return super().get_command(context, name)
        command: click.Command = getattr(import_module(f"benchmarks.{MODULES[name]}"), name)
        return command


@click.group(cls=Commands, name="python -m benchmarks")
def main() -> None:
    """Measure Longstride, compared with the machine's own limits and with what people use today."""


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

    from benchmarks.data.synth import synthesise

    with tqdm(total=rows, desc="synth", unit=" rows", unit_scale=True, disable=None) as bar:
        paths = synthesise(out, rows=rows, seed=seed, progress=bar.update)
    num_bytes = sum(path.stat().st_size for path in paths)
    click.echo(f"{out}: {rows:,} rows in {len(paths)} files, {num_bytes / 1e6:,.1f} MB")


@main.command(epilog=example("python -m benchmarks servers --out servers --machines 3"))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
@click.option("--machines", type=click.IntRange(min=1), default=3, show_default=True, help="Files of each folder.")
@click.option("--rows", type=click.IntRange(min=100), default=3000, show_default=True, help="Of each file.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same bytes.")
def servers(out: Path, machines: int, rows: int, seed: int) -> None:
    """Write what made-up servers measure, as text without a header and without times.

    Three folders with a file for each machine: `train`, `test` with faults, and `test_label`, a 0 or a 1 for each
    row of `test`.
    """
    from benchmarks.data.servers import write_servers

    paths = write_servers(out, machines=machines, rows=rows, seed=seed)
    click.echo(f"{out}: {len(paths)} files of {rows:,} rows")


if __name__ == "__main__":
    main()
