"""Dirty logs: good rows, and among them lines that are damaged in many ways, each with the reason to reject it.

What a reader cannot know from the file is left out:

- a digit that changed, or a line that was cut inside its last number: the row is legal and of another value;
- a line that lost its middle and has as many fields as before: two halves may make one number;
- a byte order mark, spaces or quotes around a good field: a matter of taste, not of damage;
- an open quote that a later line closes, if a row of as many fields comes of it. A quote closes where a separator
  or line break is behind it. So no line begins in the middle of quotes, no stray quote is at the end of a field,
  nothing in quotes begins with a line break, and what begins with a separator is of one line and ends in a letter;
- a log that begins with more rows of one field too many than good ones: its header lacks a name (`WIDER`).
"""

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "KINDS", "WIDER", "Damaged", "Expected", "dirty_log", "dirty_plan", "write_log"]

COLUMNS = ("time", "flow", "level", "remark", "fault", "power", "heat", "speed", "tilt")
CHANNELS = ("flow", "level", "power", "heat", "speed", "tilt")
REMARK = COLUMNS.index("remark")
START = np.datetime64("2024-03-01T00:00:00", "ns")
SECOND = 10**9

BINARY = bytes(set(range(256)) - set(b'",;\n'))
FEW, MANY, QUOTE = "too few fields", "too many fields", "quote out of place"


class Damaged(NamedTuple):
    """A line that is no row, or a row that cannot be read."""

    kind: str
    reason: str
    raw: bytes
    """Without the last line break."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is in a log."""

    time: NDArray[np.int64]
    """Of the good rows, in nanoseconds since 1970, (rows,)."""
    values: NDArray[np.float64]
    """(rows, channels), NaN where missing."""
    labels: NDArray[np.int8]
    """(rows,)"""
    damaged: dict[int, Damaged]
    """By the number of the line, the first one where a row has several."""
    num_blank: int
    num_headers: int
    """Beside the first line."""


class _Row:
    """A good row of the log that is about to be damaged."""

    def __init__(self, fields: Sequence[str], separator: str, random: Random) -> None:
        self.fields = list(fields)
        self.separator = separator
        self.random = random

    def line(self) -> str:
        """The row as it stands in the file."""
        return self.separator.join(self.fields)

    def put(self, column: str, text: str) -> None:
        """Take another text for a column."""
        self.fields[COLUMNS.index(column)] = text

    def fill(self, pattern: str) -> str:
        """A text in which every # of the pattern is some digit."""
        return re.sub("#", lambda _: self.random.choice("123456789"), pattern)

    def fill_one_of(self, patterns: Sequence[str]) -> str:
        """A text of one of the patterns, in quotes where it holds a separator."""
        text = self.fill(self.random.choice(patterns))
        return f'"{text}"' if self.separator in text else text


Spoil = Callable[[_Row], tuple[str, str]]
"""Damages a row; gives the line that comes of it, and the reason to reject it."""


def _no_number(*patterns: str) -> Spoil:
    def spoil(row: _Row) -> tuple[str, str]:
        column = row.random.choice(CHANNELS)
        row.put(column, row.fill_one_of(patterns))
        return row.line(), f"no number in {column!r}"

    return spoil


def _infinity(*patterns: str) -> Spoil:
    def spoil(row: _Row) -> tuple[str, str]:
        row.put(row.random.choice(CHANNELS), row.fill_one_of(patterns))
        return row.line(), "infinity"

    return spoil


def _time(reason: str, *patterns: str) -> Spoil:
    def spoil(row: _Row) -> tuple[str, str]:
        row.put("time", row.fill_one_of(patterns))
        return row.line(), reason

    return spoil


def _label(*patterns: str) -> Spoil:
    def spoil(row: _Row) -> tuple[str, str]:
        row.put("fault", row.fill_one_of(patterns))
        return row.line(), "no label"

    return spoil


def _not_utf8(row: _Row) -> tuple[str, str]:
    # A row as a whole is no text if its unused column is none.
    column, pattern = row.random.choice([("flow", "#\udcb0#"), ("remark", "caf\udce9"), ("remark", '"\udcff\n#"')])
    row.put(column, row.fill(pattern))
    return row.line(), "not UTF-8"


