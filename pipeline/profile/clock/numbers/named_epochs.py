"""Numbers of which a name says since when they count, or that they are years with a fraction."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import DECIMAL_YEAR
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import UNITS, name_score, plain

__all__ = ["named_epochs"]

SINCE = re.compile(
    r"(?P<unit>[^\W\d_]+)[ _]since[ _](?P<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[T _](?P<clock>\d{1,2}:\d\d(?::\d\d?)?)(?:\.0*)?)?",
    re.IGNORECASE,
)
"""As in days since 1900-1-1 00:00:00, which the conventions of climate data ask for."""
YEAR_NAME = re.compile(
    r"(?:dec(?:imal)?|frac(?:tional)?)(?:year|yr|date)|(?:year|yr|date)(?:dec(?:imal)?|frac(?:tion)?)"
    r"|year|yr|yyyy|jahr|annee|année|año|ano|dezimaljahr"
)
YEAR_WORD = re.compile(r"(?:^|[\W_])(?:year|yr|jahr|ann[eé]e|año|ano)(?:[\W_]|$)", re.IGNORECASE)
"""As in year_AD and Year (CE), of which numbers with a fraction are years in doubt."""
YEARS = (1700, 2100)
LONGEST = 5.0
"""Years from row to row."""


def named_epochs(columns: Mapping[str, Column]) -> Iterator[Times]:
    """Columns of numbers that their names, or what stands below these, say to be times."""
    for name, column in columns.items():
        if not column.numbers.count() or column.numbers.count() < MOST * len(column.numbers):
            continue
        format_ = _since(name) or _since(column.unit or "") or _since_name(column)
        settings = {"decimal": (column.spelling.decimal,)}
        if format_ and (times := read_as([column.raw], format_, **settings)):
            yield times
        elif _are_years(column) and (times := read_as([column.raw], DECIMAL_YEAR, **settings)):
            if YEAR_NAME.fullmatch(plain(name)):
                yield times
            else:
                what = f"years ({column.texts.drop_nulls()[0]})"
                what = what if column.is_whole else what.replace(" ", " with a fraction ")
                yield times._replace(
                    doubt=f"{name!r} is taken for {what}: if it is an elapsed time, say "
                    f"time-format = {toml('s')}, or its unit",
                    score=-1.0,
                )


def _since(name: str) -> str | None:
    match = SINCE.search(name)
    if match is None:
        return None
    unit = next((unit for unit, words in UNITS.items() if re.fullmatch(words, match["unit"].lower())), None)
    if unit is None:
        return None
    year, month, day = map(int, match["date"].split("-"))
    clock = match["clock"] or ""
    parts = ":".join(f"{int(part):02}" for part in clock.split(":") if part)
    later = f"T{parts}" if int(parts.replace(":", "") or 0) else ""
    return f"{unit} since {year:04}-{month:02}-{day:02}{later}"


def _since_name(column: Column) -> str | None:
    """Of seconds of which the name is when they began, in Unix seconds, as in IBI.csv of wrist loggers."""
    if not re.fullmatch(r"1\d{9}(?:\.\d+)?", column.name.strip()):
        return None
    numbers = column.numbers.drop_nulls()
    if float(numbers.min()) < 0 or not (numbers.diff().drop_nulls() > 0).all():  # type: ignore[arg-type]
        return None
    start = datetime.fromtimestamp(float(column.name), UTC)
    return f"s since {start.isoformat()}"


def _are_years(column: Column) -> bool:
    """Whether numbers are years that rise, with a fraction, or as whole ones of a column that is called so."""
    numbers = column.numbers.drop_nulls()
    named = name_score(column.name) or YEAR_NAME.fullmatch(plain(column.name)) or YEAR_WORD.search(column.name)
    if not named:
        return False
    if not numbers.is_between(*YEARS).all() or len(numbers) < 3:
        return False
    steps = numbers.diff().drop_nulls()
    rises = bool((steps > 0).all() or (steps < 0).all())
    is_named = YEAR_NAME.fullmatch(plain(column.name)) is not None
    longest = float(steps.abs().max())  # type: ignore[arg-type]
    counts_years = YEAR_WORD.search(column.name) is not None and bool((steps == 1).all())
    return rises and longest <= LONGEST and (is_named or not column.is_whole or counts_years)
