"""What stands above a table, as far as a text says it before the table is known."""

from dataclasses import dataclass

from longstride.pipeline.profile.head.bare import bare_length
from longstride.pipeline.profile.head.extent import (
    head_length,
    longest_section,
    named_in_head,
    named_separator,
)

__all__ = ["Above", "find_above"]


@dataclass(frozen=True, kw_only=True)
class Above:
    """Lines above a table."""

    size: int = 0
    """In bytes."""
    separator: str | None = None
    """Of the table, where it is named there."""
    is_separator: bool = False
    """Whether there is nothing but that name, in a first line that an ingest knows as well."""
    doubt: str | None = None

    def num_lines(self, text: bytes) -> int:
        """The same in lines."""
        return text[: self.size].count(b"\n")


def find_above(text: bytes) -> Above:
    """A line such as sep=; or a head whose end is known, or all sections above the longest one."""
    named, size = named_separator(text)
    if size:
        return Above(size=size, separator=named, is_separator=True)
    if size := bare_length(text) or head_length(text):
        return Above(size=size, separator=named_in_head(text[:size]))
    if section := longest_section(text):
        size, title = section
        doubt = (
            f"skip-lines: rows are those below {title!r}, of which there are most; what stands in other "
            "sections is left out. To read another one, cut the file"
        )
        return Above(size=size, separator=named_in_head(text[:size]), doubt=doubt)
    return Above()
