"""Parts: typed rows on disk, sorted by series and time, between parsing and writing.

One file a part: length and CRC-32C of a header, the header (JSON), and one block after the other: time, line,
sensor (with a pivot), labels, values. It appears by rename, so it is whole or absent. A job that takes over the
parts of another looks at every byte of them first, and at the rejects that lie next to them.
"""

import errno
import json
import os
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import IO, Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.staging.clocks.row_clock import RowClock
from longstride.pipeline.ingest.staging.folder import part_name, rejects_name, written_whole
from longstride.pipeline.ingest.staging.recent import Blocks, RecentParts
from longstride.pipeline.ingest.staging.spans import Spans

__all__ = ["Part", "PartReader", "counted", "counted_from", "steps_back_between", "whole_part", "write_part"]

HEAD = struct.Struct("<QQ")
"""Length of the header, and its CRC-32C."""
ALIGNMENT = 64
"""Where the first block begins in the file, so that it can be mapped."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is known of a part without reading its rows."""

    source: int
    section: int
    piece: int
    last: bool
    """Whether it ends its section."""
    done_bytes: int
    """An estimate of the bytes of the section that are read with this part, for progress."""
    num_rows: int
    dtype: str
    num_channels: int
    num_labels: int
    sensors: list[str] | None
    """With a pivot: the names that the sensor of a row is an index into."""
    spans: Spans
    rows_in: int
    blank: int
    headers: int
    filtered: int
    rejected: dict[str, int]
    """By reason."""
    ambiguous: int
    nonexistent: int
    steps_back: int
    """Rows whose time lies before that of the row of their series before them in the part."""
    rounded: dict[str, tuple[int, str]]
    """Channels with whole numbers that the store would round: line and value of the first."""
    measurements: list[str]
    """Channels that hold fractions."""
    left_out: dict[str, Any]
    """What columns hold that the recipe leaves out."""
    matched: list[int]
    """Intervals of a file of labels that rows are in."""
    section_crc: int | None
    """That of the section, as it was read."""
    rejects_crc: int
    """CRC-32C of the file of its rejects; 0 where it has none."""
    crc: int = 0
    """CRC-32C of its blocks."""
    first_row: int = 0
    """Where rows have no times but numbers: that of its first one."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it is from; in the order of places, rows are in the order of sources and lines."""
        return self.source, self.section, self.piece

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return sum(dtype.itemsize * width for dtype, width in self.blocks.values())

    @property
    def blocks(self) -> dict[str, tuple[np.dtype[Any], int]]:
        """Type and items a row of each block, in order."""
        found: dict[str, tuple[np.dtype[Any], int]] = {
            "time": (np.dtype(np.int64), 1),
            "line": (np.dtype(np.int64), 1),
        }
        if self.sensors is not None:
            found["sensor"] = (np.dtype(np.int32), 1)
        found["labels"] = (np.dtype(np.int8), self.num_labels)
        found["values"] = (np.dtype(self.dtype), self.num_channels)
        return found

    def empty_blocks(self, num_rows: int) -> Blocks:
        """Memory for the blocks of so many rows."""
        shapes = {name: (num_rows, width) for name, (_, width) in self.blocks.items()}
        return {
            name: np.empty(shapes[name] if name in ("labels", "values") else num_rows, dtype)
            for name, (dtype, _) in self.blocks.items()
        }


def write_part(folder: Path, part: Part, blocks: Blocks, recent: RecentParts | None = None) -> Part:
    """Write a part into a folder; `blocks` has (num_rows, ...) arrays in the order of `Part.blocks`.

    They are kept among the `recent` ones.
    """
    crc = 0
    data = {name: np.ascontiguousarray(blocks[name]) for name in part.blocks}
    for block in data.values():
        crc = google_crc32c.extend(crc, block)
    part = replace(part, crc=crc)
    header = json.dumps(vars(part) | {"spans": part.spans.as_json()}).encode()
    header += b" " * (-(HEAD.size + len(header)) % ALIGNMENT)
    path = folder / part_name(*part.place)
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        file.write(HEAD.pack(len(header), google_crc32c.value(header)) + header)
        for block in data.values():
            file.write(block.data)
    if recent is not None:
        recent.keep(part.place, data)
    return part


