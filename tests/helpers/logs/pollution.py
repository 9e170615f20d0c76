"""Polluted logs: one log, with each fault that tables in text files have, at every row and column.

The faults are those of the Pollock benchmark (Vitagliano et al., VLDB 2023) and some that loggers add. Every value
stands once in the log, so one that is shifted or lost shows.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["CHANNELS", "NAMES", "Polluted", "cells", "per_cell", "per_file", "per_row"]

NAMES = ["time", "flow", "count", "level", "heat", "remark"]
CHANNELS = NAMES[1:5]
WIDTH = len(NAMES)
START = datetime(2024, 3, 1, 8)
REMARKS = ["", "ok", "pump, on", 'the "north" gate', "", "porte fermée"]

Cells = list[list[str]]
"""The header and the rows."""


@dataclass(frozen=True, kw_only=True)
class Polluted:
    """A log with one fault."""

    kind: str
    data: bytes
    num_rows: int
    """Of the log without the fault."""
    spoilt: frozenset[int] = frozenset()
    """Rows that the fault may cost, from 1; they are stored as they were, or not at all and named."""
    gone: frozenset[int] = frozenset()
    """Rows that are not in the file any more."""
    names: tuple[str, ...] = tuple(CHANNELS)
    """What channels may be called, by their order; an empty one by any name."""
    bad: frozenset[int] = field(default=frozenset())
    """Lines that may be named as no rows, from 1."""


def value(row: int, channel: int) -> float:
    """The one value of a row, from 1, and a channel, from 0."""
    mixed = row * 1543 % 3001
    return 1000.0 * (channel + 1) + (mixed % 1000 if channel == 1 else mixed / 4)


def cells(num_rows: int) -> Cells:
    """The log."""
    rows = [
        [
            (START + timedelta(minutes=row)).strftime("%Y-%m-%d %H:%M:%S"),
            *(f"{value(row, channel):.{0 if channel == 1 else 2}f}" for channel in range(len(CHANNELS))),
            REMARKS[row % len(REMARKS)],
        ]
        for row in range(1, num_rows + 1)
    ]
    return [list(NAMES), *rows]


def written(row: Sequence[str], separator: str = ",", quoting: int = csv.QUOTE_MINIMAL, quote: str = '"') -> str:
    """A line without its end."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting, quotechar=quote, lineterminator="").writerow(row)
    return text.getvalue()


def joined(lines: Iterable[str], end: str = "\r\n") -> bytes:
    """A file."""
    return "".join(line + end for line in lines).encode()


def quoted_fields(row: Sequence[str]) -> list[str]:
    """Fields as they stand in the file."""
    return [written([text, "x"])[:-2] for text in row]


# One fault of a file


