"""Names of columns that are times of day."""

import re

from longstride.pipeline.ingest.setting import unexpected

__all__ = ["MELTED", "TIME_OF_DAY", "check_melt", "clock_of"]

TIME_OF_DAY, MELTED = "time_of_day", "value"
"""The columns that come in place of them."""
PARTS = {"%H": r"([01]?\d|2[0-4])", "%M": r"([0-5]\d)", "%S": r"([0-5]\d)"}
SHAPES = (["%H"], ["%H", "%M"], ["%H", "%M", "%S"])


def check_melt(format_: str) -> None:
    """Raise RecipeError where a format is none of a time of day."""
    if _directives(format_) not in SHAPES:
        expected = "how columns of times of day are named, such as %H:%M for 00:30, or H%H for H1"
        raise unexpected("melt", format_, expected)


def clock_of(name: str, format_: str) -> str | None:
    """A name as a time of day, such as 00:30 or 24:00; None where it is none. Raises RecipeError."""
    check_melt(format_)
    pattern = "".join(PARTS.get(part, re.escape(part)) for part in re.split("(%[HMS])", format_))
    found = re.fullmatch(pattern, name.strip())
    if found is None:
        return None
    hour, *others = map(int, found.groups())
    if hour == 24 and any(others):
        return None
    return ":".join(f"{part:02}" for part in (hour, *(others or [0])))


def _directives(format_: str) -> list[str]:
    return re.findall("%.?", format_)
