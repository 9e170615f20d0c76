"""`longstride COMMAND`, or `python -m longstride COMMAND`: each command is loaded when it is asked for."""

import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from longstride import __version__
from longstride.storage.cli.group import CommandGroup
from longstride.storage.cli.signals import INTERRUPTED, end_at_once
from longstride.storage.cli.terminal import print_anything

COMMANDS = {
    "profile": ("pipeline.profile.command", "Propose a recipe from a sample of logs."),
    "ingest": ("pipeline.ingest.command", "Turn logs into a store."),
    "inspect": ("storage.commands", "Print what is in a store."),
    "verify": ("storage.commands", "Check every file of a store against its checksum."),
    "pack": (
        "pipeline.packing.commands",
        "Write a store as a few compressed files, on a disk or in an object store.",
    ),
    "unpack": ("pipeline.packing.commands", "Turn a packed store back into a mapped store."),
    "export": ("pipeline.packing.commands", "Write the rows of a store to one Parquet or Arrow file."),
    "train": ("trainer.command", "Train a model on the windows of a store."),
    "calibrate": ("trainer.calibration.command", "Measure the errors of a trained model on normal rows again."),
    "deploy": ("trainer.deploy.command", "Write a trained model as a file that runs without Longstride."),
    "score": ("trainer.scoring.commands", "Score every row of a store by a trained model."),
    "watch": ("trainer.live.command", "Score rows as they come, by a trained model."),
    "evaluate": ("trainer.scoring.commands", "Judge scores by the labels of a store."),
    "plot": ("trainer.scoring.commands", "Draw channels, scores and labelled rows."),
}
"""The module of each command and what `--help` says of it, in the order in which a log passes through them."""


class LazyGroup(CommandGroup):
    """A group of commands that imports only the one that runs; to list them, it imports none."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a name, or None."""
        if name not in COMMANDS:
            return None
        module, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(f"longstride.{module}"), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and what each command does."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, name="longstride")
@click.version_option(__version__, prog_name="longstride")
def main() -> None:
    """Turn raw logs into a store, train on its windows, and score its rows."""


def run() -> None:
    """Run the command line of this process."""
    _fill_closed_streams()
    print_anything()
    if "RANK" in os.environ:
        from longstride.trainer.cli import run_as_rank

        run_as_rank(main)
    try:
        main()
    except SystemExit as end:
        if not end.code:
            with suppress(OSError, ValueError):  # what cannot be printed makes Python end with another code
                sys.stdout.flush()
                end_at_once(0)  # to take the interpreter apart takes a tenth of the time of a small ingest
        if end.code == INTERRUPTED:
            # Where Ctrl-C came while a module was imported, `python -m` may remember that, and at its end kill the
            # process by SIGINT, whatever the code. So the interpreter is not taken apart.
            end_at_once(INTERRUPTED)
        raise


def _fill_closed_streams() -> None:
    """Let no file or pipe get the number of a closed stdin, stdout or stderr, and with it what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free: this one
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


if __name__ == "__main__":
    run()
