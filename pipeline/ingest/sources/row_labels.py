"""A second file, of labels: a row for each row of a log, in its order or by its time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import MAX_LABEL, Columns, is_number, listed
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.detect import open_as_it_is
from longstride.pipeline.ingest.sources.files import checksum, open_text
from longstride.pipeline.ingest.sources.intervals import ONLY_NAME, is_of_intervals
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.storage.location import local_path
from longstride.storage.text import iso_time

__all__ = ["PLACES", "LabelFile", "LabelsOfRows", "crc_of", "find_label_files", "number_rows"]

PLACES = "{name}", "{folder}"
HEAD_BYTES = 2**12
PIECE_BYTES = 2**20
MAX_LABELS = 1000
NO_NAME = re.compile(r"|unnamed.*|column_\d+|index|row|id", re.IGNORECASE)
"""Names of columns that count rows."""


@dataclass(frozen=True)
class LabelFile:
    """The labels of the rows of one log."""

    source: Source
    """The file of labels."""
    recipe: Recipe
    """How it is read."""
    names: tuple[str, ...]
    """Each is a label."""
    has_times: bool
    """Whether its rows have times; else they are those of the log, in their order."""
    crc: str

    def write(self, path: Path) -> int:
        """Write labels, (rows, names) int8, and times beside them where there are some; give the number of rows.

        Raises SourceError for a row that is not one of labels, or whose time is not after the one before.
        """
        num_rows, last = 0, None
        with path.open("wb") as labels, _times_of(path).open("wb") as times:
            for frame, lines in self._pieces():
                columns = [self._label(frame[name], lines) for name in self.names]
                labels.write(np.column_stack(columns).astype(np.int8).tobytes())
                if self.has_times:
                    found = self._time(frame, lines)
                    ordered = found if last is None else np.concatenate([[last], found])
                    if len(wrong := np.flatnonzero(np.diff(ordered) <= 0)):
                        row = int(wrong[0]) + (last is None)
                        raise self._wrong("its times do not rise from row to row: sort it", int(lines[row]))
                    last = found[-1] if len(found) else last
                    times.write(found.tobytes())
                num_rows += len(lines)
        return num_rows

    def _pieces(self) -> Iterator[tuple[pl.DataFrame, NDArray[np.int64]]]:
        columns = Columns(
            time=self.recipe.time_columns if self.has_times else (),
            series=None,
            pivot=None,
            labels=self.names,
            channels=(),
            unused=(),
        )
        for section in self.source.sections(PIECE_BYTES):
            for read in self.source.pieces(section, columns, self.recipe, PIECE_BYTES):
                raw = read()
                if raw.rejects:
                    raise self._wrong(raw.rejects[0].detail, raw.rejects[0].line)
                yield raw.frame, raw.lines

    def _label(self, column: pl.Series, lines: NDArray[np.int64]) -> NDArray[np.float64]:
        texts = column.cast(pl.String).str.strip_chars()
        states = self.recipe.spelling_of(column.name).states
        codes = {word.lower(): str(code) for code, word in enumerate(states)} or {"true": "1", "false": "0"}
        numbers = texts.str.to_lowercase().replace(codes).cast(pl.Float64, strict=False)
        good = (numbers.is_between(0, MAX_LABEL) & (numbers == numbers.floor())).fill_null(False)
        if not good.all():
            row = int((~good).arg_max() or 0)
            raise self._wrong(
                f"label {column.name!r} is {texts[row]!r}: expected true, false or a whole number from 0 to "
                f"{MAX_LABEL}; name texts that are labels by states, as {column.name}=Normal,Attack",
                int(lines[row]),
            )
        return numbers.to_numpy()

    def _time(self, frame: pl.DataFrame, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        found = to_nanoseconds([frame[name] for name in self.recipe.time_columns], self.recipe).nanoseconds
        if found.null_count():
            row = int(found.is_null().arg_max() or 0)
            raise self._wrong("its time cannot be read as the recipe reads those of rows", int(lines[row]))
        return found.to_numpy()

    def _wrong(self, what: str, line: int) -> SourceError:
        return SourceError(self.source.name, what, place=f"{self.source.line} {line}", code="labels-format")


class LabelsOfRows(NamedTuple):
    """Labels of the rows of one log, as a task finds them."""

    name: str
    """The file that they are from."""
    path: Path
    """Labels as `LabelFile.write` has written them."""
    num_names: int
    num_rows: int
    has_times: bool
    starts: Mapping[tuple[int, int], int] | None
    """Number of the first row of each section and piece; None where the log numbers its rows itself."""

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Labels (rows, names) of rows by their number in the log, from 0."""
        return np.array(self._labels()[rows])

    def at_times(self, time: NDArray[np.int64], lines: NDArray[np.int64], source: Source) -> NDArray[np.int8]:
        """Labels (rows, names) of rows with these times. Raises SourceError for a row that has none."""
        known = _mapped(_times_of(self.path), np.int64, (self.num_rows,))
        place = np.searchsorted(known, time).clip(max=max(0, self.num_rows - 1))
        absent = known[place] != time if self.num_rows else np.ones(len(time), bool)
        if absent.any():
            row = int(np.flatnonzero(absent)[0])
            raise SourceError(
                source.name,
                f"its row at {iso_time(int(time[row]))} has no label: {self.name} has no row of this time",
                place=f"{source.line} {lines[row]}",
                code="labels-format",
            )
        return np.array(self._labels()[place])

    def _labels(self) -> NDArray[Any]:
        return _mapped(self.path, np.int8, (self.num_rows, self.num_names))


