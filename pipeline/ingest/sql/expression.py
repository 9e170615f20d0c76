"""One expression of a query, written again: allowed words in capitals, names and texts in quotes."""

from collections import Counter
from collections.abc import Collection, Sequence

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.cast_type import cast_type
from longstride.pipeline.ingest.sql.cost import check_cost
from longstride.pipeline.ingest.sql.moments import sums_of_times
from longstride.pipeline.ingest.sql.tokens import Token, quoted_name, quoted_text
from longstride.pipeline.ingest.sql.tree import Group, is_text, nested, split
from longstride.pipeline.ingest.sql.vocabulary import (
    COUNTING,
    FORMATTED,
    FUNCTIONS,
    INTEGERS,
    KEYWORDS,
    PARTS_OF_TIME,
    REAL_PARTS,
    SPANNING_FUNCTIONS,
    SPANNING_WORDS,
    TYPED_TEXTS,
)

__all__ = ["Names", "Writer", "is_pattern", "spans_rows"]

MAX_DEPTH = 40
"""Polars stops at 50."""
MAX_OPERATORS = 200
"""Of one expression: Polars' time grows with their square, and the program ends where they are many thousands."""
OPERANDS = frozenset(("NULL", "TRUE", "FALSE", "END"))
STAR_LISTS = frozenset(("EXCLUDE", "EXCEPT", "REPLACE", "RENAME"))
WITHIN = {
    "EXTRACT": frozenset(("FROM",)),
    "SUBSTRING": frozenset(("FROM", "FOR")),
    "TRIM": frozenset(("FROM", "BOTH", "LEADING", "TRAILING")),
}
"""Words that have a meaning between the brackets of some functions."""
WHOLE_PART, WHOLE_CAST = "EXTRACT of a whole number", "CAST to a whole number"
WITHIN[WHOLE_PART] = WITHIN["EXTRACT"]
WIDENED = COUNTING | {WHOLE_PART, WHOLE_CAST}
WIDE = ("::", "HUGEINT")
ARITHMETIC = ("+", "-", "*", "/", "//", "%")
MAX_DIGITS = 38
"""128 bits: of 8, as EXTRACT gives, 23 hours * 60 would be 100."""
GROUP, CASE, STAR_LIST = "(", "CASE", "* ("


class Names:
    """What names in a query may mean."""

    def __init__(self, columns: Collection[str], tables: Collection[str], times: Collection[str] = ()) -> None:
        """`times` are the columns of times and durations."""
        self.columns = frozenset(columns)
        self.times = frozenset(map(quoted_name, times))
        self.tables = frozenset(tables)
        self._listed = ", ".join(f'"{name}"' for name in list(columns)[:20])

    def column(self, name: str) -> str:
        """A column as SQL writes it. Raises RecipeError where there is none."""
        if name not in self.columns:
            raise RecipeError(f'there is no column "{name}"; the columns are {self._listed}', code="sql-invalid")
        if is_pattern(name):
            raise RecipeError(
                f"Polars reads the name {name!r} as a pattern: give the column another name in the file",
                code="sql-invalid",
            )
        return quoted_name(name)


def is_pattern(name: str) -> bool:
    """Whether Polars takes a name for a pattern of names."""
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def spans_rows(what: str) -> RecipeError:
    """Say that a part of a query looks at more than one row."""
    return RecipeError(
        f"sql looks at more than one row at a time ({what}): it may only compute with values of one row, from the "
        "one table rows. Use --every, --fill or --rate for work that spans rows",
        code="sql-spans-rows",
    )


