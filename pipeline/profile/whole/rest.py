"""The rows that a sample leaves out: all of them, or excerpts that are spread evenly where they are many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.base import Raw, Section, Source
from longstride.pipeline.ingest.sources.columnar import Columnar
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.source import CsvSource
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.detect import open_as_it_is
from longstride.pipeline.ingest.sources.files import first_bytes, num_bytes, open_file
from longstride.pipeline.ingest.sources.json.ndjson import JsonSource
from longstride.pipeline.profile.sample import Sample, from_first_row, read_pieces

__all__ = ["Rest", "read_rest", "rest_of"]

MAX_BYTES = 2**28
"""What is read of plain files at most, in all files together: seconds."""
SLOW_BYTES = 2**25
"""The same of JSON, of compressed files and of those at a URL."""
PIECE_BYTES = 2**20
FEWEST_ROWS = 200
"""Of a piece, where rows are long."""
MAX_FILES = 500


@dataclass(frozen=True)
class Rest:
    """One stretch of a file that a sample leaves out."""

    name: str
    start: int
    """First byte; where the file is read from its beginning, how many pieces of it are known."""
    num_bytes: int
    """What is read of it at most."""
    piece_bytes: int
    leaves: bool | None
    """Whether it leaves rows out; None where that is so only if `num_bytes` were read."""


def rest_of(sample: Sample) -> list[Rest]:
    """The stretches to read."""
    files = sample.files
    chosen = [files[index] for index in np.linspace(0, len(files) - 1, min(len(files), MAX_FILES), dtype=int)]
    return [rest for name in chosen for rest in _of_file(sample, name, len(chosen))]


def read_rest(sample: Sample, rest: Rest) -> Iterator[tuple[Source, Raw, int]]:
    """Rows of a stretch, piece by piece, with the number of bytes that were read for them."""
    recipe = sample.recipe()
    source = open_as_it_is(rest.name, recipe)
    if isinstance(source, Columnar):
        yield from _of_groups(sample, source, rest)
    elif _is_serial(source):
        section = Section(0, *_begin(source), source.num_bytes)
        left = rest.num_bytes
        for number, raw in enumerate(read_pieces(source, section, rest.piece_bytes, recipe)):
            if number >= rest.start:
                yield source, raw, rest.piece_bytes
                left -= rest.piece_bytes
            if left <= 0:
                return
    else:
        start, stop = rest.start, rest.start + rest.num_bytes
        while (start := _line_from(rest.name, start)) < stop:
            size = min(rest.piece_bytes, stop - start)
            is_begin = start <= _begin(source)[0]
            place = _begin(source) if is_begin else (start, 1)
            for raw in read_pieces(source, Section(0, *place, size), size, recipe):
                yield source, raw if is_begin else from_first_row(raw), size
            start += size


def _of_file(sample: Sample, name: str, num_files: int) -> Iterator[Rest]:
    try:
        source = open_as_it_is(name, sample.recipe())
    except SourceError:
        return  # an ingest says it better
    is_plain = isinstance(source, Columnar) or (isinstance(source, CsvSource) and not source.is_serial)
    is_slow = not is_plain or "://" in name
    allowed = (SLOW_BYTES if is_slow else MAX_BYTES) // num_files
    spans = sample.spans.get(name, ())
    if isinstance(source, Columnar):
        rows, cells = max(1, sample.num_rows // len(sample.spans)), (source.num_rows or 0) * len(source.names)
        piece = 8 * rows * max(1, len(source.names))
        yield Rest(name, len(spans[:1]), min(allowed, 8 * cells), piece, leaves=8 * cells > allowed)
    elif _is_serial(source):
        yield Rest(name, len(spans[:1]), allowed, spans[0][1] if spans else PIECE_BYTES, leaves=None)
    else:
        gaps = list(_gaps(spans, num_bytes(name)))
        total = sum(size for _, size in gaps)
        piece = max(PIECE_BYTES, FEWEST_ROWS * _bytes_a_row(sample))
        if total <= allowed:
            yield from (Rest(name, start, size, piece, leaves=False) for start, size in gaps)
            return
        num_pieces = max(1, allowed // piece)
        for index in range(num_pieces):
            place = (2 * index + 1) * (total - piece) // (2 * num_pieces)
            for start, size in gaps:
                if place < size:
                    yield Rest(name, start + place, min(piece, size - place), piece, leaves=True)
                    break
                place -= size


def _bytes_a_row(sample: Sample) -> int:
    return sum(size for spans in sample.spans.values() for _, size in spans) // max(1, sample.num_rows)


def _gaps(spans: Sequence[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """First byte and size of what lies between spans."""
    stop = 0
    for start, length in (*spans, (size, 0)):
        if start > stop:
            yield stop, start - stop
        stop = max(stop, start + length)


def _begin(source: Source) -> tuple[int, int]:
    """First byte and line of the rows."""
    return source.begin if isinstance(source, CsvSource) else (0, 1)


def _is_serial(source: Source) -> bool:
    if isinstance(source, CsvSource | JsonSource):
        return source.is_serial
    return is_compressed(first_bytes(source.name))


def _line_from(name: str, start: int) -> int:
    """Where the first line begins that does not begin before a byte."""
    if start == 0:
        return 0
    with open_file(name) as file:
        file.seek(start - 1)
        file.readline(MAX_RECORD_BYTES)
        return file.tell()


def _of_groups(sample: Sample, source: Columnar, rest: Rest) -> Iterator[tuple[Source, Raw, int]]:
    """Rows of the row groups of a file, or of some of them."""
    groups = list(source.groups())
    num_pieces = max(1, rest.num_bytes // rest.piece_bytes) if rest.leaves else len(groups)
    chosen = np.linspace(0, len(groups) - 1, min(len(groups), num_pieces), dtype=int).tolist() if groups else []
    for index in chosen:
        known = rest.start if index == 0 else 0
        left = -(-num_pieces // len(chosen)) if rest.leaves else source.num_rows or 0
        for number, raw in enumerate(read_pieces(source, groups[index], rest.piece_bytes, sample.recipe())):
            if number >= known:
                yield source, raw, rest.piece_bytes
                left -= 1
            if left <= 0:
                break
