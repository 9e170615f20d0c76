"""A recipe proposed from a sample of rows: what the columns seem to be, and why.

What is likely is set, with the reason beside it; what may be otherwise is said as a doubt.
"""

import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pipeline.ingest.columns import Columns, listed
from pipeline.ingest.duration import format_duration
from pipeline.ingest.errors import RecipeError, SourceError
from pipeline.ingest.parse import parse
from pipeline.ingest.recipe import EPOCH_UNITS_NS, Recipe
from pipeline.ingest.sniff import MISSING_WORD, Sample, Times, is_time_of_day, read_times, take_sample, to_numbers
from pipeline.ingest.stamps import to_nanoseconds

__all__ = ["Profile", "profile"]

WIDTH = 110
MAX_COLUMNS_SHOWN = 200
MAX_TEXT_SHOWN = 40
MAX_WORDS = 5
"""Different words among numbers that may mean a missing value."""
MAX_SERIES = 10_000
MAX_PAIRED_KEYS = 8
MOST = 0.9
FEW = 0.01
GAP = 1.5
"""Of the median step, as in an ingest."""
FLOAT32_WHOLE = 2**24
FLOAT64_WHOLE = 2**53
"""Up to here, floats hold every whole number."""
FLAGS = {"true", "false", "1", "0", "1.0", "0.0"}
HOUR_NS = 3_600 * 10**9

