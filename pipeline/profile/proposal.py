"""A proposed recipe with its reasons and doubts: as it grows, finding by finding, and as it is written."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.shapes.joined import joined
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.sample import Sample
from longstride.storage.text import counted

__all__ = ["Proposal"]

WIDTH = 110
MAX_COLUMNS_SHOWN = 200
NO_CHANNEL = "left out", "labels", "series", "pivot", "time"
OF_VALUES = "decimal", "thousands", "strip", "scale", "negative", "states", "unit"
SETTINGS = [field.name.replace("_", "-") for field in fields(Recipe)]


class Proposal:
    """A sample of logs, the findings in it so far, and the recipe that follows from them."""

    def __init__(
        self, sample: Sample, columns: dict[str, Column], places: pl.DataFrame, times: Sequence[Times]
    ) -> None:
        self.sample = sample
        self.columns = columns
        self.times = times
        """The time of a row, and what else could be."""
        self.is_newest_first = False
        """Whether rows are in the opposite order of the file."""
        self.rows = places.with_columns(times[0].nanoseconds.alias("time"))
        """Block, file, group and time; series and pivot when they are known; (rows,) each."""
        self.settings: dict[str, str | list[str]] = {}
        """As a recipe file holds them, without those that have their default value."""
        self.why: dict[str, str] = {}
        """Reason of a setting, or of one entry of it, as "exclude=wd"."""
        self.uses: dict[str, str] = dict.fromkeys(times[0].recipe.time_columns, "time")
        """What columns are, of those for which it is known."""
        self.open: tuple[str, ...] = ()
        """Settings that the log does not tell: its owner has to fill them in."""
        self.question: SourceError | None = None
        """What the owner is asked, as an error that a command ends with; None where nothing is open."""
        self.made: set[str] = set()
        """Columns of time that other settings make."""
        self.label_columns: list[str] = []
        """Columns that are labels, or that labels are computed from."""
        self.seen: list[str] = []
        """About the rows as a whole."""
        self.doubts: list[str] = []
        """Findings that may be wrong."""

    def __repr__(self) -> str:
        return self.as_toml()

    @property
    def keys(self) -> list[str]:
        """Columns of `rows` that name the series or the sensor of a row."""
        return [name for name in ("series", "pivot") if name in self.rows.columns]

    @property
    def free(self) -> list[Column]:
        """Columns without a use so far. Those without a name do not count: they are not stored."""
        taken = self.uses.keys() | self.sample.unnamed
        return [column for name, column in self.columns.items() if name not in taken]

    @property
    def channels(self) -> list[Column]:
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

    def use(self, setting: str, *columns: Column, why: str | None = None) -> None:
        """Use a column as the series or the sensor of a row, or several together as its series."""
        texts = columns[0].texts if len(columns) == 1 else joined([column.texts for column in columns])
        self.uses.update(dict.fromkeys((column.name for column in columns), setting))
        self.rows = self.rows.with_columns(texts.alias(setting))
        names = [column.name for column in columns]
        self.put(setting, names[0] if len(names) == 1 else names, why)

    def take_series(self, name: str) -> None:
        """Take a column that the names of files make as the series of a row."""
        self.uses[name] = "series"
        self.rows = self.rows.with_columns(self.columns[name].texts.alias("series"))

    def exclude(self, column: Column, why: str) -> None:
        """Leave a column out."""
        self.uses[column.name] = f"left out: {why}"
        self.add("exclude", column.name, why)

    def steps(self, values: pl.Series, *keys: str) -> pl.Series:
        """From each value to the next of its block and keys, where neither is missing."""
        return steps(values, self.rows["block"], *(self.rows[key] for key in keys))

    def sort(self) -> None:
        """Put settings in the order of `Recipe`, and what is left out in that of the files.

        What says how values are written is for channels alone.
        """
        others = [f"{name}=" for name, use in self.uses.items() if use.startswith(NO_CHANNEL)]
        for setting in OF_VALUES:
            entries = self.settings.get(setting, ())
            if not isinstance(entries, str) and entries:
                self.settings[setting] = [entry for entry in entries if not entry.startswith(tuple(others))]
                if not self.settings[setting]:
                    del self.settings[setting]
        self.settings = {name: self.settings[name] for name in SETTINGS if name in self.settings}
        if excluded := set(self.settings.get("exclude", ())):
            self.settings["exclude"] = [name for name in self.columns if name in excluded]

    @property
    def recipe(self) -> Recipe:
        """The settings as a recipe. Raises RecipeError where one is to be filled in, of `open`."""
        return Recipe.from_settings(dict(self.settings))

    @property
    def trial(self) -> Recipe:
        """The same, with what is to be filled in as the sample was looked at."""
        filled = {name: str(getattr(self.times[0].recipe, name.replace("-", "_"))) for name in self.open}
        return Recipe.from_settings({**self.settings, **filled})

    def described(self) -> dict[str, str]:
        """What each column seems to be."""
        unnamed = dict.fromkeys(self.sample.unnamed, "left out: without a name; ")
        return {
            name: self.uses.get(name) or f"{unnamed.get(name, '')}{column.shown()}"
            for name, column in self.columns.items()
        }

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, the settings under "recipe"."""
        return {
            "rows": self.sample.num_rows,
            "files": self.sample.num_files,
            "files_seen": self.sample.num_files_seen,
            "whole": self.sample.is_whole,
            "seen": self.seen,
            "columns": self.described(),
            "doubts": self.doubts,
            "recipe": self.settings,
            "why": self.why,
        }

    def as_toml(self) -> str:
        """A recipe file, with what was seen as comments."""
        sample = self.sample
        columns = list(self.described().items())
        width = min(40, max(len(name) for name, _ in columns))
        files = f"{sample.num_files_seen:,} of " * (sample.num_files_seen < sample.num_files)
        files += counted(sample.num_files, "file")
        lines = [
            "# A proposal of `longstride profile`: look it over, save it, and run",
            "#   longstride ingest SOURCE... --recipe FILE --out STORE",
            "#",
            f"# Seen in {sample.num_rows:,} rows of {files}{'' if sample.is_whole else ' (a sample)'}:",
            *(line for text in self.seen for line in _comment(text, "  ")),
            "#",
        ]
        for name, what in columns[:MAX_COLUMNS_SHOWN]:
            lines += _comment(f"{name:<{width}}  {what}", "  ")
        if len(columns) > MAX_COLUMNS_SHOWN:
            lines.append(f"#   and {len(columns) - MAX_COLUMNS_SHOWN:,} more columns")
        if self.doubts:
            lines += ["#", "# In doubt:", *(line for doubt in self.doubts for line in _comment(doubt, "- "))]
        lines.append("")
        for name, value in self.settings.items():
            lines += [*_comment(self.why.get(name, "")), *self._setting(name, value)]
        return "\n".join(lines) + "\n"

    def _setting(self, name: str, value: str | list[str]) -> Iterator[str]:
        if isinstance(value, str) or not any(f"{name}={entry}" in self.why for entry in value):
            yield f"{name} = {toml(value)}"
            return
        yield f"{name} = ["
        for entry in value:
            yield f"    {toml(entry)},  # {_one_line(self.why[f'{name}={entry}'])}"
        yield "]"


def _comment(text: str, indent: str = "") -> list[str]:
    """Lines of a comment."""
    wrapped = textwrap.wrap(_one_line(text), WIDTH, subsequent_indent=" " * len(indent), break_long_words=False)
    return [f"# {'' if index else indent}{line}" for index, line in enumerate(wrapped)]


def _one_line(text: str) -> str:
    """What TOML allows in a comment."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
