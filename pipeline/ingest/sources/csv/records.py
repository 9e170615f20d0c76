"""The rows of a piece of CSV, found and checked from its bytes.

Polars silently fills short rows with nulls, and reads quotes out of place in its own way. So rows, fields
and quotes are checked here, and only good rows reach it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject, raw_text, undecodable
from longstride.pipeline.ingest.sources.csv.cutting import UNCUT
from longstride.pipeline.ingest.sources.csv.header import BOM, Header
from longstride.pipeline.ingest.sources.csv.lines import Piece
from longstride.pipeline.ingest.sources.csv.syntax import (
    MAX_RECORD_BYTES,
    RowSyntax,
    count_fields,
    is_blank,
    is_utf8,
    record_pattern,
    row_syntax,
)

__all__ = ["Records", "find_records"]

QUOTE, NEWLINE, RETURN = b'"\n\r'
MAX_ASCII, MAX_BYTE = 127, 255
ZERO = b"\0"
NOT_CUT = (
    "line not cut",
    "the line does not fit the regular expression of line, or a place of columns-at is within a word of it",
)
PROBE_BYTES = 8
"""So many bytes of a line tell it from most others."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """The rows of a piece, and its lines that are not rows.

    Every line of the piece is the first of a row, of a reject, of a header or blank, or continues one of them.
    """

    piece: Piece
    encoding: str
    spans: NDArray[np.int64]
    """First byte in the piece of each good row, and the one behind it, (rows, 2)."""
    data: bytes
    """The good rows in UTF-8."""
    lines: NDArray[np.int64]
    """Number in the file of the first line of each good row, (rows,)."""
    rejects: list[Reject]
    """In the order of lines."""
    num_blank: int
    num_headers: int
    """Repetitions of the header."""
    num_continued: int
    """Lines that continue a row."""

    def raw(self, row: int) -> str:
        """Give the text of a good row as `Reject.raw` does."""
        start, stop = self.spans[row].tolist()
        return raw_text(self.piece.data[start:stop], self.encoding)


def find_records(piece: Piece, header: Header, recipe: Recipe) -> Records:
    """Find the rows of a piece, and reject the other lines."""
    syntax = row_syntax(recipe.separator, len(header.names))
    found = _find(piece, syntax)
    starts, stops = found.starts, found.starts + found.lengths
    long = found.lengths > MAX_RECORD_BYTES
    blank = _are_blank(piece, starts, stops, syntax) & ~long
    if recipe.comment:
        blank |= _begin_with(piece, starts, recipe.comment.encode()) & ~long
    if recipe.only_lines:
        kind = (recipe.only_lines + recipe.separator).encode()
        blank |= ~_begin_with(piece, starts, kind) & ~_begin_with(piece, starts, UNCUT.encode()) & ~long
    headers = _are_headers(piece, starts, stops, header) & ~long & ~blank
    wrong = (found.damaged | (found.num_fields != syntax.num_fields) | long) & ~blank & ~headers
    trimmed = _without_empty_end(piece, found, np.flatnonzero(wrong & ~long), syntax, header.surplus)
    wrong[list(trimmed)] = False
    rejects = {
        record: syntax.fault(piece.data[starts[record] : stops[record]], recipe.encoding)
        for record in np.flatnonzero(wrong).tolist()
    }
    if UNCUT.encode() in piece.data:
        uncut = _begin_with(piece, starts, UNCUT.encode()) & ~headers
        rejects |= dict.fromkeys(np.flatnonzero(uncut).tolist(), NOT_CUT)
        wrong |= uncut
    if ZERO in piece.data:
        holes = np.add.reduceat(np.frombuffer(piece.data, np.uint8) == 0, starts, dtype=np.int64)
        of_zeros = (holes > 0) & ~headers & ~long
        rejects |= {record: _zero_bytes(int(holes[record])) for record in np.flatnonzero(of_zeros).tolist()}
        wrong |= of_zeros
    good = ~(wrong | blank | headers)
    data = _to_utf8(_joined(piece.data, starts, stops, good, trimmed), recipe)
    if data is None:
        faults = dict(_undecodable(piece, starts, stops, good, recipe.encoding))
        rejects |= faults
        good[list(faults)] = False
        data = _to_utf8(_joined(piece.data, starts, stops, good, trimmed), recipe)
    assert data is not None
    lines = piece.first_line + found.lines
    records = Records(
        piece=piece,
        encoding=recipe.encoding,
        spans=np.stack([starts[good], stops[good]], axis=1),
        data=data,
        lines=lines[good],
        rejects=[
            Reject(
                int(lines[record]),
                *fault,
                raw_text(piece.data[starts[record] : stops[record]], recipe.encoding).removeprefix(UNCUT),
            )
            for record, fault in sorted(rejects.items())
        ],
        num_blank=int(np.count_nonzero(blank)),
        num_headers=int(np.count_nonzero(headers)),
        num_continued=found.num_lines - len(starts),
    )
    num_firsts = len(records.lines) + len(records.rejects) + records.num_blank + records.num_headers
    assert num_firsts + records.num_continued == found.num_lines
    return records


def _zero_bytes(number: int) -> tuple[str, str]:
    """Reason and detail of a row that holds zero bytes."""
    detail = f"the row holds zero bytes, {number:,} of them, as where a logger lost its power: part of it is lost"
    return "zero bytes", detail


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Records, good or not: (records,) each."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    """With the line break."""
    lines: NDArray[np.int64]
    """Lines of the piece before each."""
    num_fields: NDArray[np.int32]
    damaged: NDArray[np.bool_]
    """Lines that start no row; their number of fields means nothing."""
    num_lines: int
    """Lines of all records together."""


def _find(piece: Piece, syntax: RowSyntax) -> _Found:
    data = np.frombuffer(piece.data, np.uint8)
    if QUOTE not in piece.data:
        return _split(data, None, syntax, [])
    quote = data == QUOTE
    inside = _odd_so_far(quote)
    if _in_order(data, quote, inside, syntax):
        found = _split(data, inside, syntax, [])
        wrong = (found.num_fields != syntax.num_fields) | (found.lengths > MAX_RECORD_BYTES)
        continued = np.diff(found.lines, append=found.num_lines) > 1
        # The lines of a wrong record may each be a row.
        if not (wrong & continued).any():
            return found
    damaged = syntax.walk(piece.data, 0, len(piece.data)).damaged
    for start in damaged:
        quote[start : piece.data.index(NEWLINE, start)] = False
    return _split(data, _odd_so_far(quote), syntax, damaged)


def _split(
    data: NDArray[np.uint8], inside: NDArray[np.bool_] | None, syntax: RowSyntax, damaged: list[int]
) -> _Found:
    """Split the data where line breaks are outside quotes."""
    mark = data == NEWLINE
    stops = np.flatnonzero(mark) + 1
    num_lines = len(stops)
    lines = np.arange(num_lines)
    # The same memory again: new memory is slower than looking through the data.
    separator = np.equal(data, ord(syntax.separator), out=mark)
    if inside is not None:
        separator &= ~inside
        ends = ~inside[stops - 1]
        stops, lines = stops[ends], np.concatenate([[0], lines[ends][:-1] + 1])
    starts = np.concatenate([[0], stops[:-1]])
    is_damaged = np.zeros(len(starts), np.bool_)
    is_damaged[np.searchsorted(starts, damaged)] = True
    return _Found(
        starts=starts,
        lengths=stops - starts,
        lines=lines,
        num_fields=_count_fields(separator, starts, syntax.num_fields),
        damaged=is_damaged,
        num_lines=num_lines,
    )


def _count_fields(separator: NDArray[np.bool_], starts: NDArray[np.int64], usual: int) -> NDArray[np.int32]:
    # Sums of bytes are the fastest. If each is as usual modulo 256, and all together are, then each is.
    if (
        usual <= MAX_BYTE
        and np.count_nonzero(separator) == len(starts) * (usual - 1)
        and (np.add.reduceat(separator.view(np.uint8), starts, dtype=np.uint8) == usual - 1).all()
    ):
        return np.full(len(starts), usual, np.int32)
    # numpy adds 32 bits faster than 64.
    return np.add.reduceat(separator, starts, dtype=np.int32) + np.int32(1)


def _in_order(
    data: NDArray[np.uint8], quote: NDArray[np.bool_], inside: NDArray[np.bool_], syntax: RowSyntax
) -> bool:
    """Whether all quotes are as in RFC 4180. Two that mean one look like a field that ends and one that starts."""
    edge = quote | (data == ord(syntax.separator)) | (data == NEWLINE)
    opens = quote & inside
    closes = quote & ~inside
    ends = edge.copy()
    ends[:-1] |= (data[:-1] == RETURN) & (data[1:] == NEWLINE)
    return not (inside[-1] or (opens[1:] & ~edge[:-1]).any() or (closes[:-1] & ~ends[1:]).any())


def _odd_so_far(mark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each mark and those before it are odd in number: an xor.accumulate, eight bytes at a time."""
    words = np.concatenate([mark, np.zeros(-len(mark) % 8, np.bool_)]).view("<u8")
    for shift in (8, 16, 32):
        words ^= words << np.uint64(shift)
    odd = np.bitwise_xor.accumulate(words >> np.uint64(56))
    words[1:] ^= odd[:-1] * np.uint64(0x0101010101010101)
    odd_so_far: NDArray[np.bool_] = words.view(np.bool_)[: len(mark)]
    return odd_so_far