def _decimal_comma(row: _Row) -> tuple[str, str]:
    column = row.random.choice(CHANNELS)
    row.put(column, row.fill("##,#"))
    return row.line(), MANY if row.separator == "," else f"no number in {column!r}"


def _cut_behind_a_field(row: _Row) -> tuple[str, str]:
    del row.fields[row.random.randrange(1, len(COLUMNS)) :]
    return row.line(), FEW


def _cut_in_a_number(row: _Row) -> tuple[str, str]:
    column = row.random.choice(CHANNELS[:-1])
    del row.fields[COLUMNS.index(column) :]
    return row.separator.join([*row.fields, row.fill("##.#")]), FEW


def _cut_in_quotes(row: _Row) -> tuple[str, str]:
    del row.fields[REMARK:]
    return row.separator.join([*row.fields, f'"pump 7{row.separator} va']), QUOTE


def _lost_field(row: _Row) -> tuple[str, str]:
    del row.fields[row.random.randrange(1, len(COLUMNS))]
    return row.line(), FEW


def _lost_time(row: _Row) -> tuple[str, str]:
    return row.separator.join(row.fields[1:]), FEW


def _shifted(row: _Row) -> tuple[str, str]:
    row.put("flow", row.fill("#.#"))
    return row.separator.join([*row.fields[1:], "0"]), "no time"


def _more_fields(row: _Row) -> tuple[str, str]:
    row.fields += row.random.choices(["", "0", "7.5", '""', "x"], k=row.random.randint(1, 3))
    return row.line(), MANY


def _doubled_separator(row: _Row) -> tuple[str, str]:
    row.fields.insert(row.random.randrange(len(COLUMNS)), "")
    return row.line(), MANY


def _remark_without_quotes(row: _Row) -> tuple[str, str]:
    row.put("remark", row.separator.join(["pump", " valve", " door"][: row.random.randint(2, 3)]))
    return row.line(), MANY


def _glued(row: _Row) -> tuple[str, str]:
    return row.line() * 2, MANY


def _interrupted(row: _Row) -> tuple[str, str]:
    begin = row.fields[: row.random.randint(1, len(COLUMNS) - 1)]
    return row.separator.join([*begin, row.fill("##.#") + row.line()]), MANY


def _stray_quote(row: _Row) -> tuple[str, str]:
    row.put(row.random.choice(COLUMNS), row.fill_one_of(['#"#', '#" pipe', '# "x" #', ' "#.#"', '#""#']))
    return row.line(), QUOTE


def _open_quote(row: _Row) -> tuple[str, str]:
    row.put(row.random.choice(COLUMNS[:-1]), row.fill('"##.#'))
    return row.line(), QUOTE


def _text_behind_a_quote(row: _Row) -> tuple[str, str]:
    row.put(row.random.choice(COLUMNS), row.fill_one_of(['"#.#"x', '"#.#" ', '"#"#"', '"#" "#"']))
    return row.line(), QUOTE


def _other_separator(row: _Row) -> tuple[str, str]:
    row.put("remark", "pump")
    return ("," if row.separator == ";" else ";").join(row.fields), FEW


def _utf16(row: _Row) -> tuple[str, str]:
    row.put("remark", "pump")
    return "".join(f"{character}\0" for character in row.line()), "no time"


def _binary(row: _Row) -> tuple[str, str]:
    body = bytes(row.random.choices(BINARY, k=row.random.randint(1, 60)))
    quote, reason = row.random.choice([(b"", FEW), (b'"\1', QUOTE)])
    return (b"\x89" + body + quote + body[::-1] + b"\0").decode("utf-8", "surrogateescape"), reason


def _message(reason: str, *patterns: str) -> Spoil:
    return lambda row: (row.fill(row.random.choice(patterns)), reason)


def _part_of_a_header(row: _Row) -> tuple[str, str]:
    header = row.separator.join(COLUMNS)
    return header[: row.random.randint(1, header.rindex(row.separator))], FEW


def _other_header(row: _Row) -> tuple[str, str]:
    return row.separator.join(COLUMNS).upper(), "no time"


