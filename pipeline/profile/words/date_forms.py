"""How dates are written, where a name or a line of units says it, as in Date (MM/DD/YYYY)."""

import re

__all__ = ["is_date_form", "order_in"]

PARTS = r"(?:y{2,4}\W?mm?\W?dd?|dd?\W?mm?\W?y{2,4}|mm?\W?dd?\W?y{2,4})"
WITHIN = re.compile(rf"(?<![a-z]){PARTS}(?=$|[^a-z]|t)", re.IGNORECASE)
WHOLE = re.compile(rf"\W*{PARTS}(?:\W*h{{1,2}}\W?mm.*)?\W*", re.IGNORECASE)


def is_date_form(text: str) -> bool:
    """Whether a text says how a date is written, maybe with a time of day, and nothing else."""
    return WHOLE.fullmatch(text) is not None


def order_in(text: str) -> tuple[str, ...]:
    """The order of d, m and y that a text tells; nothing where it tells none."""
    found = WITHIN.search(text)
    return tuple(dict.fromkeys(re.findall("[dmy]", found[0].lower()))) if found else ()
