"""Words and numbers that mean a missing value."""

import re
from collections import Counter
from collections.abc import Iterator

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.last_line import ends_within_line
from longstride.pipeline.ingest.writing.extremes import is_made_up
from longstride.pipeline.profile.column import FEW, MAX_WORDS, Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.states import query_of_states
from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import counted, exact_number, number, share

__all__ = ["find_cut_off", "find_missing", "share_missing_words"]

NUMBER = r"[+-]?\d+(\.\d*)?"
NINES = re.compile(r"-(?:\d?999+(?:\.9+)?|99\.9+|([1-8])\1{2,}(?:\.\1+)?)")
"""Nobody measures it, so once is enough to ask."""
REPEATED = re.compile(r"\d?99+(?:\.9+)?|([1-8])\1{2,}(?:\.\1+)?")
SEVERAL = 3
"""Columns that hold such a number, far from all others of each."""
MOST_MARKS = 3
"""At each end, that may hide each other."""
FEWEST_OTHERS = 3
ABSURD = 1000
"""So many times the range of all others is a power of ten away that is asked for."""
LARGER = 1.5
"""So many times larger than all others is a number that means missing; 99.9 among 99.6 to 99.8 may be measured."""
MOST_DOUBTED = 5
"""Columns of which each word is named."""
DIGITS = re.compile(r"[^\w\[\]]*\d[\d\W]*")
"""Without a letter."""


def share_missing_words(draft: Proposal) -> None:
    """Take columns for numbers whose only word means a missing value in another column of numbers."""
    numbers = [column for column in draft.free if column.is_number and len(column.odd_words) == 1]
    known = {word for column in numbers for word in column.odd_words if not DIGITS.match(word)}
    for column in draft.free:
        if not column.is_number and column.numbers.count() and set(column.odd_words) <= known:
            column.is_number = True


def find_missing(draft: Proposal) -> None:
    """Find texts among numbers, and numbers far from all others, that occur again and again."""
    found: dict[str | float, list[Column]] = {}
    for column in draft.channels:
        for word in _words(column, draft.doubts):
            found.setdefault(word, []).append(column)
    told = draft.sample.dialect.facts.missing
    for column in draft.channels if told else ():
        if told and (column.numbers == told[0]).any():
            found.setdefault(told[0], []).append(column)
    _find_numbers(draft, found)
    _doubt_words(draft, found)
    for value, columns in found.items():
        text = value if isinstance(value, str) else exact_number(value)
        is_known = MISSING_WORD.fullmatch(text) is not None
        remark = "" if is_known else ": a missing value?" if value == text else ", far from all other values"
        if told and value == told[0]:
            remark = f", as line {told[1].line + 1} above the table says"
        if (
            is_known
            or (told and value == told[0])
            or (len(columns) > 1 and not _is_in_others(draft, value, columns))
        ):
            where = repr(columns[0].name) if len(columns) == 1 else f"{len(columns):,} columns"
            count = sum(_count(column, value) for column in columns)
            draft.add("null", text, f"{counted(count, 'time')} in {where}{remark}")
        else:
            for column in columns:
                draft.add("null", f"{column.name}={text}", f"{counted(_count(column, value), 'time')}{remark}")
    for value, columns in found.items():
        for column in columns if isinstance(value, float) else ():
            column.numbers = column.numbers.set(column.numbers == value, None)


def _find_numbers(draft: Proposal, found: dict[str | float, list[Column]]) -> None:
    """Add numbers; one that may mean missing does so where it does in another column, or is all that one holds."""
    unsure = []
    marks = {
        value
        for column in draft.columns.values()
        if column.is_number and column.numbers.n_unique() == 1
        for value in column.numbers.drop_nulls().head(1).to_list()
        if NINES.fullmatch(f"{value:.7g}")
    }
    for column in draft.channels:
        for value, doubt in _numbers(column):
            if doubt:
                unsure.append((column, value, doubt))
            elif column not in found.setdefault(value, []):
                found[value].append(column)
    marks |= {value for value in found if isinstance(value, float) and is_made_up(value)}
    times = Counter(value for _, value, _ in unsure if NINES.fullmatch(f"{value:.7g}"))
    marks |= {value for value, count in times.items() if count >= SEVERAL}
    for column, value, doubt in unsure:
        if column in found.get(value, []):
            continue  # the head says what it means
        if value in marks:
            found.setdefault(value, []).append(column)
        else:
            draft.doubts.append(doubt)


def _doubt_words(draft: Proposal, found: dict[str | float, list[Column]]) -> None:
    """Doubt texts that come again and again in a column of numbers, and may say more than that there is none."""
    by_column: dict[str, dict[str, int]] = {}
    for text, columns in found.items():
        for column in columns if isinstance(text, str) and not MISSING_WORD.fullmatch(text) else ():
            by_column.setdefault(column.name, {})[str(text)] = _count(column, text)
    for name, words in list(by_column.items())[:MOST_DOUBTED]:
        shown = ", ".join(f"{quoted(word)} {counted(count, 'time')}" for word, count in words.items())
        of_rows = share(sum(words.values()), len(draft.columns[name].texts))
        draft.doubts.append(
            f"null: {name!r} holds {shown} among its numbers, {of_rows} of rows, read as missing."
            " If such a text means a state or a limit of the sensor, take it out of null, and make a number "
            f"of it: exclude = {toml([name])} and sql = {toml(query_of_states(name, list(words)))}"
        )
    if others := list(by_column)[MOST_DOUBTED:]:
        draft.doubts.append(f"null: so do {listed(others)}, see the entries of null")


