"""What is printed, wherever it goes."""

import io
import sys

__all__ = ["print_anything"]


def print_anything() -> None:
    """Let no name of a channel or a file end a command that prints it, in whatever locale.

    A file or a pipe gets UTF-8, as `ingest --recipe` reads it; a terminal gets escapes for letters that it lacks.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
