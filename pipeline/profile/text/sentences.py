"""Logs of sentences, such as `12:00:00 INFO Temp=21.3 C, Humidity: 40 %`: the words that all lines share, and what
changes between them, as a regular expression for the setting `line`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from longstride.pipeline.ingest.sources.csv.header import all_different

__all__ = ["NEARLY_ALL", "SPECIAL", "TIME", "Sentences", "find_sentences"]

MAX_LINES = 500
FEWEST = 3
MOST = 0.5
"""A smaller share of lines that are one sentence says that there is none."""
NEARLY_ALL = 0.9
CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?(?:Z| ?[+-]\d{2}:?\d{2}\b)?"
TIME = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}})(?:(?:T|[ ,_]+){CLOCK})?"
    rf"|(?:[A-Z][a-z]{{2}} +)?[A-Z][a-z]{{2}} +\d{{1,2}},? +(?:\d{{4}} +)?{CLOCK}(?: +\d{{4}})?"
    rf"|\d{{8}}[T_]\d{{6}}\b|{CLOCK}|\d{{9,19}}(?:\.\d+)?(?![\w.])"
)
MOMENT = re.compile(r"\d[-/.]\d.*\d:\d")
"""A date and a time of day."""
KEYED = re.compile(r"(?P<key>[^\W\d]\w*)(?P<mark>\s*[=:]\s*)")
VALUE = re.compile(
    r"[+-]?(?:\d+(?:[.,]\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?P<unit>[^\s\w,;|()\[\]]?[^\s\d,;|()\[\]]{0,7})"
)
MISSING = re.compile(r"(?:nan|n/?a|none|null|-+)(?![^\s,;|)\]])", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)")
WORD = re.compile(r"[^\W\d][\w-]*")
MORE_BLANKS = re.compile(r"\s{2}|[^\S ]")
SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()\-&~#]")
IS_TIME, IS_VALUE, IS_KEYED_WORD, IS_NUMBER, IS_WORD, IS_BLANK, IS_OTHER = range(7)
LITERAL = (IS_BLANK, IS_OTHER)


class Token(NamedTuple):
    """A part of a line."""

    kind: int
    text: str
    key: str = ""
    """What stands before a value."""


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """What most lines of a log say."""

    pattern: str
    """The setting."""
    num_above: int
    """Lines above the first of them."""
    invented: tuple[str, ...]
    """Names of columns that no word says."""
    share: float
    """Of the lines, those that are one."""
    setting: ClassVar[str] = "line"
    why: ClassVar[str] = "lines are sentences: their numbers, and words that change, are columns"

    @property
    def doubt(self) -> str | None:
        """Why the names may be wrong."""
        if not self.invented:
            return None
        return (
            f"line: no word of the lines says what {', '.join(map(repr, self.invented))} is: give such groups of "
            "the regular expression other names, or leave their columns out by exclude"
        )


def find_sentences(lines: Sequence[str], *, are_framed: bool = False) -> Sentences | None:
    """The sentence that most lines are; None where they have no words such as `Temp=` before their numbers.

    With `are_framed`, nearly all must have one date and time of day behind a word, and need no such words.
    """
    indices = [index for index, line in enumerate(lines) if line.strip()][:MAX_LINES]
    split = {index: tuple(_tokens(lines[index].strip())) for index in indices}
    chosen: list[int] = []
    for keep in ((IS_OTHER, IS_WORD), (IS_OTHER,)):
        skeletons = Counter(_skeleton(tokens, keep) for tokens in split.values())
        if not skeletons:
            return None
        usual, count = skeletons.most_common(1)[0]
        if count > len(chosen) and len(chosen) < NEARLY_ALL * len(split):
            chosen = [index for index, tokens in split.items() if _skeleton(tokens, keep) == usual]
    columns = list(zip(*(split[index] for index in chosen), strict=True))
    num_values = sum(column[0].kind == IS_VALUE for column in columns)
    num_bare = sum(column[0].kind == IS_NUMBER and _varies(column) for column in columns)
    if len(chosen) < max(FEWEST, (NEARLY_ALL if are_framed else MOST) * len(split)):
        return None
    if are_framed and not (num_bare and _is_framed(split[chosen[0]])):
        return None
    if not are_framed and (not num_values or num_values < num_bare):
        return None
    line, invented = _expression(columns)
    # A line with a time is none of a title: where it does not fit, an ingest says so.
    first = next(index for index in indices if index == chosen[0] or _has_time(split[index]))
    return Sentences(
        pattern=line,
        num_above=first if first > indices[0] else 0,
        invented=invented,
        share=len(chosen) / len(split),
    )


def _tokens(line: str) -> Iterator[Token]:
    place, has_time = 0, False
    while place < len(line):
        found = [] if has_time else _time_at(line, place)
        found = found or _value_at(line, place) or _other_at(line, place)
        has_time = has_time or found[-1].kind == IS_TIME
        yield from found
        place += sum(len(token.text) for token in found)


def _time_at(line: str, place: int) -> list[Token]:
    key = KEYED.match(line, place)
    time = TIME.match(line, key.end() if key else place)
    if time is None or (place and line[place - 1].isalnum()):
        return []
    before = [Token(IS_OTHER, key[0])] if key else []
    return [*before, Token(IS_TIME, time[0], key["key"] if key else "time")]


def _value_at(line: str, place: int) -> list[Token]:
    """A number behind its name, or a word behind one."""
    key = KEYED.match(line, place)
    if key is None:
        return []
    name = Token(IS_OTHER, key[0])
    if number := VALUE.match(line, key.end()) or MISSING.match(line, key.end()):
        return [name, Token(IS_VALUE, number[0], key["key"])]
    word = WORD.match(line, key.end())
    return [name, Token(IS_KEYED_WORD, word[0], key["key"])] if word else [name]


def _other_at(line: str, place: int) -> list[Token]:
    if line[place].isspace():
        rest = line[place:]
        return [Token(IS_BLANK, rest[: len(rest) - len(rest.lstrip())])]
    for kind, pattern in ((IS_NUMBER, NUMBER), (IS_WORD, WORD)):
        if match := pattern.match(line, place):
            return [Token(kind, match[0])]
    return [Token(IS_OTHER, line[place])]


def _skeleton(tokens: Sequence[Token], keep: Sequence[int]) -> tuple[tuple[int, str], ...]:
    """What a line shares with others: the kinds of its parts, and the texts of the kinds to `keep`."""
    return tuple((token.kind, "".join(token.text.split()) if token.kind in keep else "") for token in tokens)


def _is_framed(tokens: Sequence[Token]) -> bool:
    """Whether a word stands before the one date with a time of day, and none behind it, as in JSON."""
    place = next((place for place, token in enumerate(tokens) if token.kind == IS_TIME), None)
    if place is None or MOMENT.search(tokens[place].text) is None:
        return False
    rest = tokens[place + 1 :]
    is_of_numbers = all(token.kind in (IS_NUMBER, IS_BLANK, IS_OTHER) for token in rest)
    has_other_time = TIME.search("".join(token.text for token in rest)) is not None
    return any(token.kind == IS_WORD for token in tokens[:place]) and is_of_numbers and not has_other_time


def _has_time(tokens: Sequence[Token]) -> bool:
    return any(token.kind == IS_TIME for token in tokens)


def _varies(column: Sequence[Token]) -> bool:
    return len({token.text for token in column}) > 1


def _expression(columns: Sequence[Sequence[Token]]) -> tuple[str, tuple[str, ...]]:
    """The expression, and names in it that no word says."""
    holes = [
        column[0].kind <= IS_KEYED_WORD or (column[0].kind not in LITERAL and _varies(column))
        for column in columns
    ]
    given = _names(columns, holes)
    invented = tuple(f"a{number}" for number, name in enumerate(given, 1) if not name)
    names = iter(all_different([name or f"a{number}" for number, name in enumerate(given, 1)]))
    parts: list[str] = []
    for column, is_hole in zip(columns, holes, strict=True):
        first = column[0]
        if is_hole:
            parts.append(f"(?P<{next(names)}>{_shape(column)}){_degrees(column)}")
        elif first.kind == IS_BLANK:
            parts.append(" +" if all(set(token.text) == {" "} for token in column) else r"\s+")
        else:
            blanks = r"\s*" if _varies(column) else r"\s+" if MORE_BLANKS.search(first.text) else " "
            parts.append(blanks.join(SPECIAL.sub(r"\\\g<0>", text) for text in re.split(r"\s+", first.text)))
    return "".join(parts), invented


def _names(columns: Sequence[Sequence[Token]], holes: Sequence[bool]) -> list[str]:
    """The name of each hole, with the word before it where another has the same; "" where no word says it."""
    keys = [column[0].key for column, is_hole in zip(columns, holes, strict=True) if is_hole]
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    names: list[str] = []
    word = ""
    for column, is_hole in zip(columns, holes, strict=True):
        first = column[0]
        if is_hole:
            name = f"{word}_{first.key}" if word and first.key in repeated else first.key
            names.append("".join(letter if letter.isalpha() or letter.isdecimal() else "_" for letter in name))
            word = ""
        elif first.kind == IS_WORD:
            word = first.text
    return names


def _degrees(column: Sequence[Token]) -> str:
    """The star of 21.3*C, which stands for the sign of degrees, and what follows it."""
    ends = {token.text[token.text.find("*") :] if "*" in token.text else "" for token in column}
    end = ends.pop() if len(ends) == 1 else ""
    return SPECIAL.sub(r"\\\g<0>", end)


def _shape(column: Sequence[Token]) -> str:
    """What fits all texts of a column: as many words as they have."""
    if column[0].kind != IS_TIME:
        return r"\S*" if any("," in token.text for token in column) else r"[^\s,;*]*"
    num_words = {len(token.text.split()) for token in column}
    return r"\s+".join([r"\S+"] * num_words.pop()) if len(num_words) == 1 else r"\S+(?:\s+\S+)*"
