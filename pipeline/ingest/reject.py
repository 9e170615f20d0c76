"""A row that cannot be read, as every kind of source says it."""

from typing import NamedTuple

__all__ = ["Reject", "raw_text", "undecodable"]

MAX_RAW = 2**12


class Reject(NamedTuple):
    """A line that is not a row, or a row that cannot be read."""

    line: int
    """Number in the file, from 1; of the first line where the row has several."""
    reason: str
    """Short category, such as "too few fields"."""
    detail: str
    """What was found and what was expected."""
    raw: str
    """The text without its last line break, undecodable bytes as backslash escapes; cut after 4,096 characters."""


def raw_text(data: bytes, encoding: str) -> str:
    """Give the text of a line for people to look at: see `Reject.raw`."""
    data = data.removesuffix(b"\n").removesuffix(b"\r")
    text = data[: 4 * MAX_RAW].decode(encoding, "backslashreplace")
    return text if len(data) <= 4 * MAX_RAW and len(text) <= MAX_RAW else f"{text[:MAX_RAW]}..."


def undecodable(byte: int, encoding: str) -> tuple[str, str]:
    """Reason and detail of a row with a byte that its encoding does not have."""
    detail = f"byte {byte:#04x} is not {encoding}: name the encoding of the file, as with --encoding latin-1"
    return f"not {encoding}", detail