WRONG_FIELDS: dict[str, Spoil] = {
    "word for a number": _no_number("broken", "N/A", "na", "null", "None", "-", "--", "?", "n a", "truth"),
    "number with a unit": _no_number("##.# bar", "#%", "$#", "##\N{DEGREE SIGN}C", "#e", "#f", "#.#d"),
    "two numbers in one field": _no_number("#.# #.#", "#.#.#", "--#", "+-#", "#-#", "#:#", "#/#", "."),
    "decimal comma in quotes": _no_number("##,#", "-#,###", ",#"),
    "thousands": _no_number("#,###.#", "# ###.#", "#'###.#", "#\N{NO-BREAK SPACE}###", "#,###,###"),
    "hex or underscores": _no_number("0x#G", "#_###", "0b11", "0o#", "#_#.#", "0x#.#p#"),
    "digits of other scripts": _no_number(
        "\uff11\uff12", "\u0661\u0662", "\u2212\u2212##.#", "\N{INFINITY}", "#\u00bd"
    ),
    "NUL in a number": _no_number("#\0###", "#.#\0", "\0###", "\0", "#.\0\0#"),
    "control characters": _no_number("#.#\a", "\x1b[1m#.#\x1b[0m", "#\b#", "\x7f#", "#\x1a"),
    "infinity": _infinity("inf", "-inf", "+Inf", "Infinity", "-INFINITY", '"inf"', " inf "),
    "overflow": _infinity("#e400", "-#E999", "#" * 320, "#.#e+309"),
    "empty time": _time("time missing", "", '""', " "),
    "impossible date": _time(
        "no time", "2024-02-30T00:00:00", "2023-02-29 00:#0:00", "2024-13-0#", "2024-04-0#T25:00"
    ),
    "year out of range": _time(
        "no time", "1677-0#-01T00:00:00", "2262-04-12T00:00:00", "0024-03-0#", "9999-12-31"
    ),
    "no time at all": _time(
        "no time", "yesterday", "12:0#", "170925####", "00/00/0000", "2024-03-01T", "NA", "NaT"
    ),
    "missing label": _label("", '""', " "),
    "label out of range": _label("128", "-#", "#e3", "#" * 21, "inf"),
    "text for a label": _label("maybe", "yes", "0.#", "#,5", "0x1", "NA", "nan", "t", "1\0"),
    "not UTF-8": _not_utf8,
}
"""Rows of the right form, of one line or several."""

BROKEN_LINES: dict[str, Spoil] = {
    "decimal comma": _decimal_comma,
    "cut behind a field": _cut_behind_a_field,
    "cut in a number": _cut_in_a_number,
    "cut in quotes": _cut_in_quotes,
    "lost field": _lost_field,
    "lost time": _lost_time,
    "shifted": _shifted,
    "more fields": _more_fields,
    "doubled separator": _doubled_separator,
    "remark without quotes": _remark_without_quotes,
    "two lines glued": _glued,
    "line begun and interrupted": _interrupted,
    "stray quote": _stray_quote,
    "open quote": _open_quote,
    "text behind a quote": _text_behind_a_quote,
    "other separator": _other_separator,
    "UTF-16": _utf16,
    "binary": _binary,
    "message": _message(
        FEW,
        *("<html>", "</body></html>", "Traceback (most recent call last):", "Segmentation fault (core dumped)"),
        *("// station #, # Hz; firmware #.#", "2024-03-01 0#:00:00 ERROR no answer, trying again", "-----", "#"),
        *("\x1b[31mwarning\x1b[0m", "\0" * 99),
    ),
    "message with quotes": _message(
        QUOTE,
        *('<meta charset="utf-8">', '[ERROR] sensor "flow" is silent', '"station #" started'),
        '{"time": "2024-03-01T00:00:0#", "flow": #.#}',
    ),
    "part of a header": _part_of_a_header,
    "another header": _other_header,
}
"""Made of rows of one line: what is left of others would be more than one bad line."""

