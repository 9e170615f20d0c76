"""Names that count how often they are looked at: to see how work grows without measuring time."""

__all__ = ["Counted"]


class Counted(str):
    """A name that counts how often it is compared or hashed."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.looks += 1
        return str.__hash__(self)
