"""One column of a sample: its texts, numbers and words."""

from collections import Counter
from functools import cached_property

import polars as pl

from longstride.pipeline.ingest.settings.values import PLAIN, Spelling
from longstride.pipeline.ingest.staging.numbers import to_numbers
from longstride.pipeline.ingest.times.reach import within_reach
from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import number, share

__all__ = ["FEW", "MAX_WORDS", "MOST", "Column", "steps"]

MOST = 0.9
FEW = 0.01
MAX_WORDS = 5
"""Different words among numbers that may mean a missing value."""
FLAGS = {"true", "false", "1", "0", "1.0", "0.0"}


class Column:
    """One column of the sample, (rows,)."""

    def __init__(self, raw: pl.Series, spelling: Spelling = PLAIN, unit: str | None = None) -> None:
        self.raw = raw = within_reach(raw)
        self.unit = unit
        """What the file says below its name."""
        self.spelling = spelling
        self.name = raw.name
        self.is_flat = not (raw.dtype.is_nested() or raw.dtype in (pl.Binary, pl.Duration))
        texts = raw if self.is_flat else pl.Series(raw.name, [None] * len(raw))
        self.texts = texts.cast(pl.String).str.strip_chars().replace("", None)
        """Null where missing."""
        is_typed = raw.dtype.is_numeric() or raw.dtype == pl.Boolean
        numbers = raw.cast(pl.Float64) if is_typed else to_numbers(self.texts, spelling)
        self.numbers = numbers.fill_nan(None)
        """Null where missing or none."""
        unread = self.texts.filter(numbers.is_null()).drop_nulls()
        self.words = dict(Counter(unread.to_list()).most_common())
        """Texts that are not numbers, and how often each occurs."""

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
        num_numbers, num_odd = self.numbers.count(), sum(self.odd_words.values())
        if not num_numbers or not (self.raw.dtype.is_numeric() or self.raw.dtype in (pl.String, pl.Boolean)):
            return False
        # A single word may be more frequent than all numbers: a sensor that is read every sixth row.
        are_few = len(self.odd_words) <= MAX_WORDS and (num_odd < num_numbers or len(self.odd_words) == 1)
        return num_odd <= FEW * num_numbers or (are_few and self.numbers.n_unique() > 2 * MAX_WORDS)

    @cached_property
    def is_plain(self) -> bool:
        """Whether every text is a number: no time is written so, but for whole numbers."""
        return self.raw.dtype.is_numeric() or self.texts.count() == self.numbers.count() > 0

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
        num_missing = (self.numbers if self.is_number else self.texts).null_count()
        missing = f", {share(num_missing, len(self.texts))} missing" if num_missing else ""
        if self.is_number and self.numbers.count():
            return f"{number(self.numbers.min())} to {number(self.numbers.max())}{missing}"
        return f"{self.examples()}{missing}"

    def examples(self) -> str:
        """The first values."""
        if self.values.is_empty():
            return "nothing" if self.is_flat else f"values of type {self.raw.dtype}"
        shown = ", ".join(map(quoted, self.values.head(3)))
        more = len(self.values) - 3
        return f"{shown} and {more:,} more" if more > 0 else shown


def steps(values: pl.Series, *keys: pl.Series) -> pl.Series:
    """From each value to the next with the same keys, where neither is missing; exact, also of the largest."""
    if values.dtype.is_integer():
        values = values.cast(pl.Int128)
    rows = pl.DataFrame([values.alias("value"), *(key.alias(f"key {number}") for number, key in enumerate(keys))])
    rows = rows.drop_nulls("value")
    return rows.select(pl.col("value").diff().over(rows.columns[1:])).to_series().drop_nulls()
