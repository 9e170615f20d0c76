"""A whole query, SELECT ... FROM rows WHERE ..., cut into its parts and written again."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.expression import Names, Writer, spans_rows
from longstride.pipeline.ingest.sql.tokens import Token, tokens_of
from longstride.pipeline.ingest.sql.vocabulary import SPANNING_WORDS

__all__ = ["TABLE", "RowQuery"]

TABLE = "rows"
EXPECTED = f"expected SELECT ... FROM {TABLE}, or SELECT ... FROM {TABLE} WHERE ..."


@dataclass(frozen=True)
class RowQuery:
    """What a query makes of one row.

    Its texts are made of allowed words, quoted names, texts and numbers alone. So there is nothing in them by
    which Polars could open a file, or look at another row, however it reads them.
    """

    each_item: tuple[str, ...]
    """What stands between the commas after SELECT."""
    where: str | None
    """The condition, where there is one."""
    sums_of_items: tuple[Counter[str], ...] = ()
    """What the items add to times: how often each column, as SQL writes it, and fixed nanoseconds."""
    sums_of_where: tuple[Counter[str], ...] = ()
    """What the condition adds."""

    @property
    def items(self) -> str:
        """What stands after SELECT."""
        return ", ".join(self.each_item)

    @staticmethod
    def of(sql: str, columns: Collection[str], times: Collection[str] = ()) -> "RowQuery":
        """Read a query over a table with these columns, of which `times` hold times.

        Raises RecipeError for one that may do anything else than look at rows one by one.
        """
        tokens = tokens_of(sql)
        while tokens and tokens[-1].is_mark(";"):
            tokens.pop()
        if not tokens or not tokens[0].is_word("SELECT"):
            raise RecipeError(EXPECTED, code="sql-invalid")
        start, stop = _only(tokens, "FROM"), _only(tokens, "WHERE")
        if start is None or (stop is not None and stop < start):
            raise RecipeError(EXPECTED, code="sql-invalid")
        names = Names(columns, _tables(tokens[start + 1 : stop]), times)
        items = [Writer(item, names, is_item=True) for item in _split(tokens[1:start])]
        where = [] if stop is None else [Writer(tokens[stop + 1 :], names, is_item=False)]
        return RowQuery(
            each_item=tuple(item.written() for item in items),
            where=where[0].written() if where else None,
            sums_of_items=tuple(total for item in items for total in item.sums),
            sums_of_where=tuple(total for item in where for total in item.sums),
        )


def _only(tokens: Sequence[Token], word: str) -> int | None:
    """Where a word stands outside of brackets, None where it does not. Raises RecipeError for two."""
    found = [
        position
        for position, token in _outside_brackets(tokens)
        if token.is_word(word) and not tokens[position - 1].is_word("DISTINCT", "AS")
    ]
    if len(found) > 1:
        raise spans_rows(f"two of {word}")
    return found[0] if found else None


def _outside_brackets(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    depth = 0
    for position, token in enumerate(tokens):
        depth += token.is_mark("(") - token.is_mark(")")
        if not depth:
            yield position, token


def _split(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Items between commas."""
    begin = 0
    for position, token in _outside_brackets(tokens):
        if token.is_mark(","):
            yield tokens[begin:position]
            begin = position + 1
    yield tokens[begin:]


def _tables(tokens: Sequence[Token]) -> set[str]:
    """The names of the one table: its own, and the one that the query gives it."""
    name, *rest = tokens or [Token("mark", "nothing")]
    if not name.is_name or name.text != TABLE or (rest and rest[0].is_mark("(", ".")):
        raise RecipeError(
            f"there is no table {name.text!r}: the only one is {TABLE}, as in FROM {TABLE}", code="sql-invalid"
        )
    if rest and rest[0].is_word("AS"):
        del rest[0]
    if not rest:
        return {TABLE}
    if rest[0].is_word(*SPANNING_WORDS) or len(rest) > 1 or not rest[0].is_name:
        word = next((token.text for token in rest if token.is_word(*SPANNING_WORDS)), rest[0].text)
        raise spans_rows(f"{word!r} after FROM {TABLE}")
    return {TABLE, rest[0].text}