def _is_in_others(draft: Proposal, value: str | float, columns: list[Column]) -> bool:
    """Whether another column has it as one of its values; not at their end, where it means missing too."""
    known = {column.name for column in columns}
    others = [column for column in draft.channels if column.name not in known and _count(column, value)]
    return any(value not in (column.numbers.min(), column.numbers.max()) for column in others)


def _count(column: Column, value: str | float) -> int:
    return column.words.get(value, 0) if isinstance(value, str) else int((column.numbers == value).sum())


def _words(column: Column, doubts: list[str]) -> Iterator[str]:
    for word, count in column.words.items():
        if word == column.name:
            continue  # a line of names that comes again: its row is none
        if word in column.odd_words and DIGITS.match(word):
            doubts.append(
                f"{column.name!r} is {word} {counted(count, 'time')}, not written as its other numbers are: such "
                f"rows are rejected. If it means missing, say null = [{toml(f'{column.name}={word}')}]"
            )
        # A word that occurs once is a slip.
        elif word not in column.odd_words or (len(column.odd_words) <= MAX_WORDS and count > 1):
            yield word


def _numbers(column: Column) -> Iterator[tuple[float, str]]:
    """Numbers that mean missing, each with a doubt, which is empty where there is none."""
    numbers = column.numbers.drop_nulls()
    ends = list(dict.fromkeys(_ends(numbers)))
    marks = [value for value in ends if is_made_up(value) or _is_repeated(value) or _is_power(value)]
    between = numbers.filter(~numbers.is_in(marks))
    for value in ends:
        # A mark at one end would hide how far that at the other end is.
        inner, outer = (one.filter(one != value) for one in (between, numbers))
        rest = inner if inner.n_unique() >= FEWEST_OTHERS else outer
        count = int((numbers == value).sum())
        if rest.is_empty():
            continue
        low, high = float(rest.min()), float(rest.max())  # type: ignore[arg-type]
        distance = max(low - value, value - high)
        largest = max(abs(low), abs(high))
        is_below = value < 0 <= low
        is_usual = count >= 3 and rest.n_unique() >= FEWEST_OTHERS and is_made_up(value)
        if is_usual and distance < (high - low) * (0.1 if is_below else 0.5):
            continue
        if is_usual and (is_below or abs(value) >= LARGER * largest):
            yield value, ""
        elif (
            is_usual
            or _is_far(distance, high - low, count, numbers, rest)
            or (NINES.fullmatch(f"{value:.7g}") and distance > 5 * largest)
            or (_is_power(value) and distance > ABSURD * (high - low) > 0)
        ):
            entry = toml(f"{column.name}={exact_number(value)}")
            yield (
                value,
                f"{column.name!r} is {number(value)} in {counted(count, 'row')}, in all others {number(low)} to "
                f"{number(high)}: if that means missing, null = [{entry}]",
            )


def _ends(numbers: pl.Series) -> Iterator[float]:
    """The least and the greatest, and what follows inwards where that is a mark: -9999 hides -8888."""
    different = numbers.unique().sort()
    for values in (different, different.reverse()):
        for value in values.head(MOST_MARKS).to_list():
            yield value
            if not _is_repeated(value):
                break


def _is_repeated(value: float) -> bool:
    """Whether it is made of one digit, as 999 and -8888 are, or of nines behind another."""
    return REPEATED.fullmatch(f"{abs(value):.7g}") is not None


def _is_power(value: float) -> bool:
    return value >= 10_000 and re.fullmatch("10+", f"{value:.0f}") is not None and value % 1 == 0


def _is_far(distance: float, spread: float, count: int, numbers: pl.Series, rest: pl.Series) -> bool:
    """Whether a value that comes often is far from all others, of which there are many."""
    return distance >= 2 * spread and count >= max(5, FEW * len(numbers)) and rest.n_unique() >= 10


def find_cut_off(draft: Proposal) -> None:
    """Find files that end within a line, and may do so within a value."""
    for source in {source.name: source for source, _ in draft.sample.excerpts}.values():
        if ends_within_line(source) and (last := _cut_off(draft, source)):
            draft.doubts.append(
                f"{source.name} does not end with a line break: its last value, {last[1]} of {last[0]!r}, may "
                "be cut off. If it is, complete or remove the last line"
            )


def _cut_off(draft: Proposal, source: Source) -> tuple[str, str] | None:
    """Last column and value of a file, where the value may be cut off: others are longer than it."""
    *_, raw = (raw for one, raw in draft.sample.excerpts if one.name == source.name)
    texts = raw.frame.to_series(raw.frame.width - 1).cast(pl.String).str.strip_chars().drop_nulls()
    name = raw.frame.columns[-1]
    if raw.frame.height < 2 or len(texts) < 2:
        return None
    last, others = texts[-1], texts[:-1]
    is_number = re.fullmatch(NUMBER, last) is not None
    if is_number and "." in last:
        lengths = others.str.extract(r"\.(\d+)$").str.len_chars().fill_null(0)
        length = len(last.partition(".")[2])
    else:
        lengths, length = others.str.len_chars(), len(last)
    return None if (lengths == length).all() else (name, last)
