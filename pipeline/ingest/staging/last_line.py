"""A file that ends within a line: the logger may have lost power there, and the last value be cut off."""

import os

from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.files import first_bytes, open_file

__all__ = ["ends_within_line"]

LONGEST_END = 64
PADDING = b"\0\x1a \t"
"""What some loggers, and encodings of two bytes a character, write behind the last line break."""


def ends_within_line(source: Source) -> bool:
    """Whether a plain file of rows or records on this machine has no line break at its end. Raises SourceError.

    One at a URL is not asked for once more: some servers give a file only from its beginning.
    """
    if not source.ends_lines or "://" in source.name or is_compressed(first_bytes(source.name)):
        return False
    with open_file(source.name) as file:
        file.seek(max(0, source.num_bytes - LONGEST_END), os.SEEK_SET)
        end = file.read(LONGEST_END).rstrip(PADDING)
    return bool(end) and not end.endswith((b"\n", b"\r"))