KINDS = WRONG_FIELDS | BROKEN_LINES
WIDER = {
    "decimal comma",
    "more fields",
    "doubled separator",
    "remark without quotes",
    "line begun and interrupted",
}
"""Kinds that may have one field more than the header."""

GOOD = "good row"
BLANK, HEADER = "blank line", "header"
NOISE = (BLANK, HEADER)
"""Kinds of lines that are neither good nor damaged."""


def dirty_log(path: Path, rows: int, damaged: int, seed: int, *, noise: int = 0) -> Expected:
    """Write a log of good rows and, anywhere among them, damaged lines and noise, with line ends of both kinds."""
    return write_log(path, dirty_plan(rows, damaged, seed, noise=noise), seed)


def dirty_plan(rows: int, damaged: int, seed: int, *, noise: int = 0) -> list[str]:
    """Draw kinds of lines: damage is of any kind, in runs of up to 8, often at the ends of the file."""
    random = Random(seed)
    kinds = random.choices(list(KINDS), k=damaged)
    runs = []
    while kinds:
        length = random.randint(1, 8)
        runs.append(kinds[:length])
        del kinds[:length]
    first, last = (runs.pop() if runs and random.random() < 0.5 else [] for _ in range(2))
    others = [[GOOD]] * rows + [[kind] for kind in random.choices(NOISE, k=noise)] + runs
    order = np.random.default_rng(seed).permutation(len(others)).tolist()
    return [kind for run in [first, *(others[index] for index in order), last] for kind in run]


def write_log(
    path: Path, plan: Sequence[str], seed: int, *, separator: str = ",", end: str | None = None
) -> Expected:
    """Write a header and then a line of each kind of the plan; what they hold is drawn.

    Where `end` is None, lines end in LF or CR LF as it comes, and the last one may have no end.
    """
    draw, random = np.random.default_rng(seed), Random(seed)
    table = _good_rows(len(plan), separator, draw)
    texts = list(map(separator.join, zip(*table.columns, strict=True)))
    spoilt: dict[int, tuple[str, str]] = {}
    for index, kind in enumerate(plan):
        if kind in KINDS:
            texts[index], reason = _spoil(kind, [column[index] for column in table.columns], separator, random)
            spoilt[index] = kind, reason
        elif kind in NOISE:
            texts[index] = _noise(kind, separator, random)

    ends = [end] * len(plan) if end else random.choices(["\n", "\r\n"], k=len(plan))
    if end is None and texts and texts[-1]:
        ends[-1] = random.choice(["\n", ""])
    header = random.choice(["", "\ufeff"]) + separator.join(COLUMNS) + (end or "\n")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(header)
        file.writelines(map(str.__add__, texts, ends))

    num_lines = np.fromiter((text.count("\n") + 1 for text in texts), np.int64, len(texts))
    first_line = 2 + np.cumsum(num_lines) - num_lines
    good = np.fromiter((kind == GOOD for kind in plan), np.bool_, len(plan))
    return Expected(
        time=table.time[good],
        values=table.values[good],
        labels=table.labels[good],
        damaged={
            int(first_line[index]): Damaged(kind, reason, texts[index].encode("utf-8", "surrogateescape"))
            for index, (kind, reason) in spoilt.items()
        },
        num_blank=plan.count(BLANK),
        num_headers=plan.count(HEADER),
    )


def _spoil(kind: str, fields: list[str], separator: str, random: Random) -> tuple[str, str]:
    if kind in BROKEN_LINES:
        fields = [field.strip(' "') for field in fields]
        fields[REMARK] = random.choice(_short_remarks(separator))
    text, reason = KINDS[kind](_Row(fields, separator, random))
    return text, "zero bytes" if "\0" in text else reason


def _noise(kind: str, separator: str, random: Random) -> str:
    if kind == HEADER:
        return random.choice(["", "\ufeff"]) + separator.join(COLUMNS)
    return random.choice(
        ["", " ", " \t", separator * 2, separator * (len(COLUMNS) - 1), f" {separator} ", separator * 30]
    )