def _mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """A file as an array; an empty one cannot be mapped."""
    return np.memmap(path, dtype, "r", shape=shape) if shape[0] else np.empty(shape, dtype)


def find_label_files(
    sources: Sequence[Source], recipe: Recipe, known: Sequence[str] | None = None
) -> tuple[LabelFile | None, ...]:
    """The file of labels of each log; nothing where a recipe names none, or one of intervals.

    `known` are the labels of an existing store. None is the file of a log that has none, where the recipe says
    that its labels are then 0. Raises SourceError or RecipeError.
    """
    if recipe.label_file is None or not sources:
        return ()
    if recipe.melt is not None and not is_of_intervals(recipe.label_file):
        raise RecipeError(
            "label-file has a row for each row of a log, and melt makes other rows: give intervals (start, end)",
            code="recipe-conflict",
        )
    is_pattern = any(place in recipe.label_file for place in PLACES)
    if not is_pattern and is_of_intervals(recipe.label_file):
        return ()
    names = [_placed(recipe.label_file, source) for source in sources] if is_pattern else [recipe.label_file]
    may_lack = is_pattern and recipe.absent_labels == "zero"
    files = [None if may_lack and not local_path(name).exists() else _opened(name, recipe) for name in names]
    found = [file for file in files if file is not None]
    if not found and known is None:
        raise SourceError(
            names[0],
            f"no log has a file of labels: {recipe.label_file} names none that is there",
            code="source-missing",
        )
    if is_pattern:
        _refuse_shared(found, names, sources)
    else:
        if not found[0].has_times and (len(sources) > 1 or known is not None):
            raise RecipeError(
                f"label-file {recipe.label_file} has a row for each row of one log, and there are several: give "
                "each a file of labels of its own, found by its name, as with --label-file "
                " '{folder}/{name}_label.csv'",
                code="recipe-conflict",
            )
        files *= len(sources)
    expected = tuple(known) if known is not None else found[0].names
    _refuse_changed(found, recipe, is_append=is_pattern and known is not None)
    for file in found:
        if set(file.names) != set(expected):
            raise SourceError(
                file.source.name,
                f"its labels are {listed(file.names)}, and those of the others {listed(expected)}",
                code="channels-changed",
            )
    return tuple(None if file is None else replace(file, names=expected) for file in files)


def _refuse_shared(files: Sequence[LabelFile], names: Sequence[str], sources: Sequence[Source]) -> None:
    """Raise RecipeError where two logs would have one file of labels in the order of their rows."""
    first: dict[Path, str] = {}
    ordered = {file.source.name for file in files if not file.has_times}
    for name, source in zip(names, sources, strict=True):
        other = first.setdefault(local_path(name).resolve(), source.name)
        if name in ordered and other != source.name:
            raise RecipeError(
                f"label-file gives {source.name} the labels of {other}: both would have {name}, a row for each "
                "row. Name a path that differs, as with {folder}, and --absent-labels zero where some logs have "
                "no file of labels",
                code="recipe-conflict",
            )


