"""Columns of two words that say whether something is so."""

from collections.abc import Sequence

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.label_names import is_label_name
from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.truth_words import TRUTH_WORDS
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["find_states", "has_states", "is_truth_word", "query_of_states", "states_entry"]

KNOWN = {word for pair in TRUTH_WORDS for word in pair}


def find_states(draft: Proposal) -> None:
    """Make channels of 1 and 0 of columns that hold two such words; not of labels, by their names."""
    found: dict[tuple[str, str], list[str]] = {}
    for column in draft.free:
        states = None if column.is_number or is_label_name(column.name) else _states(column)
        if states is None:
            continue
        draft.columns[column.name] = Column(column.raw, Spelling(states=states))
        draft.add("states", states_entry(column.name, states), f"{states[0]} is 0, {states[1]} is 1")
        found.setdefault(states, []).append(column.name)
    for (zero, one), names in found.items():
        draft.doubts.append(
            f"{listed(names)}: {quoted(zero)} is stored as 0, and {quoted(one)} as 1. If it is the other way "
            "round, or there are other states, change states; any other text is rejected"
        )


def states_entry(name: str, states: tuple[str, ...] | list[str]) -> str:
    """An entry of `states`."""
    return f"{name}={','.join(states)}"


def query_of_states(name: str, words: Sequence[str]) -> str:
    """A query that makes 0, 1 and so on of texts among the numbers of a column, by the name `number`.

    Of two words that say whether something is so, that for no comes first; others as they are given.
    """
    written = {word.lower(): word for word in words}
    ordered = [written[word] for word in TRUTH_WORDS.get(frozenset(written), tuple(written))]
    column = name.replace('"', '""')
    texts = [word.replace("'", "''") for word in ordered]
    cases = " ".join(f"""WHEN "{column}" = '{text}' THEN {number}""" for number, text in enumerate(texts))
    return f"""SELECT *, CASE {cases} ELSE TRY_CAST("{column}" AS DOUBLE) END AS number FROM rows"""


def is_truth_word(text: str) -> bool:
    """Whether it is one of two such words."""
    return text.lower() in KNOWN


def has_states(column: Column) -> bool:
    """Whether it holds two such words."""
    return _states(column) is not None


def _states(column: Column) -> tuple[str, str] | None:
    """The word for 0 and that for 1, as they are written."""
    if column.raw.dtype != pl.String:
        return None
    # The most frequent way to write each comes last.
    written = {word.lower(): word for word in reversed(column.words)}
    for words in (set(written), {word for word in written if not MISSING_WORD.fullmatch(word)}):
        pair = TRUTH_WORDS.get(frozenset(words))
        if pair:
            return written[pair[0]], written[pair[1]]
    return None
