"""Which kind of source a file is, told by its first bytes."""

from pipeline.ingest.columnar import ArrowSource, ParquetSource
from pipeline.ingest.csv_source import CsvSource
from pipeline.ingest.errors import SourceError
from pipeline.ingest.files import first_bytes, open_text
from pipeline.ingest.json_source import JsonSource
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.sources import Source

__all__ = ["open_source"]

PROBE_BYTES = 2**12


def open_source(name: str, recipe: Recipe) -> Source:
    """Open a file and read its column names. Raises SourceError where it is none that can be read."""
    magic = first_bytes(name)
    if magic.startswith(b"PAR1"):
        return ParquetSource(name)
    if magic.startswith(b"ARROW1"):
        return ArrowSource(name)
    if magic.startswith((b"PK\x03\x04", b"\x1f\x9d", b"BZ0")):
        raise SourceError(name, "this is an archive: unpack it first, as with `unzip`")
    with open_text(name) as (stream, _):
        begin = stream.read(PROBE_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"{"):
        return JsonSource(name)
    return CsvSource(name, recipe)