def crc_of(files: Sequence[LabelFile | None]) -> str:
    """What changes when one of the files does, and how many they are."""
    each = dict.fromkeys((file.source.name, file.crc) for file in files if file is not None)
    return f"{google_crc32c.value(repr([crc for _, crc in each]).encode()):08x}*{len(each)}"


def _refuse_changed(files: Sequence[LabelFile], recipe: Recipe, *, is_append: bool) -> None:
    """Raise SourceError where the files are not those of the store. Of other logs, they are others."""
    known, found = recipe.label_file_crc, crc_of(files)
    if not files or known in (None, found) or is_append or str(known).partition("*")[2] != found.partition("*")[2]:
        return
    raise SourceError(
        files[0].source.name,
        "labels have changed since the store was made: --rebuild --accept-changed labels all rows by what they "
        "are now, --append --accept-changed the new ones",
        code="labels-changed",
    )


def number_rows(
    source: Source, columns: Columns, recipe: Recipe, piece_bytes: int
) -> tuple[Mapping[tuple[int, int], int] | None, int]:
    """Number of the first row of each section and piece of a log, and of all its rows; it is read for that."""
    if source.num_rows is not None:
        return None, source.num_rows
    starts: dict[tuple[int, int], int] = {}
    num_rows = 0
    few = replace(columns, labels=(), absent_labels=(), channels=columns.channels[:1], unused=(), lacking={})
    for section in source.sections(piece_bytes):
        for piece, read in enumerate(source.pieces(section, few, replace(recipe, sql=None), piece_bytes)):
            starts[section.number, piece] = num_rows
            num_rows += read().num_rows
    return starts, num_rows


def _placed(pattern: str, source: Source) -> str:
    path = PurePath(source.path)
    return pattern.replace("{name}", path.name.partition(".")[0]).replace("{folder}", str(path.parent))


def _opened(file: str, recipe: Recipe) -> LabelFile:
    try:
        with open_text(file) as (stream, _):
            head = stream.read(HEAD_BYTES).partition(b"\n")[0].decode("utf-8-sig", "replace")
    except OSError as error:
        raise SourceError(file, f"it cannot be read ({error.strerror})", code="source-missing") from None
    if not head.strip():
        raise SourceError(
            file, "its first line is empty: expected labels, or start and end of intervals", code="labels-format"
        )
    separator = max(",;\t|", key=head.count)
    fields = [field.strip().strip('"') for field in head.split(separator)]
    plain = Recipe(every="1s", start="2000-01-01", separator=separator, states=recipe.states)
    if all(is_number(field) for field in fields):  # labels without a name
        many = [f"{ONLY_NAME}_{number}" for number in range(1, len(fields) + 1)]
        plain = replace(plain, header=(ONLY_NAME,) if len(fields) == 1 else tuple(many))
    source = open_as_it_is(file, plain)
    times = recipe.time_columns
    has_times = bool(times) and set(times) <= set(source.names)
    if has_times:
        plain = replace(
            plain,
            every=None,
            **{name: getattr(recipe, name) for name in ("time", "time_format", "timezone", "start", "interval")},
            **{name: getattr(recipe, name) for name in ("ambiguous", "nonexistent", "round_time")},
        )
    names = tuple(
        name for name in source.names if name not in (times if has_times else ()) and not NO_NAME.fullmatch(name)
    )
    if not names or len(names) > MAX_LABELS:
        raise SourceError(
            file,
            f"expected columns of labels (or start and end of intervals); the columns are {listed(source.names)}",
            code="labels-format",
        )
    if keys := [name for name in names if name in (*recipe.series_parts, recipe.series_column, recipe.pivot)]:
        raise SourceError(
            file,
            f"it has the column {listed(keys)}, which says whose a row of the log is, and would be a label: leave "
            "it out, with labels in the order of the rows; or give intervals, with columns start, end, name and "
            "series",
            code="labels-format",
        )
    return LabelFile(source, plain, names, has_times, f"{checksum(file):08x}")


def _times_of(path: Path) -> Path:
    return path.with_suffix(".times")
