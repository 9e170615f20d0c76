"""The types that a value may be cast to."""

from collections.abc import Sequence

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.tokens import Token
from longstride.pipeline.ingest.sql.vocabulary import INTEGERS, TYPED_TEXTS, TYPES

__all__ = ["cast_type"]

DECIMALS = ("DECIMAL", "NUMERIC")
MAX_DIGITS = 38
SECOND_WORDS = {"DOUBLE": "PRECISION"} | dict.fromkeys(INTEGERS, "UNSIGNED")


def cast_type(tokens: Sequence[Token], position: int) -> tuple[str, int]:
    """The type that begins at a position, as DOUBLE or DECIMAL(10, 2), and where it ends.

    Raises RecipeError for a type that is not allowed.
    """
    first = tokens[position] if position < len(tokens) else Token("mark", "")
    name, position = first.text.upper(), position + 1
    if first.is_word(*TYPED_TEXTS):
        # Polars guesses the form of all texts from the first one of a piece.
        raise _invalid(
            f"a cast to {name} is not allowed, as the form of the texts would be guessed from the first one: say "
            "the form, as in STRPTIME(text, '%Y-%m-%d')"
        )
    if not first.is_word(*TYPES):
        raise _invalid(f"there is no type {first.text!r}: cast to DOUBLE, BIGINT, BOOLEAN, TEXT or the like")
    second = SECOND_WORDS.get(name)
    if second is not None and position < len(tokens) and tokens[position].is_word(second):
        return f"{name} {second}", position + 1
    if position < len(tokens) and tokens[position].is_mark("("):
        return _decimal(name, tokens, position + 1)
    return name, position


def _decimal(name: str, tokens: Sequence[Token], begin: int) -> tuple[str, int]:
    """DECIMAL(digits), or DECIMAL(digits, digits after the point)."""
    stop = next((at for at in range(begin, len(tokens)) if tokens[at].is_mark(")")), len(tokens))
    numbers = [token.text for token in tokens[begin:stop:2]]
    commas = [token.text for token in tokens[begin + 1 : stop : 2]]
    inside = " ".join(token.text for token in tokens[begin:stop])
    if name not in DECIMALS or len(numbers) > 2 or commas != [","] * (len(numbers) - 1) or stop == len(tokens):
        raise _invalid(f"{name}({inside}) is not a type: only DECIMAL takes numbers, as in DECIMAL(10, 2)")
    digits = [int(number) if number.isdecimal() and len(number) <= 2 else -1 for number in numbers] or [-1]
    if not (1 <= digits[0] <= MAX_DIGITS and 0 <= digits[-1] <= digits[0]):
        raise _invalid(
            f"{name}({inside}) is not a type: expected from 1 to {MAX_DIGITS} digits, and no more after the point"
        )
    return f"{name}({', '.join(map(str, digits))})", stop + 1


def _invalid(problem: str) -> RecipeError:
    return RecipeError(problem, code="sql-invalid")