def per_file(num_rows: int) -> Iterator[Polluted]:
    """Faults of the file as a whole, of its header, and of what stands around its table."""
    log = cells(num_rows)
    lines = [written(row) for row in log]
    plain = joined(lines)
    count = len(lines)

    def case(kind: str, data: bytes, **more: object) -> Polluted:
        return Polluted(kind=f"file: {kind}", data=data, num_rows=num_rows, **more)  # type: ignore[arg-type]

    yield case("as it was", plain)
    for encoding in ("utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield case(f"encoding {encoding}", plain.decode().encode(encoding))
    for end in ("\n", "\r", "\r\r\n"):
        yield case(f"record delimiter {end!r}", joined(lines, end))
    for mark in (";", "|", "\t", " ", ":", "~", "^", "#", "\x1f"):
        yield case(f"field delimiter {mark!r}", joined(written(row, mark) for row in log))
    for mark in ("\t\t", ", ", "\\t", "||", "::"):
        yield case(f"field delimiter {mark!r}", joined(mark.join(quoted_fields(row)) for row in log))
    yield case("all fields in quotes", joined(written(row, quoting=csv.QUOTE_ALL) for row in log))
    yield case("quotes are '", joined(written(row, quote="'") for row in log))
    yield case("all in '", joined(written(row, quoting=csv.QUOTE_ALL, quote="'") for row in log))
    yield case(
        "quote and blank",
        joined(",".join(f'" {text} "'.replace('"n', '""n').replace('h"', 'h""') for text in row) for row in log),
    )
    escaped = (
        ",".join('"' + text.replace('"', '\\"') + '"' if '"' in text or "," in text else text for text in row)
        for row in log
    )
    yield case("escape is a backslash", joined(escaped))
    yield case("no last line end", plain.removesuffix(b"\r\n"))
    yield case("blank lines at the end", plain + b"\r\n" * 3)
    yield case("blank lines above", b"\r\n" * 3 + plain)
    yield case("control-Z at the end", plain + b"\x1a", bad=frozenset({count + 1}))
    yield case("separator at the end of rows", joined([lines[0], *(line + "," for line in lines[1:])]))
    yield case("separator at the end of all", joined(line + "," for line in lines))
    yield case("separator at the end of the header", joined([lines[0] + ",", *lines[1:]]))
    for number in (1, 3):
        for shape, text in (("text", "STATION NORTH"), ("cells", "STATION NORTH" + "," * (WIDTH - 1))):
            for gap, blank in (("", []), (", empty row", ["," * (WIDTH - 1)]), (", blank line", [""])):
                more = [text] * number
                yield case(f"preamble of {number} {shape}{gap}", joined([*more, *blank, *lines]))
                foot = range(count + 1, count + 2 + number)
                yield case(
                    f"footnote of {number} {shape}{gap}", joined([*lines, *blank, *more]), bad=frozenset(foot)
                )
    yield from _headers(log, lines, case)
    yield from _tables(lines, case)
    yield case("column of nothing at the beginning", joined("," + line for line in lines))
    yield case("column of nothing with a name", joined([lines[0] + ",spare", *(line + "," for line in lines[1:])]))
    wide = [
        f"{line}," + ",".join(f"x{i}" if not row else "" for i in range(1000)) for row, line in enumerate(lines)
    ]
    yield case("a thousand empty columns more", joined(wide))


def _headers(log: Cells, lines: list[str], case: Callable[..., Polluted]) -> Iterator[Polluted]:
    rows, any_names = lines[1:], ("",) * len(CHANNELS)
    yield case("no header", joined(rows), names=any_names)
    for number in (1, 2):
        yield case(f"header {number + 1} times", joined([*lines[:1] * number, *lines]), bad=frozenset(range(2, 4)))
    units = ["", "m3/h", "-", "mm", "degC", ""]
    yield case("units below the header", joined([lines[0], ",".join(units), *rows]), bad=frozenset({2}))
    yield case("groups above the header", joined([",site A,,site B,,", *lines]), names=any_names)
    for column in range(WIDTH):
        names = list(NAMES)
        for label, text in (("nothing", ""), ("signs", "HEAD/%R"), ("a long text", "HEADER" * 100_000)):
            names[column] = text
            expected = tuple("" if i + 1 == column else name for i, name in enumerate(CHANNELS))
            yield case(f"a name is {label}", joined([",".join(names), *rows]), names=expected)
        names[column] = NAMES[1]
        expected = tuple("" if i + 1 in (column, 1) else name for i, name in enumerate(CHANNELS))
        yield case("a name twice", joined([",".join(names), *rows]), names=expected)
        for number in (1, 2):
            over = [",".join("HEADER" if i == column else "" for i in range(WIDTH))] * number
            yield case(f"{number} rows of one name above", joined([*over, *lines]), names=any_names)
        del names[column]
        yield case("a name too few", joined([",".join(names), *rows]))
        names = [*NAMES[:column], "more", *NAMES[column:]]
        yield case("a name too many", joined([",".join(names), *rows]))


def _tables(lines: list[str], case: Callable[..., Polluted]) -> Iterator[Polluted]:
    for width in (WIDTH - 3, WIDTH, 2 * WIDTH):
        for gap in (False, True):
            for has_header in (False, True):
                table = [",".join(f"{7000 + 10 * row + column}" for column in range(width)) for row in range(10)]
                header = [",".join(f"name{column}" for column in range(width))] * has_header
                below = [*lines, *[""] * gap, *header, *table]
                kind = f"a table of {width} columns{' with a header' * has_header} below"
                yield case(kind, joined(below), bad=frozenset(range(len(lines) + 1, len(below) + 1)))
    units = [["flow", "m3/h"], ["level", "mm"], ["heat", "degC"]]
    above = [*map(",".join, units), ""]
    yield case("a table of 2 columns above", joined([*above, *lines]))


# Faults of one row


def per_row(num_rows: int, rows: Iterable[int]) -> Iterator[Polluted]:
    """Faults of each of these rows, 0 for the header."""
    log = cells(num_rows)
    lines = [written(row) for row in log]
    for row in rows:
        place = frozenset({row} - {0})

        def case(kind: str, data: bytes, row: int = row, **more: object) -> Polluted:
            bad = frozenset({row + 1, row + 2})
            return Polluted(kind=f"row: {kind}", data=data, num_rows=num_rows, bad=bad, **more)  # type: ignore[arg-type]

        def above(text: str, row: int = row) -> bytes:
            return joined([*lines[:row], text, *lines[row:]])

        def instead(text: str, row: int = row) -> bytes:
            return joined([*lines[:row], text, *lines[row + 1 :]])

        yield case("blank line", above(""))
        yield case("empty cells", above("," * (WIDTH - 1)))
        yield case("remark between rows", above("--- logger restarted ---"))
        yield case("comment", above("# calibrated"))
        if row:
            yield case("header again", above(lines[0]))
            yield case("nothing left", instead(""), gone=place)
            fields = quoted_fields(log[row])
            yield case("cells in '", instead(",".join(f"'{text}'" for text in log[row])), spoilt=place)
            yield case("all in quotes", instead(written(log[row], quoting=csv.QUOTE_ALL)), spoilt=place)
            blanks = " , ".join(fields)
            yield case("blanks around", instead(blanks), spoilt=place)
            text = ",".join('"' + cell.replace('"', '\\"') + '\\""' for cell in log[row])
            yield case("quotes escaped by backslash", instead(text), spoilt=place)
            yield case("more cells", instead(",".join([*fields, *fields[-1:] * 3])), spoilt=place)
            yield case("more numbers", instead(",".join([*fields, "7"])), spoilt=place)
        for mark in (";", "\t", "|"):
            yield case(f"delimiter {mark!r}", instead(written(log[row], mark)), spoilt=place)
        for end, name in (("\n", "LF"), ("\r", "CR"), ("", "none"), ("\r\r\n", "CR CR LF")):
            ends = ["\r\n"] * len(lines)
            ends[row] = end
            data = "".join(map(str.__add__, lines, ends)).encode()
            both = place | ({row + 1} & set(range(num_rows + 1)) if name in ("CR", "none") else set())
            yield case(f"line end {name}", data, spoilt=both)


# Faults of one cell


def per_cell(num_rows: int, rows: Iterable[int]) -> Iterator[Polluted]:
    """Faults of each cell of these rows, 0 for the header."""
    log = cells(num_rows)
    lines = [written(row) for row in log]
    for row in rows:
        fields = quoted_fields(log[row])
        for column in range(WIDTH):
            changes = _changes(fields, column)
            for kind, text in changes.items():
                yield Polluted(
                    kind=f"cell: {kind}",
                    data=joined([*lines[:row], text, *lines[row + 1 :]]),
                    num_rows=num_rows,
                    spoilt=frozenset({row} - {0}),
                    bad=frozenset({row + 1}),
                    names=tuple(CHANNELS) if row else ("",) * len(CHANNELS),
                )


def _changes(fields: list[str], column: int) -> dict[str, str]:
    """Lines that come of one, by the fault."""
    before, text, behind = fields[:column], fields[column], fields[column + 1 :]
    changed = {
        "delimiter added": [*before, "", text, *behind],
        "quote added": [*before, '"' + text, *behind],
        "quote at the end": [*before, text + '"', *behind],
        "quote within": [*before, text[:2] + '"' + text[2:], *behind],
        "blanks around": [*before, f" {text} ", *behind],
        "too few cells": fields[: column + 1],
    }
    if column:
        changed["delimiter deleted"] = [*before[:-1], before[-1] + text, *behind]
        changed["cell deleted"] = [*before, *behind]
    if text.startswith('"'):
        changed["quotes deleted"] = [*before, text.strip('"'), *behind]
        changed["a quote deleted"] = [*before, text[1:], *behind]
    else:
        changed["quotes added"] = [*before, f'"{text}"', *behind]
    return {kind: ",".join(parts) for kind, parts in changed.items()}
