"""NDJSON: an object a line, plain or compressed."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import SourceError
from pipeline.ingest.files import checksum, first_bytes, is_compressed, open_text
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.rejects import Reject, raw_text
from pipeline.ingest.sources import Raw, Section, Source

__all__ = ["JsonSource"]

PROBE_BYTES = 2**20
MAX_LINE_BYTES = 2**20


class JsonSource(Source):
    """A file of JSON objects, a line each. Its columns are the keys in its first MiB."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._compressed = is_compressed(first_bytes(name))
        keys: dict[str, None] = {}
        with open_text(name) as (stream, _):
            probe = stream.read(PROBE_BYTES)
        for line in probe[: probe.rfind(b"\n") + 1 or len(probe)].split(b"\n"):
            row = _object(line)
            if isinstance(row, dict):
                keys.update(dict.fromkeys(row))
        if not keys:
            raise SourceError(name, "no line of its first MiB is a JSON object: expected one a line")
        self.names = tuple(keys)

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut a plain file at line breaks."""
        self.crc = checksum(self.name)
        if self._compressed:
            yield Section(0, 0, 1, self.num_bytes)
            return
        with open_text(self.name) as (stream, _):
            start, line = 0, 1
            for index, data in enumerate(_cut(stream, piece_bytes)):
                yield Section(index, start, line, len(data))
                start += len(data)
                line += data.count(b"\n")

    def pieces(
        self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int
    ) -> Iterator[Callable[[], Raw]]:
        """Read whole lines."""
        line = section.first_line
        with open_text(self.name) as (stream, file):
            if stream is file:
                file.seek(section.start)
            for data in _cut(stream, piece_bytes):
                yield partial(self._parse, data, line)
                if stream is file:
                    return
                line += data.count(b"\n")

    def _parse(self, data: bytes, first_line: int) -> Raw:
        texts = data.removesuffix(b"\n").split(b"\n")
        rows: list[dict[str, Any]] = []
        lines: list[int] = []
        rejects: list[Reject] = []
        num_blank = 0
        known = set(self.names)
        for line, text in enumerate(texts, first_line):
            row = _object(text)
            if row is None:
                num_blank += 1
            elif isinstance(row, str):
                rejects.append(Reject(line, "no JSON object", row, raw_text(text, "utf-8")))
            elif added := row.keys() - known:
                detail = f"key {min(added)!r} is in no row of the first MiB of the file"
                rejects.append(Reject(line, "unknown column", detail, raw_text(text, "utf-8")))
            else:
                rows.append(row)
                lines.append(line)
        return Raw(
            frame=pl.DataFrame([_column(name, [row.get(name) for row in rows]) for name in self.names]),
            lines=np.array(lines, np.int64),
            text=lambda row: raw_text(texts[lines[row] - first_line], "utf-8"),
            rejects=rejects,
            num_rows=len(texts) - num_blank,
            num_blank=num_blank,
        )


def _object(line: bytes) -> dict[str, Any] | str | None:
    """A line as an object, what is wrong with it, or None where it is blank."""
    if not line.strip():
        return None
    try:
        row = json.loads(line)
    except ValueError as error:  # UnicodeDecodeError is one
        return f"the line is no JSON: {error}"
    except RecursionError:
        return "the line is no JSON: it is nested too deep"
    return row if isinstance(row, dict) else f"the line is a JSON {type(row).__name__}, expected an object"


def _column(name: str, values: list[Any]) -> pl.Series:
    """Whole numbers or numbers where all are, texts otherwise."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pl.Series(name, values, pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], pl.Float64)
    return pl.Series(name, [None if value is None else _text(value) for value in values], pl.String)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cut(stream: BinaryIO, piece_bytes: int) -> Iterator[bytes]:
    while data := stream.read(piece_bytes):
        while not data.endswith(b"\n") and (rest := stream.readline(MAX_LINE_BYTES)):
            data += rest
        yield data
