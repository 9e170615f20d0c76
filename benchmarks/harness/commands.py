"""Commands as a user types them, one after the other."""

import os
import subprocess
import sys

import click

from longstride.storage.errors import LongstrideError

__all__ = ["python"]


def python(module: str, *arguments: object) -> str:
    """Run `python -m module ...` with its progress on this terminal, and return what it prints.

    Raises LongstrideError where it fails.
    """
    words = [str(argument) for argument in arguments]
    click.echo(f"$ python -m {module} {' '.join(words)}", err=True)
    # torchrun would set the same, and print five lines about it.
    environment = {"OMP_NUM_THREADS": "1", **os.environ} if "torch" in module else None
    command = [sys.executable, "-m", module, *words]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if result.returncode:
        raise LongstrideError(
            f"python -m {module} ended with exit code {result.returncode}, see above", code="command-failed"
        )
    return result.stdout