class Writer:
    """Writes an expression again. Whatever Polars makes of the result, it has no word for more than one row."""

    def __init__(self, tokens: Sequence[Token], names: Names, *, is_item: bool) -> None:
        """`is_item`: it stands between SELECT and FROM, so it may be a star, and may be given a name by AS."""
        self._tokens = tokens
        self._names = names
        self._is_item = is_item
        self._position = 0
        self._words: list[str] = []
        self._open: list[str] = []
        """Functions, groups and cases that have not ended."""
        self._after_operand = False
        self._after_sign = False
        """After + - * and so on between two operands, not after the sign of a number."""
        self._after_star = False
        self._num_operators = 0
        self.sums: list[Counter[str]] = []
        """The sums of times in what is written, as `sums_of_times` gives them."""

    def written(self) -> str:
        """The expression. Raises RecipeError for what it may not hold."""
        if not self._tokens:
            raise _invalid("an expression is missing")
        while self._position < len(self._tokens):
            token = self._tokens[self._position]
            self._position += 1
            getattr(self, f"_{token.kind}")(token)
        if self._open:
            raise _invalid(f"what begins with {self._open[-1]} does not end")
        tree = nested(self._words)
        check_cost(tree)
        _check_forms(tree)
        self.sums += sums_of_times(tree, self._names.times)
        return " ".join(self._words)

    def _peek(self, ahead: int = 0) -> Token:
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else Token("mark", "")

    def _put(self, word: str, *, operand: bool) -> None:
        if operand and self._after_operand:
            raise _invalid(f"an operator or a comma is missing before {word}")
        self._after_sign = self._after_operand and word in ARITHMETIC
        self._words.append(word)
        self._after_operand = operand
        if not operand:
            self._num_operators += word not in ("(", ",", "*")
            if self._num_operators > MAX_OPERATORS:
                raise _invalid(
                    f"an expression has more than {MAX_OPERATORS} operators: use IN (...) for many values, or "
                    "compute it before the ingest"
                )

    def _begin(self, what: str) -> None:
        self._open.append(what)
        if len(self._open) > MAX_DEPTH:
            raise _invalid(f"brackets, functions and CASE are nested more than {MAX_DEPTH} deep")

    def _text(self, token: Token) -> None:
        if self._after_operand:
            self._named(token)
        else:
            self._put(quoted_text(token.text), operand=True)

    def _number(self, token: Token) -> None:
        in_sum = self._after_sign or self._peek().is_mark(*ARITHMETIC)
        self._put(token.text, operand=True)
        if in_sum and token.text.isdecimal() and len(token.text) <= MAX_DIGITS:
            self._words += WIDE

    def _quoted(self, token: Token) -> None:
        if self._peek().is_mark("("):
            raise _invalid(f"{token.text!r} is not a function: the name of a function stands without quotes")
        self._name(token)

    def _word(self, token: Token) -> None:
        word = token.text.upper()
        within = WITHIN.get(self._open[-1], frozenset()) if self._open else frozenset()
        if self._after_star and not self._open and word in STAR_LISTS | {"ILIKE"}:
            self._star_list(word)
        elif word in KEYWORDS:
            self._keyword(word)
        elif word in within:
            self._put(word, operand=False)
        elif word == "AS":
            self._alias()
        elif word == "DISTINCT" and self._words[-1:] in (["IS"], ["NOT"]) and self._peek().is_word("FROM"):
            self._position += 1
            self._put("DISTINCT FROM", operand=False)
        elif word in TYPED_TEXTS and self._peek().kind == "text":
            self._put(f"{word} {quoted_text(self._peek().text)}", operand=True)
            self._position += 1
        elif self._peek().is_mark("("):
            self._function(word)
        elif (word in SPANNING_WORDS or word == "FROM") and token.text not in self._names.columns:
            raise spans_rows(f"{token.text!r}; put quotes around a column of that name")
        else:
            self._name(token)

    def _keyword(self, word: str) -> None:
        if word == CASE:
            self._begin(CASE)
        elif word == "END":
            self._end(CASE)
        if word in ("CASE", "TRUE", "FALSE") or (word == "NULL" and self._words[-1:] not in (["IS"], ["NOT"])):
            # These begin an operand.
            self._put(word, operand=True)
            self._after_operand = word in OPERANDS
        else:
            self._put(word, operand=False)
            self._after_operand = word in OPERANDS

    def _function(self, word: str) -> None:
        if word in SPANNING_FUNCTIONS | SPANNING_WORDS:
            raise spans_rows(f"{word}")
        if word not in FUNCTIONS:
            raise _invalid(
                f"the function {word.lower()!r} is not allowed, as it is not known to look at one row and to give "
                "always the same: see docs/ingest.md"
            )
        self._position += 1
        self._put(f"{word}(", operand=True)
        self._after_operand = False
        self._begin(word)
        if word == "EXTRACT":
            part = self._peek()
            if not part.is_word(*PARTS_OF_TIME):
                raise _invalid(f"EXTRACT takes a part of a time, such as HOUR, not {part.text!r}")
            self._position += 1
            self._words.append(part.text.upper())
        if word in ("EXTRACT", "DATE_PART") and self._part_of_time() not in REAL_PARTS:
            self._open[-1] = WHOLE_PART

    def _part_of_time(self) -> str:
        """What EXTRACT has taken, or DATE_PART is about to take."""
        return self._peek().text.upper() if self._words[-1] == "DATE_PART(" else self._words[-1]

    def _name(self, token: Token) -> None:
        if self._peek().is_mark("."):
            if token.text not in self._names.tables:
                raise _invalid(f"there is no table {token.text!r}: the table is rows")
            self._position += 1
            if not (self._peek().is_name or self._peek().is_mark("*")) or self._peek(1).is_mark(".", "("):
                raise _invalid(f"after {token.text}. the name of a column is missing")
            if self._peek().is_name:
                self._put(self._names.column(self._peek().text), operand=True)
                self._position += 1
        elif self._after_operand:
            self._named(token)
        else:
            self._put(self._names.column(token.text), operand=True)

    def _alias(self) -> None:
        """AS: a type within CAST, elsewhere a new name."""
        if self._open and self._open[-1] in ("CAST", "TRY_CAST"):
            self._put("AS", operand=False)
            self._type()
            return
        token = self._peek()
        self._position += 1
        if self._open and self._open[-1] == STAR_LIST:
            if not token.is_name:
                raise _invalid("a name is missing after AS")
            if self._words[1] == "RENAME" and token.text in self._names.columns:
                raise _invalid(f"RENAME gives a name that another column has, {token.text!r}: choose another")
            self._words += ["AS", _new_name(token)]
            self._after_operand = True
        else:
            self._named(token)

    def _named(self, token: Token) -> None:
        """The name that an item gets is its end."""
        is_end = self._position >= len(self._tokens)
        if self._open or not self._is_item or not self._after_operand or not is_end:
            raise _invalid(f"an operator or a comma is missing before {token.text!r}")
        if not (token.is_name or token.kind == "text"):
            raise _invalid("a name is missing after AS")
        self._words += ["AS", _new_name(token)]

    def _type(self) -> None:
        """The type of a cast."""
        written, self._position = cast_type(self._tokens, self._position)
        is_whole = written.split()[0] in INTEGERS
        self._words.append(written)
        self._after_operand = True
        if self._words[-2] == "AS":
            self._open[-1] = WHOLE_CAST if is_whole else self._open[-1]
        elif is_whole:
            self._words += WIDE

    def _star_list(self, word: str) -> None:
        """What follows a star: names that it leaves out, replaces or renames."""
        self._words.append(word)
        self._after_operand = False
        token = self._peek()
        self._position += 1
        if word == "ILIKE" and token.kind == "text":
            self._words.append(quoted_text(token.text))
        elif token.is_mark("("):
            self._words.append("(")
            self._begin(STAR_LIST)
        elif word in ("EXCLUDE", "EXCEPT") and token.is_name:
            self._words.append(self._names.column(token.text))
        else:
            raise _invalid(f"after * {word}, names in brackets are missing")

    def _mark(self, token: Token) -> None:
        mark = token.text
        if mark == "(":
            if self._after_operand:
                raise _invalid("an operator is missing before (")
            self._put(mark, operand=False)
            self._begin(GROUP)
        elif mark == ")":
            if not self._open or self._open[-1] == CASE:
                raise _invalid(") has no (")
            what = self._open.pop()
            self._words += (mark, *WIDE) if what in WIDENED else (mark,)
            self._after_operand = what != STAR_LIST
        elif mark == "*" and not self._after_operand:
            if self._words or not self._is_item or self._open:
                raise _invalid("* stands for all columns only as an item of SELECT")
            self._words.append(mark)
            self._after_star = True
        elif mark == "::":
            self._put(mark, operand=False)
            self._type()
        elif mark in (".", ";", ""):
            raise _invalid(f"{mark!r} is out of place")
        else:
            self._put(mark, operand=False)

    def _end(self, what: str) -> None:
        if not self._open or self._open.pop() != what:
            raise _invalid("END has no CASE")


def _check_forms(tree: Group) -> None:
    """Raise RecipeError for a function that would guess how a text means a time."""
    groups = [part for part in tree.parts if isinstance(part, Group)]
    for group in groups:
        _check_forms(group)
        if group.name in FORMATTED:
            _, *forms = split(group.parts, (",",))
            if len(forms) != 1 or len(forms[0]) != 1 or not is_text(forms[0][0]):
                raise _invalid(f"{group.name} takes a text and its form, as in {group.name}(text, '%Y-%m-%d')")


def _new_name(token: Token) -> str:
    if is_pattern(token.text):
        raise _invalid(f"Polars reads the name {token.text!r} as a pattern: choose another")
    return quoted_name(token.text)


def _invalid(problem: str) -> RecipeError:
    return RecipeError(problem, code="sql-invalid")