def _are_blank(
    piece: Piece, starts: NDArray[np.int64], stops: NDArray[np.int64], syntax: RowSyntax
) -> NDArray[np.bool_]:
    data = np.frombuffer(piece.data, np.uint8)
    empty = np.zeros(256, np.bool_)
    empty[list(b" \t\r\n" + syntax.separator)] = True
    # Three bytes show of nearly all rows that they are not blank lines.
    maybe = np.flatnonzero(empty[data[starts]])
    for probe in ((starts + stops) // 2, stops - 2):
        maybe = maybe[empty[data[np.maximum(probe, starts)[maybe]]]]
    blank = np.zeros(len(starts), np.bool_)
    for record in maybe.tolist():
        blank[record] = is_blank(piece.data[starts[record] : stops[record]], syntax.separator)
    return blank


def _begin_with(piece: Piece, starts: NDArray[np.int64], mark: bytes) -> NDArray[np.bool_]:
    """Whether each line begins with a text."""
    data = np.frombuffer(piece.data, np.uint8)
    begins = np.ones(len(starts), np.bool_)
    for place, byte in enumerate(mark):
        begins &= data[np.minimum(starts + place, len(data) - 1)] == byte
    return begins


def _are_headers(
    piece: Piece, starts: NDArray[np.int64], stops: NDArray[np.int64], header: Header
) -> NDArray[np.bool_]:
    """Whether each is one of the lines above the first row of the file."""
    found = np.zeros(len(starts), np.bool_)
    lengths = stops - starts
    for line in header.block:
        more = lengths - len(line)
        # Few lines are as long, and of them few begin alike.
        maybe = np.flatnonzero((more >= 1) & (more <= len(BOM + b"\r\n")))
        alike = _begin_with(piece, starts[maybe], line[:PROBE_BYTES]) | _begin_with(piece, starts[maybe], BOM)
        for record in maybe[alike].tolist():
            text = piece.data[starts[record] : stops[record] - 1]
            found[record] |= text.removeprefix(BOM).removesuffix(b"\r") == line
    return found


def _without_empty_end(
    piece: Piece, found: _Found, records: NDArray[np.intp], syntax: RowSyntax, surplus: int
) -> dict[int, bytes]:
    """Records that have so many separators at their end more than others, without those."""
    trimmed: dict[int, bytes] = {}
    for record in records.tolist() if surplus else ():
        row = piece.data[found.starts[record] : found.starts[record] + found.lengths[record]]
        text = row.rstrip(b"\r\n")
        is_sound = record_pattern(syntax.separator).fullmatch(row) and text.endswith(syntax.separator * surplus)
        if is_sound and count_fields(row, syntax.separator) == syntax.num_fields + surplus:
            trimmed[record] = text[:-surplus] + row[len(text) :]
    return trimmed


def _joined(
    data: bytes,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    good: NDArray[np.bool_],
    trimmed: dict[int, bytes],
) -> bytes:
    """Join the good records, run by run."""
    if trimmed:
        rows = np.flatnonzero(good).tolist()
        return b"".join(trimmed.get(row) or data[starts[row] : stops[row]] for row in rows)
    if good.all():
        return data
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False))
    runs = zip(starts[edges[0::2]].tolist(), stops[edges[1::2] - 1].tolist(), strict=True)
    return b"".join(data[start:stop] for start, stop in runs)


def _to_utf8(data: bytes, recipe: Recipe) -> bytes | None:
    """Give the same text in UTF-8, None where some does not decode."""
    if is_utf8(recipe.encoding) and data.isascii():
        return data
    try:
        text = data.decode(recipe.encoding)
    except UnicodeDecodeError:
        return None
    if is_utf8(recipe.encoding):
        return data
    return text.encode()


def _undecodable(
    piece: Piece,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    good: NDArray[np.bool_],
    encoding: str,
) -> Iterator[tuple[int, tuple[str, str]]]:
    """Give the records that do not decode, with the reason and detail of each."""
    name = "UTF-8" if is_utf8(encoding) else encoding
    if is_utf8(encoding):
        good = good & (np.maximum.reduceat(np.frombuffer(piece.data, np.uint8), starts) > MAX_ASCII)
    for record in np.flatnonzero(good).tolist():
        row = piece.data[starts[record] : stops[record]]
        try:
            row.decode(encoding)
        except UnicodeDecodeError as error:
            yield record, undecodable(row[error.start], name)
