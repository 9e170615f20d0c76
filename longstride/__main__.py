"""`longstride COMMAND`, or `python -m longstride COMMAND`: each command is loaded when it is asked for."""

import os
from importlib import import_module

import click

from longstride import __version__
from longstride.storage.cli import CommandGroup

COMMANDS = {
    "profile": "pipeline.profile.command",
    "ingest": "pipeline.ingest.command",
    "inspect": "storage.commands",
    "verify": "storage.commands",
    "pack": "pipeline.packing.commands",
    "unpack": "pipeline.packing.commands",
    "export": "pipeline.packing.commands",
    "train": "trainer.command",
    "score": "trainer.scoring.commands",
    "evaluate": "trainer.scoring.commands",
    "plot": "trainer.scoring.commands",
}
"""Where each command is, in the order in which a log passes through them."""


class LazyGroup(CommandGroup):
    """A group of commands that imports only the one that runs."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names, for `--help`."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a name, or None."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"longstride.{COMMANDS[name]}"), name)
        return command


@click.group(cls=LazyGroup, name="longstride")
@click.version_option(__version__, prog_name="longstride")
def main() -> None:
    """Turn raw logs into a store, train on its windows, and score its rows."""


def run() -> None:
    """Run the command line of this process."""
    if "RANK" in os.environ:
        from longstride.trainer.cli import run_as_rank

        run_as_rank(main)
    main()


if __name__ == "__main__":
    run()
