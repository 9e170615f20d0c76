"""What is printed, wherever it goes."""

import io
import re
import sys

__all__ = ["print_anything", "printable"]

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, change colours or turn the direction of a line; all but tabs and line feeds."""


def printable(text: str) -> str:
    r"""A text with escapes for control characters: a name in a store of a stranger may hold `\x1b[2J`."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _Printer(io.TextIOWrapper):
    def __init__(self, under: io.TextIOWrapper) -> None:
        super().__init__(
            under.buffer, encoding=under.encoding, errors=under.errors, line_buffering=under.line_buffering
        )
        self._under = under  # which would close the file when it goes

    def write(self, text: str) -> int:
        super().write(printable(text))
        return len(text)


def print_anything() -> None:
    """Let no name of a channel or a file end a command that prints it, or steer the terminal, in whatever locale.

    A file or a pipe gets UTF-8, as `ingest --recipe` reads it; a terminal gets escapes for letters that it lacks.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    if isinstance(out := sys.stdout, io.TextIOWrapper):  # bars on stderr move the cursor
        sys.stdout = _Printer(out)
