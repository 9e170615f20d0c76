"""Shares, numbers and texts as a proposal words them."""

from typing import Any

__all__ = ["number", "quoted", "share"]

MAX_TEXT_SHOWN = 40


def share(part: int, whole: int) -> str:
    """A percentage."""
    percent = 100 * part / whole
    return f"{percent:.1f}%" if percent >= 0.05 else "under 0.1%"


def number(value: Any, digits: int = 6) -> str:
    """A float, a whole one without a point."""
    return f"{int(value)}" if value % 1 == 0 and abs(value) < 10**digits else f"{value:.{digits}g}"


def quoted(text: str) -> str:
    """The beginning of a text."""
    return repr(text) if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]!r}..."
