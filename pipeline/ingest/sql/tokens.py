"""The words, names, texts, numbers and marks of a query, without its comments."""

import re
from typing import Literal, NamedTuple

from longstride.pipeline.ingest.errors import RecipeError

__all__ = ["Token", "quoted_name", "quoted_text", "tokens_of"]

MAX_TOKENS = 200_000
TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/)
    |(?P<text>'(?:[^']|'')*+')
    |(?P<quoted>"(?:[^"]|"")++"|`[^`]+`)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<word>[^\W\d]\w*+(?!['"`$]))
    |(?P<mark>::|\|\||<=>|<=|>=|<>|!=|==|//|!~\*|!~|~\*|~|\^@|[-+*/%&|<>=(),.;])
    """,
    re.VERBOSE | re.DOTALL,
)
MAX_SHOWN = 20


class Token(NamedTuple):
    """A piece of a query."""

    kind: Literal["word", "quoted", "text", "number", "mark"]
    """A word is a name without quotes, or a word of the language."""
    text: str
    """Of names and texts, what the quotes hold."""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words of the language, in capitals here."""
        return self.kind == "word" and self.text.upper() in words

    def is_mark(self, *marks: str) -> bool:
        """Whether it is one of these marks."""
        return self.kind == "mark" and self.text in marks

    @property
    def is_name(self) -> bool:
        """Whether it may be a name."""
        return self.kind in ("word", "quoted")


def tokens_of(sql: str) -> list[Token]:
    """Cut a query into tokens. Raises RecipeError for what a query cannot hold, or may not."""
    found: list[Token] = []
    position = 0
    while position < len(sql):
        match = TOKEN.match(sql, position)
        if match is None or len(found) == MAX_TOKENS:
            rest = sql[position : position + MAX_SHOWN]
            if match is not None:
                problem = f"it has more than {MAX_TOKENS:,} words and marks"
            elif rest.startswith(("'", '"', "`", "/*")):
                problem = f"what begins with {rest!r} does not end, or holds another comment"
            else:
                problem = f"{rest!r} cannot be part of a query"
            raise RecipeError(f"sql cannot be read: {problem}", code="sql-invalid")
        position = match.end()
        kind, text = match.lastgroup, match[0]
        if kind == "text":
            found.append(Token("text", text[1:-1].replace("''", "'")))
        elif kind == "quoted":
            found.append(Token("quoted", text[1:-1].replace('""', '"') if text[0] == '"' else text[1:-1]))
        elif kind == "number":
            found.append(Token("number", text))
        elif kind == "word":
            found.append(Token("word", text))
        elif kind == "mark":
            found.append(Token("mark", text))
    return found


def quoted_name(name: str) -> str:
    """A name as SQL writes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
