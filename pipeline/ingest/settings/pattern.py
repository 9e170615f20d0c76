"""Regular expressions of a recipe.

A recipe may come from a stranger, and Python's own engine needs years for some expressions. Polars has one that
never goes back in a text, so it knows neither looking around nor references to groups.
"""

from functools import lru_cache

from longstride.pipeline.ingest.setting import unexpected

__all__ = ["group_of", "groups_of", "search"]


def group_of(setting: str, text: str) -> str:
    """The name of the one named group of an expression for names of files. Raises RecipeError."""
    expected = f"a regular expression with one named group, such as '(?P<{setting.partition('-')[0]}>.+)_\\d+'"
    groups = groups_of(setting, text, expected)
    if len(groups) != 1:
        raise unexpected(setting, text, expected)
    return groups[0]


@lru_cache(maxsize=64)
def groups_of(setting: str, text: str, expected: str) -> tuple[str, ...]:
    """The named groups of an expression, in order. Raises RecipeError where it is none."""
    import polars as pl

    try:
        fields = pl.Series([""]).str.extract_groups(text).struct.fields
    except (pl.exceptions.PolarsError, RecursionError) as error:
        reason = str(error).rstrip().splitlines()[-1].removeprefix("error: ").removeprefix("regex error: ")
        raise unexpected(setting, text, f"{expected} ({reason})") from None
    return tuple(name for name in fields if not name.isdigit())


def search(pattern: str, group: str, text: str) -> str | None:
    """What a group holds where an expression is first found in a text; None where it is not found."""
    import polars as pl

    whole = pl.Series([text])
    if not whole.str.contains(pattern)[0]:
        return None
    found: str | None = whole.str.extract_groups(pattern).struct.field(group)[0]
    return found or ""
