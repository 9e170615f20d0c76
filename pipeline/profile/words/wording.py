"""Texts of a log as a proposal shows them."""

__all__ = ["quoted"]

MAX_TEXT_SHOWN = 40


def quoted(text: str) -> str:
    """The beginning of a text."""
    return repr(text) if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]!r}..."
