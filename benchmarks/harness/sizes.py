"""What is served in a case, by its sizes alone: light enough for every result."""

from dataclasses import dataclass

__all__ = ["Sizes", "strides_of"]


@dataclass(frozen=True)
class Sizes:
    """Windows of `window` rows, `stride` apart, `batch` at a time."""

    window: int
    stride: int
    batch: int


def strides_of(window: int, words: str) -> list[int]:
    """Strides from words such as `1,K/8,K`, each once, in order. Raises ValueError for other words."""
    strides = []
    for word in words.split(","):
        head, _, divisor = word.partition("/")
        number = window if head == "K" else int(head)
        strides.append(max(1, number // int(divisor or 1)))
    return sorted(set(strides))