def _short_remarks(separator: str) -> list[str]:
    return [
        *("", '""', "pump 7", '"pump 7"', '"caf\N{LATIN SMALL LETTER E WITH ACUTE}"', '""""', '"""so"" it says"'),
        *(f'"pump{separator} valve"', f'"{separator} valve"', f'"pump{separator}"', f'"a ""b""{separator} ""c"""'),
    ]


def _long_remarks(separator: str) -> list[str]:
    """Remarks of several lines, some of which would be rows, headers or blank lines if they stood alone."""
    header = separator.join(COLUMNS)
    row = separator.join(["2020-01-01T00:00:00", "1", "2", "x", "0", "3", "4", "5", "6"])
    return [
        '"pump\nvalve"',
        '"pump\r\n\r\n  ""valve"""',
        f'"copy of\n{header}\n{row}\n{row}\nend"',
        f'"(\n{separator * (len(COLUMNS) - 1)}\n)"',
    ]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Good rows, as texts and as what they mean."""

    columns: tuple[list[str], ...]
    """As in the file: (columns, rows)."""
    time: NDArray[np.int64]
    values: NDArray[np.float64]
    labels: NDArray[np.int8]


def _good_rows(num_rows: int, separator: str, draw: np.random.Generator) -> _Table:
    time, times = _times(num_rows, draw)
    remarks = np.array(_short_remarks(separator) * 3 + _long_remarks(separator), object)
    meanings = {"0": 0, "1": 1, "false": 0, "true": 1, " True ": 1, '"1"': 1, "1.0": 1, "127": 127}
    labels = draw.integers(0, len(meanings), num_rows)
    # Writing a float takes a microsecond: those of long logs occur several times.
    values, texts = _numbers(min(len(CHANNELS) * num_rows + 1, MAX_NUMBERS), draw)
    which = draw.integers(0, len(values), (num_rows, len(CHANNELS)))
    columns = {
        "time": times,
        "remark": remarks[draw.integers(0, len(remarks), num_rows)].tolist(),
        "fault": np.array(list(meanings), object)[labels].tolist(),
        **{name: texts[of_channel].tolist() for name, of_channel in zip(CHANNELS, which.T, strict=True)},
    }
    return _Table(
        columns=tuple(columns[name] for name in COLUMNS),
        time=time,
        values=values[which],
        labels=np.array(list(meanings.values()), np.int8)[labels],
    )


def _times(num_rows: int, draw: np.random.Generator) -> tuple[NDArray[np.int64], list[str]]:
    """At a fixed step of seconds, or at any steps of milliseconds."""
    steps = np.full(num_rows, SECOND)
    if draw.random() < 0.5:
        steps = draw.integers(1, 100_000, num_rows) * (SECOND // 1000)
    time = START.astype(np.int64) + np.cumsum(steps)
    stamps = time.astype("datetime64[ns]").astype("datetime64[ms]")
    texts = np.datetime_as_string(stamps).tolist()
    for row in np.flatnonzero(draw.random(num_rows) < 0.05).tolist():
        texts[row] = f'"{texts[row]}"'
    return time, texts


def _numbers(count: int, draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Values of many sizes and texts that mean them, most with just the digits that tell one from all others."""
    values = draw.standard_normal(count) * 10.0 ** draw.integers(-6, 7, count)
    kind = draw.random(count)
    values[kind < 0.01] *= 1e-307
    whole = kind > 0.9
    values[whole] = np.rint(values[whole])
    texts = list(map(repr, values.tolist()))
    for index in np.flatnonzero(draw.random(count) < 0.1).tolist():
        texts[index] = STYLES[draw.integers(len(STYLES))](float(values[index]))
    for index in np.flatnonzero(draw.random(count) < 0.03).tolist():
        texts[index] = MISSING[draw.integers(len(MISSING))]
        values[index] = np.nan
    return values, np.array(texts, object)


MAX_NUMBERS = 2**18
STYLES: tuple[Callable[[float], str], ...] = (
    "{:.17e}".format,
    "{:+.17g}".format,
    "{:.40g}".format,
    "{!r:>25}".format,
    "{!r}  ".format,
    '"{!r}"'.format,
    lambda value: repr(value).upper(),
)
MISSING = ("", "NA", "NaN", "nan", '""', '"NA"', " NA ", " ")