def whole_part(folder: Path, place: tuple[int, int, int], section_crc: int | None) -> Part | None:
    """The part of a source, section and piece that an interrupted job left; None where it is absent or damaged.

    It is none either where its section, or the file of its rejects, is not the one that it was made with.
    """
    try:
        with open(folder / part_name(*place), "rb") as file:
            part = _read_header(file)
            crc = _checksum(file)
        rejects_crc = 0
        if part.rejected:
            with open(folder / rejects_name(*place), "rb") as file:
                rejects_crc = _checksum(file)
    except (OSError, ValueError):
        return None
    found = part.place, part.section_crc, part.rejects_crc, part.crc
    return part if found == (place, section_crc, rejects_crc, crc) else None


def _read_header(file: IO[bytes]) -> Part:
    """Raises ValueError where it is damaged."""
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        raise ValueError("it is cut short")
    length, crc = HEAD.unpack(head)
    if length > os.fstat(file.fileno()).st_size:
        raise ValueError("it is damaged")
    header = file.read(length)
    if google_crc32c.value(header) != crc:
        raise ValueError("it is damaged")
    fields = json.loads(header)
    fields["spans"] = Spans(*fields["spans"])
    fields["rounded"] = {name: (line, value) for name, (line, value) in fields["rounded"].items()}
    return Part(**fields)


def _checksum(file: IO[bytes]) -> int:
    """CRC-32C of the rest of a file."""
    crc = 0
    while data := file.read(2**20):
        crc = google_crc32c.extend(crc, data)
    return crc


def counted(parts: Iterable[Part], clock: RowClock) -> Iterator[Part]:
    """Parts, in the order of sources and lines, whose rows have times by their numbers. Raises RecipeError."""
    first_row = 0
    for part in parts:
        yield counted_from(part, clock, first_row)
        first_row += part.rows_in


def counted_from(part: Part, clock: RowClock, first_row: int) -> Part:
    """The same part, its rows counted from this number on. Raises RecipeError."""
    return replace(part, first_row=first_row, spans=clock.spans(part.spans, first_row))


def steps_back_between(parts: Iterable[Part]) -> Counter[int]:
    """How many parts of each source begin, in a series, before where the last one with rows of it has ended.

    The parts are in the order of sources and lines.
    """
    found: Counter[int] = Counter()
    ends: dict[tuple[int, str], int] = {}
    for part in parts:
        for span in part.spans:
            key = part.source, span.series
            found[part.source] += span.begins < ends.get(key, span.begins)
            ends[key] = span.ends
    return found


def _fill(block: NDArray[Any], file: FileIO) -> None:
    view = block.reshape(-1).view(np.uint8).data
    while view:
        size = file.readinto(view)
        if not size:
            raise OSError(errno.EIO, "the part is shorter than its header says", file.name)
        view = view[size:]


class PartReader:
    """Slices of one part."""

    def __init__(
        self, folder: Path, part: Part, clock: RowClock | None = None, recent: RecentParts | None = None
    ) -> None:
        """`clock` gives rows times that have none; of a part that is `recent` no file is read."""
        self.part = part
        self.path = folder / part_name(*part.place)
        self._clock = clock
        self._recent = recent or RecentParts()

    @cached_property
    def _offset(self) -> dict[str, int]:
        """Where each block begins in the file."""
        with open(self.path, "rb") as file:
            position = HEAD.size + HEAD.unpack(file.read(HEAD.size))[0]
        offset = {}
        for name, (dtype, width) in self.part.blocks.items():
            offset[name] = position
            position += self.part.num_rows * width * dtype.itemsize
        return offset

    def times(self, start: int, stop: int) -> NDArray[np.int64]:
        """Times of rows start:stop, mapped: only what is looked at is read."""
        if blocks := self._recent.get(self.part.place):
            return self._timed(blocks["time"][start:stop])
        offset = self._offset["time"] + 8 * start
        return self._timed(np.memmap(self.path, np.int64, "r", offset, (stop - start,)))

    def read(self, start: int, stop: int) -> Blocks:
        """All blocks of rows start:stop, by name, (rows,) or (rows, width)."""
        if blocks := self._recent.get(self.part.place):
            found = {name: block[start:stop] for name, block in blocks.items()}
            found["time"] = self._timed(found["time"])
        else:
            found = self.part.empty_blocks(stop - start)
            self.read_into(found, start)
        return found

    def read_into(self, blocks: Blocks, start: int) -> None:
        """Fill these blocks with the rows from `start` on."""
        with open(self.path, "rb", buffering=0) as file:
            for name, block in blocks.items():
                row_bytes = block.nbytes // max(1, len(block))
                file.seek(self._offset[name] + start * row_bytes)
                _fill(block, file)
        if self._clock is not None:
            blocks["time"][:] = self._timed(blocks["time"])

    def _timed(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        return times if self._clock is None else self._clock.times(times + self.part.first_row)