TIME_NAME = re.compile(r"(date|time|timestamp|datetime|ts|epoch)(local|utc|gmt)?")
INDEX_NAME = re.compile(r"no|nr|n|index|idx|id|row|rowid|rownumber|seq|unnamed0|indexlevel0")
LABEL_NAME = re.compile(r"(is)?(label|anomaly|anomalous|event|fault|failure|attack|outlier)s?")
KEY_NAME = re.compile(r"\w*id|(unit|machine|engine|device|station|node|asset|site)(number|no|nr)?")
SENSOR_NAME = re.compile(r".*(sensor|tag|variable|metric|parameter|channel|measure|quantity|signal|item|kpi).*")
PARTS = {
    "year": (("year", "yyyy", "yr", "yy"), 1900, 2100),
    "month": (("month", "mon", "mo", "mm"), 1, 12),
    "day": (("day", "dd", "dy"), 1, 31),
    "hour": (("hour", "hr", "hh"), 0, 23),
    "minute": (("minute", "min", "mn", "mm"), 0, 59),
    "second": (("second", "sec", "ss"), 0, 59),
}
"""Names of columns that hold a part of the time, and between what their numbers are."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What was seen in a sample, and the recipe that comes of it."""

    num_rows: int
    """Looked at."""
    num_files: int
    num_files_seen: int
    is_whole: bool
    """Whether no row was left out."""
    is_start: bool
    """Whether only the beginning of each file was looked at."""
    columns: dict[str, str]
    """What each column seems to be."""
    seen: tuple[str, ...]
    """About the rows as a whole."""
    doubts: tuple[str, ...]
    """What may be otherwise."""
    settings: dict[str, str | list[str]]
    """As a recipe file holds them, without those that are as by default."""
    why: dict[str, str]
    """Reason of a setting, or of one entry of it, as "exclude=wd"."""

    @property
    def recipe(self) -> Recipe:
        """The proposal."""
        return Recipe.from_settings(dict(self.settings))

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, the settings under "recipe"."""
        return {
            "rows": self.num_rows,
            "files": self.num_files,
            "files_seen": self.num_files_seen,
            "whole": self.is_whole,
            "start": self.is_start,
            "seen": list(self.seen),
            "columns": self.columns,
            "doubts": list(self.doubts),
            "recipe": self.settings,
            "why": self.why,
        }

    def as_toml(self) -> str:
        """A recipe file, with what was seen as comments."""
        files = _count(self.num_files, "file")
        if self.num_files_seen < self.num_files:
            files = f"{self.num_files_seen:,} of {files}"
        where = " (from the beginning)" if self.is_start else " (from the beginning, the middle and the end)"
        width = min(40, max(map(len, self.columns)))
        lines = [
            "# A proposal of `python -m pipeline profile`: look it over, save it, and run",
            "#   python -m pipeline ingest SOURCE... --recipe FILE --out STORE",
            "#",
            *_comment(f"Seen in {self.num_rows:,} rows of {files}{'' if self.is_whole else where}:"),
            *(line for text in self.seen for line in _comment(text, "  ")),
            "#",
        ]
        for name, what in list(self.columns.items())[:MAX_COLUMNS_SHOWN]:
            lines += _comment(f"{name:<{width}}  {what}", "  ")
        if len(self.columns) > MAX_COLUMNS_SHOWN:
            lines += _comment(f"and {len(self.columns) - MAX_COLUMNS_SHOWN:,} more columns", "  ")
        if self.doubts:
            lines += ["#", "# In doubt:", *(line for doubt in self.doubts for line in _comment(doubt, "- "))]
        lines.append("")
        for name, value in self.settings.items():
            lines += [*_comment(self.why.get(name, "")), *self._setting(name, value)]
        return "\n".join(lines) + "\n"

    def _setting(self, name: str, value: str | list[str]) -> Iterator[str]:
        if isinstance(value, str) or not any(f"{name}={entry}" in self.why for entry in value):
            yield f"{name} = {_toml(value)}"
            return
        yield f"{name} = ["
        for entry in value:
            yield f"    {_toml(entry)},  # {_one_line(self.why[f'{name}={entry}'])}"
        yield "]"


def profile(names: Sequence[str], *, rows: int = 10_000) -> Profile:
    """Look at about `rows` rows of logs, named as for `ingest`, and propose a recipe.

    Raises SourceError or RecipeError where a file cannot be read, and where no column holds times or none holds
    numbers.
    """
    sample = take_sample(names, rows)
    if not sample.num_rows:
        raise SourceError(", ".join(names), "there is no row to look at: name files that hold some")
    frame, places = sample.frame(), sample.places()
    time = _find_time(frame, places["block"], sample)
    if sample.dialect.header:
        made_up = _made_up_names(sample.dialect.header, time.columns)
        sample, frame = sample.renamed(made_up), frame.rename(made_up)
        time = time._replace(columns=tuple(made_up[name] for name in time.columns))
    falls = _falls(time.times.nanoseconds, places["block"])
    if falls:
        # Turned round, a log with the newest row first is as any other.
        frame, places = frame.reverse(), places.reverse()
        time = time._replace(times=time.times._replace(nanoseconds=time.times.nanoseconds.reverse()))
    draft = _Draft(sample, frame, places, time)
    for find in FINDERS:
        find(draft)
    if falls:
        draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft.finished()


class _Time(NamedTuple):
    """Columns that may be the time of a row."""

    columns: tuple[str, ...]
    times: Times
    score: float


def _find_time(frame: pl.DataFrame, blocks: pl.Series, sample: Sample) -> _Time:
    """Find the columns that are the time of a row, by their names and by how mostly they are in order."""
    found = [
        *_single_times(frame, blocks, sample.unnamed),
        *_paired_times(frame, blocks),
        *_times_in_parts(frame, blocks, sample.decimal),
    ]
    if not found:
        first = ", ".join(f"{name!r}: {value!r}" for name, value in list(frame.row(0, named=True).items())[:8])
        raise SourceError(
            sample.excerpts[0].source.name,
            f"no column looks like times; the first row is {first}. Expected ISO 8601, dates such as 31/12/2024 "
            "or whole numbers since 1970: for other times, write the recipe by hand",
        )
    return max(found, key=lambda time: time.score)


def _single_times(frame: pl.DataFrame, blocks: pl.Series, unnamed: set[str]) -> Iterator[_Time]:
    for name in frame.columns:
        times = read_times([frame[name]], blocks)
        if times is None:
            continue
        order = _order_score(times, blocks)
        if times.format not in EPOCH_UNITS_NS:
            yield _Time((name,), times, max(_name_score(name), name in unnamed) + order + 2)
        elif _name_score(name) or order >= MOST:  # else a channel whose numbers happen to be as large
            yield _Time((name,), times, _name_score(name) + order)


def _paired_times(frame: pl.DataFrame, blocks: pl.Series) -> Iterator[_Time]:
    """A column of dates and one of times of day, or of hours."""
    plain = [name for name, dtype in frame.schema.items() if dtype == pl.String or dtype.is_integer()]
    dates = plain + [name for name, dtype in frame.schema.items() if dtype == pl.Date]
    clocks = [name for name, dtype in frame.schema.items() if dtype == pl.Time]
    clocks += [name for name in plain if is_time_of_day(frame[name]) or _is_part(name, frame[name], "hour", ".")]
    for clock in clocks:
        for date in dates:
            times = read_times([frame[date], frame[clock]], blocks) if date != clock else None
            if times is not None:
                named = max(_name_score(date), _name_score(clock))
                # A bit more than the date alone.
                yield _Time((date, clock), times, named + _order_score(times, blocks) + 2.5)


def _times_in_parts(frame: pl.DataFrame, blocks: pl.Series, decimal: str) -> Iterator[_Time]:
    names = _parts(frame, decimal)
    if names:
        nanoseconds = to_nanoseconds([frame[name] for name in names], Recipe(time=names)).nanoseconds
        times = Times(None, nanoseconds, has_zone=False)
        yield _Time(names, times, _order_score(times, blocks) + 4)


def _parts(frame: pl.DataFrame, decimal: str) -> tuple[str, ...]:
    """Columns named year, month, day and so on, as far as there are; none if there are less than these three."""
    names: list[str] = []
    for part in PARTS:
        others = (name for name in frame.columns if name not in names)
        name = next((name for name in others if _is_part(name, frame[name], part, decimal)), None)
        if name is None:
            break
        names.append(name)
    return tuple(names) if len(names) >= 3 else ()


def _is_part(name: str, values: pl.Series, part: str, decimal: str) -> bool:
    known, low, high = PARTS[part]
    if _plain(name) not in known or not (values.dtype.is_numeric() or values.dtype == pl.String):
        return False
    numbers = values.cast(pl.Float64) if values.dtype.is_numeric() else to_numbers(values, decimal)
    numbers = numbers.drop_nulls()
    return len(numbers) >= MOST * len(values) and bool((numbers.is_between(low, high) & (numbers % 1 == 0)).all())


def _name_score(name: str) -> int:
    plain = _plain(name)
    return 3 if TIME_NAME.fullmatch(plain) else 2 if re.search("time|date|stamp", plain) else 0


def _order_score(times: Times, blocks: pl.Series) -> float:
    """Share of rows in order; less where the time is always the same."""
    steps = _steps(times.nanoseconds, blocks)
    if steps.is_empty():
        return 1.0
    if (steps == 0).all():
        return -2.0
    return max(int((steps >= 0).sum()), int((steps <= 0).sum())) / len(steps)


def _falls(nanoseconds: pl.Series, blocks: pl.Series) -> bool:
    steps = _steps(nanoseconds, blocks)
    return int((steps < 0).sum()) > 5 * int((steps > 0).sum())


def _steps(values: pl.Series, *keys: pl.Series) -> pl.Series:
    """From each value to the next with the same keys, where both are there."""
    rows = pl.DataFrame([values.alias("value"), *(key.alias(f"key {number}") for number, key in enumerate(keys))])
    rows = rows.drop_nulls("value")
    return rows.select(pl.col("value").diff().over(rows.columns[1:])).to_series().drop_nulls()


def _made_up_names(header: Sequence[str], time: Sequence[str]) -> dict[str, str]:
    """Names for the columns of a file without a header: time, a1, a2 and so on."""
    names = dict(zip(time, ("time",) if len(time) == 1 else ("date", "time"), strict=True))
    rest = [name for name in header if name not in names]
    return names | {name: f"a{number}" for number, name in enumerate(rest, 1)}


class _Column:
    """One column of the sample, (rows,)."""

    def __init__(self, values: pl.Series, decimal: str) -> None:
        self.name = values.name
        self.dtype = values.dtype
        nothing = pl.Series(values.name, [None] * len(values), pl.String)
        is_flat = not (values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Duration))
        self.texts = values.cast(pl.String).str.strip_chars().replace("", None) if is_flat else nothing
        """Null where missing."""
        is_text = values.dtype == pl.String
        numbers = to_numbers(self.texts if is_text else nothing, decimal)
        if values.dtype.is_numeric():
            numbers = values.cast(pl.Float64)
        self.numbers = numbers.fill_nan(None)
        """Null where missing or none."""
        unread = self.texts.filter(numbers.is_null()).drop_nulls() if is_text else nothing.clear()
        self.words = dict(Counter(unread.to_list()).most_common())
        """Texts that are no numbers, and how often each is there."""

    @cached_property
    def values(self) -> pl.Series:
        """Different texts, as they first come up."""
        return self.texts.drop_nulls().unique(maintain_order=True)

    @cached_property
    def odd_words(self) -> dict[str, int]:
        """Words that do not say that a value is missing."""
        return {word: count for word, count in self.words.items() if not MISSING_WORD.fullmatch(word)}

    @cached_property
    def is_number(self) -> bool:
        """Whether all but a few are numbers, or all but a few different words."""
        if self.dtype.is_numeric():
            return True
        num_numbers, num_odd = self.numbers.count(), sum(self.odd_words.values())
        if num_odd <= FEW * num_numbers:
            return num_numbers > 0
        are_few = len(self.odd_words) <= MAX_WORDS and num_odd < num_numbers
        return are_few and self.numbers.n_unique() > 2 * MAX_WORDS

    @cached_property
    def is_whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.numbers.drop_nulls() % 1 == 0).all())

    @cached_property
    def is_flag(self) -> bool:
        """Whether it says true or false, or 1 or 0."""
        return 0 < len(self.values) <= len(FLAGS) and set(self.values.str.to_lowercase()) <= FLAGS

    def shown(self) -> str:
        """What it holds."""
        num_missing = len(self.texts) - (self.numbers.count() if self.is_number else self.texts.count())
        missing = f", {_share(num_missing, len(self.texts))} missing" if num_missing else ""
        if self.is_number and self.numbers.count():
            return f"{_number(self.numbers.min())} to {_number(self.numbers.max())}{missing}"
        return f"{self.examples()}{missing}"

    def examples(self) -> str:
        """The first values."""
        if self.values.is_empty():
            return "nothing" if self.dtype in (pl.String, pl.Null) else f"values of type {self.dtype}"
        shown = ", ".join(_quoted(value) for value in self.values.head(3))
        more = len(self.values) - 3
        return f"{shown} and {more:,} more" if more > 0 else shown


class _Draft:
    """The sample, and the proposal as it grows."""

    def __init__(self, sample: Sample, frame: pl.DataFrame, places: pl.DataFrame, time: _Time) -> None:
        self.sample = sample
        self.frame = frame
        self.time = time
        self.columns = {values.name: _Column(values, sample.decimal) for values in frame.get_columns()}
        self.rows = places.with_columns(time.times.nanoseconds.alias("time"))
        """Block, file, group and time; series and pivot when they are known; (rows,) each."""
        self.settings: dict[str, str | list[str]] = {}
        self.why: dict[str, str] = {}
        self.uses: dict[str, str] = dict.fromkeys(time.columns, "time")
        """What columns are, of those for which it is known."""
        self.seen: list[str] = []
        self.doubts: list[str] = []

    @property
    def keys(self) -> list[str]:
        """Columns of `rows` that say whose a row is."""
        return [name for name in ("series", "pivot") if name in self.rows.columns]

    @property
    def free(self) -> list[_Column]:
        """Columns without a use so far. Those without a name are none: nothing is stored of them."""
        taken = self.uses.keys() | self.sample.unnamed
        return [column for name, column in self.columns.items() if name not in taken]

    @property
    def channels(self) -> list[_Column]:
        """Those of numbers."""
        return [column for column in self.free if column.is_number]

    def put(self, setting: str, value: str | Sequence[str], why: str | None = None) -> None:
        """Set a setting."""
        self.settings[setting] = value if isinstance(value, str) else list(value)
        if why:
            self.why[setting] = why

    def add(self, setting: str, entry: str, why: str) -> None:
        """Add to a list."""
        entries = self.settings.setdefault(setting, [])
        assert isinstance(entries, list)
        entries.append(entry)
        self.why[f"{setting}={entry}"] = why

    def use(self, setting: str, column: _Column, why: str) -> None:
        """Say whose a row is by a column."""
        self.uses[column.name] = setting
        self.rows = self.rows.with_columns(column.texts.alias(setting))
        self.put(setting, column.name, why)

    def exclude(self, column: _Column, why: str) -> None:
        """Leave a column out."""
        self.uses[column.name] = f"left out: {why}"
        if column.name not in self.sample.unnamed:
            self.add("exclude", column.name, why)

    def steps(self, values: pl.Series, *keys: str) -> pl.Series:
        """From each value to the next of its block and keys, where both are there."""
        return _steps(values, self.rows["block"], *(self.rows[key] for key in keys))

    def finished(self) -> Profile:
        """The proposal: its settings in the order of `Recipe`, what is left out in that of the files."""
        sample = self.sample
        position = {name: index for index, name in enumerate(self.columns)}
        if isinstance(excluded := self.settings.get("exclude"), list):
            excluded.sort(key=position.__getitem__)
        names = [field.name.replace("_", "-") for field in fields(Recipe)]
        columns = {name: self.uses.get(name) or column.shown() for name, column in self.columns.items()}
        for name in sample.unnamed - self.uses.keys():
            columns[name] = f"left out: without a name; {columns[name]}"
        return Profile(
            num_rows=sample.num_rows,
            num_files=sample.num_files,
            num_files_seen=sample.num_files_seen,
            is_whole=sample.is_whole,
            is_start=len(sample.excerpts) == sample.num_files_seen,
            columns=columns,
            seen=tuple(self.seen),
            doubts=tuple(self.doubts),
            settings={name: self.settings[name] for name in names if name in self.settings},
            why=self.why,
        )


def _say_dialect(draft: _Draft) -> None:
    dialect = draft.sample.dialect
    if dialect.separator not in (None, ","):
        draft.put("separator", "tab" if dialect.separator == "\t" else str(dialect.separator))
    if dialect.decimal == ",":
        draft.put("decimal", ",")
    if dialect.encoding not in (None, "utf-8"):
        draft.put("encoding", str(dialect.encoding), "there are bytes that are not UTF-8")
    if dialect.header:
        draft.put("header", dialect.header, "the first line holds values as those below do: the names are made up")
    draft.doubts += dialect.doubts


def _say_time(draft: _Draft) -> None:
    names, (format_, nanoseconds, has_zone, doubt) = draft.time.columns, draft.time.times
    draft.put("time", names[0] if len(names) == 1 else names)
    if format_ is not None:
        draft.put("time-format", format_)
    if doubt:
        draft.doubts.append(f"time-format: {doubt}")
    if not has_zone:
        draft.doubts.append(
            'times carry no zone and are read as UTC: if they are local, say timezone = "Europe/Berlin"'
        )
    draft.seen.append(f"times from {_moment(nanoseconds.min())} to {_moment(nanoseconds.max())}")


def _leave_out_other_times(draft: _Draft) -> None:
    parts = _parts(draft.frame, draft.sample.decimal)
    for column in draft.free:
        is_named = re.search("time|date|stamp", _plain(column.name)) is not None
        if column.name in parts:
            draft.exclude(column, "a part of the time")
        elif column.dtype.is_temporal():
            draft.exclude(column, "another time")
        elif is_named or not column.is_number:
            times = read_times([draft.frame[column.name]], draft.rows["block"])
            if times is not None or is_time_of_day(column.texts):
                draft.exclude(column, f"another time: {column.examples()}")


def _leave_out_index(draft: _Draft) -> None:
    """Find numbers that count rows."""
    unnamed = [draft.columns[name] for name in sorted(draft.sample.unnamed - draft.uses.keys())]
    for column in [*draft.channels, *unnamed]:
        steps = draft.steps(column.numbers)
        share = MOST if column in unnamed or INDEX_NAME.fullmatch(_plain(column.name)) else 1.0
        is_needed = column not in unnamed and len(draft.channels) == 1
        if len(steps) and int((steps == 1).sum()) >= share * len(steps) and not is_needed:
            draft.exclude(column, "counts rows")


def _find_labels(draft: _Draft) -> None:
    for column in draft.free:
        if not LABEL_NAME.fullmatch(_plain(column.name)):
            continue
        if column.is_flag and not column.texts.null_count():
            num_set = int(column.texts.str.to_lowercase().is_in(["true", "1", "1.0"]).sum())
            share = _share(num_set, len(column.texts)) if num_set else "none"
            draft.uses[column.name] = f"labels, {share} of them set"
            draft.add("labels", column.name, f"{share} of them set")
        elif column.is_flag:
            draft.doubts.append(f"{column.name!r} looks like labels, but is missing in some rows")
        elif not column.is_number:
            draft.doubts.append(
                f"{column.name!r} looks like labels in words: sql can turn them into true and false"
            )


def _find_keys(draft: _Draft) -> None:
    """Find the columns that say whose a row is: they put the times of each in order."""
    candidates = [column for column in draft.free if _is_key(column)]
    by_file = [column for column in candidates if _is_of_files(draft, column)]
    if by_file:
        draft.use("series", by_file[0], "each file holds one value of it")
        return
    rows = draft.rows.drop_nulls("time")
    plain = _disorder(rows, [])
    if plain > FEW:
        share = _share(round(plain * len(rows)), len(rows))
        _find_keys_by_order(draft, candidates, plain, f"{share} of rows repeat a time or go back in time")
        return
    turns = [column for column in candidates if not column.is_number and _takes_turns(draft, column)]
    if turns:
        draft.use("series", turns[0], f"its {len(turns[0].values):,} values take turns")


def _find_keys_by_order(draft: _Draft, candidates: list[_Column], plain: float, found: str) -> None:
    rows = draft.rows.with_columns(column.texts.alias(f"key {column.name}") for column in candidates)
    rows = rows.drop_nulls("time")
    # Of those that are as good, the one with the fewest values: a remark may be different in each row.
    candidates = sorted(candidates, key=lambda column: len(column.values))

    def cures(*columns: _Column) -> bool:
        return _disorder(rows, [f"key {column.name}" for column in columns]) <= plain / 10

    single = next((column for column in candidates if cures(column)), None)
    if single is not None:
        num_channels = sum(column.numbers.n_unique() > 1 for column in draft.channels if column is not single)
        is_long = num_channels == 1 and _completeness(rows, ["time"], f"key {single.name}") >= 0.5
        why = f"{found}, but not those of each of its {len(single.values):,} values"
        if is_long:
            draft.doubts.append(f"pivot: if each {single.name!r} is a thing of its own, call it series instead")
            why = f"{why}; there is one number, and most are there at each time"
        draft.use("pivot" if is_long else "series", single, why)
        return
    pair = next((two for two in combinations(candidates[:MAX_PAIRED_KEYS], 2) if cures(*two)), None)
    if pair is None:
        return

    def likeness(sensor: _Column, series: _Column) -> tuple[bool, float]:
        is_named = SENSOR_NAME.fullmatch(_plain(sensor.name)) is not None
        return is_named, _completeness(rows, ["time", f"key {series.name}"], f"key {sensor.name}")

    sensor, series = max((pair, pair[::-1]), key=lambda two: likeness(*two))
    draft.use("series", series, f"{found}, but not those of each {series.name!r} and {sensor.name!r}")
    draft.use("pivot", sensor, "")
    draft.doubts.append(f"series and pivot: it may be the other way round, {sensor.name!r} the series")


def _is_key(column: _Column) -> bool:
    if column.texts.null_count() or not 2 <= len(column.values) <= min(MAX_SERIES, len(column.texts) // 2):
        return False
    return not column.is_number or (column.is_whole and KEY_NAME.fullmatch(_plain(column.name)) is not None)


def _is_of_files(draft: _Draft, column: _Column) -> bool:
    """Whether each file holds one text, and not all the same."""
    values = pl.DataFrame({"file": draft.rows["file"], "value": column.texts})
    counts = values.group_by("file").agg(pl.col("value").n_unique())
    return not column.is_number and len(counts) > 1 and bool((counts["value"] == 1).all())


def _takes_turns(draft: _Draft, column: _Column) -> bool:
    """Whether each value comes again when all others have been, after about the same time."""
    size = len(column.values)
    rounds = _steps(pl.Series(range(len(column.texts))), draft.rows["block"], column.texts)
    steps = _steps(draft.rows["time"], draft.rows["block"], column.texts)
    return len(rounds) >= size and _is_about(rounds, size, MOST) and _is_about(steps, steps.median(), 0.5)


def _is_about(values: pl.Series, usual: Any, share: float) -> bool:
    """Whether enough of the values are near the usual one."""
    return int(values.is_between(0.8 * usual, 1.2 * usual).sum()) >= share * len(values)


def _disorder(rows: pl.DataFrame, keys: list[str]) -> float:
    """Share of rows that repeat a time of theirs, or go back in time."""
    back = pl.col("time").diff().over(["block", *keys]) < 0
    again = ~pl.struct("group", "time", *keys).is_first_distinct()
    return float(rows.select((back.fill_null(False) | again).mean()).item())


def _completeness(rows: pl.DataFrame, times: list[str], key: str) -> float:
    """How many of the values of a key there are at a time, as a share."""
    at_each = rows.group_by(times).agg(pl.col(key).n_unique())[key]
    return int(at_each.sum()) / len(at_each) / rows[key].n_unique()


def _leave_out_texts(draft: _Draft) -> None:
    for column in draft.free:
        if column.is_number:
            continue
        if column.values.is_empty():
            draft.exclude(column, f"holds {column.examples()}")
        elif len(column.values) == 1:
            draft.exclude(column, f"always {_quoted(column.values[0])}")
        else:
            draft.exclude(column, f"texts: {column.examples()}")
    if not draft.channels:
        raise SourceError(
            draft.sample.excerpts[0].source.name,
            f"no column of numbers is left beside the time {listed(draft.time.columns)}; the columns are "
            f"{listed(list(draft.columns))}: is this the right file, and what separates its fields?",
        )


def _leave_out_constants(draft: _Draft) -> None:
    channels = draft.channels
    same = [column for column in channels if column.numbers.n_unique() == 1]
    if len(same) == len(channels):
        draft.doubts.append("no channel changes in the sample: all are kept")
        return
    for column in same:
        draft.exclude(column, f"always {_number(column.numbers[0])} in the sample")
    if same:
        draft.doubts.append("exclude: what never changes in the sample, an alarm say, may change elsewhere")


def _find_null_words(draft: _Draft) -> None:
    found: dict[str, list[_Column]] = {}
    for column in draft.channels:
        odd = column.odd_words
        for word, count in column.words.items():
            # What is there once is a slip.
            if word not in odd or (len(odd) <= MAX_WORDS and count > 1):
                found.setdefault(word, []).append(column)
    for word, columns in found.items():
        is_known = MISSING_WORD.fullmatch(word) is not None
        count = sum(column.words[word] for column in columns)
        where = repr(columns[0].name) if len(columns) == 1 else f"{len(columns):,} columns"
        why = f"{_count(count, 'time')} in {where}{'' if is_known else ': a missing value?'}"
        draft.add("null", word if is_known or len(columns) > 1 else f"{columns[0].name}={word}", why)


def _find_sentinels(draft: _Draft) -> None:
    """Find numbers that mean a missing value: far from all others, and there again and again."""
    found: dict[float, list[_Column]] = {}
    for column in draft.channels:
        for value in _sentinels(draft, column):
            found.setdefault(value, []).append(column)
    for value, columns in found.items():
        number = _number(value, digits=17)
        counts = {column.name: int((column.numbers == value).sum()) for column in columns}
        is_elsewhere = any((column.numbers == value).any() for column in draft.channels if column not in columns)
        if len(columns) > 1 and not is_elsewhere:
            count = sum(counts.values())
            draft.add("null", number, f"{count:,} times in {len(columns):,} columns, far from all other values")
        else:
            for name, count in counts.items():
                draft.add("null", f"{name}={number}", f"{count:,} times, far from all other values")
        for column in columns:
            column.numbers = column.numbers.set(column.numbers == value, None)


def _sentinels(draft: _Draft, column: _Column) -> Iterator[float]:
    numbers = column.numbers.drop_nulls()
    for value in (numbers.min(), numbers.max()):
        assert isinstance(value, float)
        rest = numbers.filter(numbers != value)
        count = len(numbers) - len(rest)
        if count < 3 or rest.n_unique() < 3:
            continue
        low, high = float(rest.min()), float(rest.max())  # type: ignore[arg-type]
        distance = max(low - value, value - high)
        if _is_made_up(value):
            if distance >= (high - low) * (0.1 if value < 0 <= low else 0.5):
                yield value
        elif distance >= 2 * (high - low) and count >= max(5, FEW * len(numbers)) and rest.n_unique() >= 10:
            entry = _toml(f"{column.name}={_number(value, digits=17)}")
            draft.doubts.append(
                f"{column.name!r} is {_number(value)} in {count:,} rows, in all others {_number(low)} to "
                f"{_number(high)}: if that means missing, null = [{entry}]"
            )


def _is_made_up(value: float) -> bool:
    """Whether people or registers write such a number where there is none."""
    size = abs(value)
    powers = [2.0**bits - less for bits in (15, 16, 31, 32) for less in (0, 1)]
    is_round = value <= -100 and value % 100 == 0
    return is_round or size in powers or size >= 1e30 or re.fullmatch(r"99+\.[09]+", f"{size}") is not None


def _see_steps(draft: _Draft) -> None:
    over = [key for key in draft.keys if key == "series"]
    steps = draft.steps(draft.rows["time"], *over)
    num_back = int((steps < 0).sum())
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        return
    usual = int(steps.median())  # type: ignore[arg-type]
    differ = int((steps != usual).sum())
    gaps = steps.filter(steps > GAP * usual)
    whose = " of a series" if over else ""
    others = f"{_share(differ, len(steps))} of steps are others" if differ else "all steps are the same"
    draft.seen.append(f"the median step{whose} is {format_duration(usual)}, {others}")
    if len(gaps):
        longest = format_duration(int(gaps.max()))  # type: ignore[arg-type]
        draft.seen.append(f"{_count(len(gaps), 'gap')} of over {GAP} times that, the longest {longest}")
    if num_back:
        draft.seen.append(f"times go back in {_count(num_back, 'place')}")
    if len(gaps) > 0.05 * len(steps):
        share = _share(len(gaps), len(steps))
        draft.doubts.append(
            f"{share} of steps are gaps and start a new segment: see max-gap, or the grid of every"
        )
    _see_clock_changes(draft, usual)


def _see_clock_changes(draft: _Draft, usual: int) -> None:
    """Mention an hour that comes twice or never in the night to a Sunday, as where clocks are changed."""
    if draft.time.times.has_zone:
        return
    over = [key for key in draft.keys if key == "series"]
    local = pl.from_epoch("time", time_unit="ns")
    rows = draft.rows.drop_nulls("time").with_columns(step=pl.col("time").diff().over(["block", *over]))
    rows = rows.filter(
        (local.dt.weekday() == 7) & (local.dt.hour() <= 3) & local.dt.month().is_in([3, 4, 9, 10, 11])
    )
    twice = rows.filter(pl.col("step").is_between(-HOUR_NS, min(0, usual - HOUR_NS)))
    never = rows.filter(pl.col("step") == usual + HOUR_NS)
    for found, what in ((twice, "times go back an hour"), (never, "an hour is missing")):
        if len(found):
            moment = _moment(found["time"][0])
            draft.doubts.append(f"{what} at {moment}, as where clocks are changed: are times local? See timezone")


def _find_duplicates(draft: _Draft) -> None:
    """Find rows of a time and series that were before."""
    values = pl.DataFrame([column.numbers for column in draft.channels]).hash_rows()
    whose = ["group", "time", *draft.keys]
    rows = draft.rows.with_columns(values=values).drop_nulls("time")
    first = (pl.col(name).first().over(whose).alias(f"first {name}") for name in ("file", "values"))
    again = rows.with_columns(first).filter(~pl.struct(whose).is_first_distinct())
    differs = again["values"] != again["first values"]
    elsewhere = again["file"] != again["first file"]
    num_odd = int((draft.steps(draft.rows["time"]) < 0).sum()) + int(differs.sum())
    if not draft.keys and num_odd > FEW * len(rows):
        share = _share(num_odd, len(rows))
        draft.doubts.append(f"{share} of rows go back in time or repeat one, and no column tells whose they are")
    if int((elsewhere & differs).sum()) > int((elsewhere & ~differs).sum()):
        draft.doubts.append(
            f"{_count(int(elsewhere.sum()), 'row')} of a time of another file, most with other values, and no "
            "column says what a file is of: ingest the files apart, or add such a column"
        )
    elif len(again):
        num_others = int(differs.sum())
        how = f"{num_others:,} with other values (see last and mean)" if num_others else "with the same values"
        draft.put("duplicates", "first", f"{_count(len(again), 'row')} of a time that was before, {how}")


def _find_counters(draft: _Draft) -> None:
    """Find whole numbers that float32 would round, which an ingest refuses: counts, or to be kept as float64."""
    counters: list[_Column] = []
    rounded: list[str] = []
    for column in draft.channels:
        most = float(column.numbers.abs().max() or 0)  # type: ignore[arg-type]
        if not column.is_whole or most <= FLOAT32_WHOLE:
            continue
        if most > FLOAT64_WHOLE and len(draft.channels) > 1:
            draft.exclude(column, f"whole numbers up to {_number(most)}, which would be rounded: codes?")
            continue
        steps = draft.steps(column.numbers, *draft.keys)
        falls, rises = int((steps < 0).sum()), int((steps > 0).sum())
        if falls <= FEW * len(steps) and rises >= max(1, FEW * len(steps)) and "pivot" not in draft.settings:
            counters.append(column)
            draft.uses[column.name] = f"a count, {column.shown()}"
        elif (column.numbers.cast(pl.Float32).cast(pl.Float64) != column.numbers).any():
            rounded.append(column.name)
    if counters:
        why = f"whole numbers that only rise, beyond {FLOAT32_WHOLE:,}: their increase a second is stored"
        draft.put("rate", [column.name for column in counters], why)
        if max(float(column.numbers.max()) for column in counters) >= 2**32:  # type: ignore[arg-type]
            draft.put("counter-bits", "64", "some exceed 32 bits")
    if rounded:
        draft.put("dtype", "float64", f"float32 would round the whole numbers of {listed(rounded)}")


def _try_recipe(draft: _Draft) -> None:
    """Read the sample as an ingest would."""
    recipe = Recipe.from_settings(dict(draft.settings))
    reasons: Counter[str] = Counter()
    details: dict[str, str] = {}
    num_rows = 0
    for source, names, raw in draft.sample.excerpts:
        num_rows += raw.num_rows
        try:
            unnamed = [name for name in names if name in draft.sample.unnamed]
            columns = Columns.resolve(source.name, names, unnamed, recipe)
            rejects = parse(source.name, raw, columns, recipe).rejects
        except (SourceError, RecipeError) as error:
            draft.doubts.append(str(error))
            continue
        reasons.update(reject.reason for reject in rejects)
        for reject in rejects:
            details.setdefault(reject.reason, reject.detail)
    for reason, count in reasons.most_common():
        draft.doubts.append(f"{_count(count, 'row')} of the sample cannot be read: {reason}, as {details[reason]}")
    total = sum(reasons.values())
    if total > recipe.max_rejected(num_rows):
        draft.doubts.append(f"{_share(total, num_rows)} of rows rejected stop an ingest: max-rejects allows more")


FINDERS = (
    _say_dialect,
    _say_time,
    _leave_out_other_times,
    _leave_out_index,
    _find_labels,
    _find_keys,
    _leave_out_texts,
    _leave_out_constants,
    _find_null_words,
    _find_sentinels,
    _see_steps,
    _find_duplicates,
    _find_counters,
    _try_recipe,
)
"""In order: each looks at the columns that those before it have left."""


def _plain(name: str) -> str:
    """A name without what is written differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return f"{percent:.1f}%" if percent >= 0.05 else "under 0.1%"


def _number(value: object, digits: int = 6) -> str:
    assert isinstance(value, float)
    return f"{int(value)}" if value % 1 == 0 and abs(value) < 10**digits else f"{value:.{digits}g}"


def _moment(nanoseconds: object) -> str:
    assert isinstance(nanoseconds, int)
    return str(np.datetime64(nanoseconds, "ns").astype("datetime64[s]")).replace("T", " ")


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]!r}..."


def _toml(value: str | Sequence[str]) -> str:
    if not isinstance(value, str):
        return f"[{', '.join(map(_toml, value))}]"
    # A string of JSON is one of TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str, indent: str = "") -> list[str]:
    """Lines of a comment, of what TOML allows in one."""
    wrapped = textwrap.wrap(_one_line(text), WIDTH, subsequent_indent=" " * len(indent), break_long_words=False)
    return [f"# {'' if index else indent}{line}" for index, line in enumerate(wrapped)]


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
