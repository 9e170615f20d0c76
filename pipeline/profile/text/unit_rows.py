"""Rows that hold the units of columns, below their names."""

import re
from collections.abc import Sequence

from longstride.pipeline.profile.text.table import Record
from longstride.pipeline.profile.words.date_forms import is_date_form

__all__ = ["share_of_units", "units_of"]

MOST_BELOW = 4
UNIT = re.compile(
    r"[\[(].*[\])]|.{0,2}[°º%µμΩ].{0,6}|[a-zA-Z]{1,4}(?:[-/^*]?\d?|\^-?\d|[./ ][a-zA-Z]{1,4}-?\d?)*|deg ?\w*"
    r"|volts?|seconds?|-|#|\w{1,8}/\w{1,6}\^?-?\d?|[a-z]+\+?\d[a-z0-9+-]*",
    re.IGNORECASE,
)
NO_UNIT = re.compile(
    r"\W*|ts|rn|n/?a|none|unitless|smp|avg|tot|max|min|std|sample|utc|date.*|time.*|.*(yy|hh|mm:).*", re.I
)


def units_of(names: Sequence[str], below: Sequence[Record]) -> dict[str, str]:
    """Units of columns, and how dates are written, from the first row below the names that is of such."""
    for record in below[:MOST_BELOW]:
        if len(record.fields) != len(names):
            continue
        if share_of_units([field for field in record.fields if not is_date_form(field)]) >= 0.6:
            pairs = zip(names, record.fields, strict=True)
            return {name: text.strip("[]() ") for name, text in pairs if name and _is_told(text)}
    return {}


def share_of_units(fields: Sequence[str]) -> float:
    """Share of the fields with a text that are units."""
    texts = [field for field in fields if field]
    return sum(UNIT.fullmatch(text) is not None for text in texts) / max(1, len(texts))


def _is_told(text: str) -> bool:
    return NO_UNIT.fullmatch(text) is None or is_date_form(text)
