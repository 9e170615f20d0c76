"""Which columns are labels: what models should find, never an input of theirs."""

import re

import polars as pl

from longstride.pipeline.ingest.columns import MAX_LABEL
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.states import has_states, is_truth_word
from longstride.pipeline.profile.words.label_names import (
    is_label_name,
    is_target_name,
    may_be_label_name,
    names_normal,
    says_normal,
)
from longstride.pipeline.profile.words.time_names import plain
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import share

__all__ = ["find_labels"]

MAX_TEXTS = 6
MAX_KINDS = 20
UNSET = "false", "0", "0.0"


def find_labels(draft: Proposal) -> None:
    """Find labels by their names, and by what they hold; each that is only likely is in doubt."""
    queries = []
    for column in draft.free:
        is_label, may_be = is_label_name(column.name), may_be_label_name(column.name)
        num_missing = _num_missing(draft, column)
        if (is_label or may_be) and (normal := _normal_texts(column, is_label=is_label)):
            queries.append(_computed(draft, column, normal, num_missing))
        elif is_label and column.is_flag and not num_missing:
            num_set = int(column.texts.str.to_lowercase().is_in(["true", "1", "1.0"]).sum())
            how_many = share(num_set, len(column.texts)) if num_set else "none"
            _use(draft, column, f"{how_many} of them set")
        elif is_label and _is_of_kinds(column) and not num_missing:
            _use(draft, column, f"kinds from {column.shown()}")
            draft.doubts.append(f"labels: {column.name!r} is taken for labels, not for an input: {column.shown()}")
        elif is_label and column.is_flag:
            _doubt_missing(draft, column, num_missing)
        elif is_label:
            kept = "kept as a channel, an input of models" if column.is_number else "left out"
            draft.doubts.append(
                f"{column.name!r} looks like labels, but is {column.shown()}: it is {kept}. A query can make true "
                f"and false of it, as in {_example(column)}"
            )
        elif may_be and (column.is_flag or _is_of_kinds(column)) and len(column.values) > 1:
            draft.doubts.append(
                f"{column.name!r} is kept as a channel, an input of models: if it says what they should find, say "
                f"labels = {toml((column.name,))}"
            )
        elif is_target_name(column.name) and column.is_number and len(column.values) > 1:
            draft.doubts.append(
                f"{column.name!r} is kept as a channel, an input of models: it seems to say what they should "
                f"find. If so, say exclude = {toml((column.name,))}"
            )
    if queries:
        draft.put("sql", f"SELECT *, {', '.join(queries)} FROM rows")


def _use(draft: Proposal, column: Column, why: str) -> None:
    draft.uses[column.name] = f"labels, {why}"
    draft.add("labels", column.name, why)
    _count_as_label(draft, column)


def _count_as_label(draft: Proposal, column: Column) -> None:
    """Say that it is one. Where some files lack it, they may be those in which nothing happened."""
    draft.label_columns.append(column.name)
    lacking = sorted({source.name for source, _ in draft.sample.excerpts if column.name not in source.names})
    if lacking:
        draft.put("absent-labels", "zero", "some files lack a label")
        draft.doubts.append(
            f"{lacking[0]} has no column {column.name!r}: its rows are labelled 0. If they are not known to be "
            "normal, ingest that file apart"
        )


def _num_missing(draft: Proposal, column: Column) -> int:
    """Rows without a label, of the files that have the column."""
    has = {source.name for source, _ in draft.sample.excerpts if column.name in source.names}
    return column.texts.filter(draft.rows["file"].is_in(list(has))).null_count()


def _is_of_kinds(column: Column) -> bool:
    numbers = column.numbers
    return (
        column.is_number
        and column.is_whole
        and not column.words
        and numbers.n_unique() <= MAX_KINDS
        and bool(numbers.is_between(0, MAX_LABEL).all())
    )


def _normal_texts(column: Column, *, is_label: bool) -> list[str]:
    """How a column of a few texts writes that all is normal; nothing where it is not such a column."""
    says_so = says_normal if is_label or not has_states(column) else names_normal
    if column.is_number or column.is_flag or column.raw.dtype != pl.String:
        return []
    if not 2 <= len(column.values) <= MAX_TEXTS:
        return []
    written = column.raw.drop_nulls().unique(maintain_order=True).to_list()
    return sorted(text for text in written if says_so(text))


def _computed(draft: Proposal, column: Column, normal: list[str], num_missing: int) -> str:
    """Propose a label that a query computes from texts, and give what stands after SELECT."""
    others = [text for text in column.values.to_list() if text not in map(str.strip, normal)]
    label = plain(others[0]) if len(others) == 1 else "abnormal"
    if len(others) == 1 and is_truth_word(others[0]):
        label = f"is_{plain(column.name)}"
    taken = {name.lower() for name in draft.columns} | set(draft.settings.get("labels", ()))
    while not label or label in taken:
        label = f"is_{label or 'abnormal'}"
    query = f"{_compared(column.name, normal, num_missing)} AS {_quoted_name(label)}"
    how_many = share(int(column.texts.is_in(others).sum()), len(column.texts))
    draft.exclude(column, f"texts: {column.examples()}; the query makes the label {label!r} of them")
    draft.add("labels", label, f"{how_many} of them set, where {column.name!r} is not {quoted(normal[0])}")
    missing = f", and where it is missing ({num_missing:,} rows)" if num_missing else ""
    draft.doubts.append(
        f"{column.name!r} holds {', '.join(map(quoted, column.values))}: it becomes the label {label!r}, 0 "
        f"where it is {' or '.join(map(quoted, normal))}{missing}, 1 elsewhere. If that is wrong, change sql, or "
        "remove it with the label"
    )
    _count_as_label(draft, column)
    return query


def _compared(name: str, normal: list[str], num_missing: int) -> str:
    texts = [f"""'{text.replace("'", "''")}'""" for text in normal]
    column = f"COALESCE({_quoted_name(name)}, {texts[0]})" if num_missing else _quoted_name(name)
    return f"{column} <> {texts[0]}" if len(texts) == 1 else f"{column} NOT IN ({', '.join(texts)})"


def _quoted_name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _doubt_missing(draft: Proposal, column: Column, num_missing: int) -> None:
    queried = _set(column, num_missing)
    draft.doubts.append(
        f"{column.name!r} looks like labels, but {share(num_missing, len(column.texts))} of them are missing: it "
        f"is kept as a channel, an input of models. If missing means 0, say exclude = {toml((column.name,))}, "
        f'labels = ["is_{plain(column.name)}"] and '
        f"sql = {toml(f'SELECT *, {queried} AS is_{plain(column.name)} FROM rows')}"
    )


def _set(column: Column, num_missing: int) -> str:
    """What is true where a flag is set, and neither false nor missing."""
    name = _quoted_name(column.name)
    if column.raw.dtype == pl.Boolean:
        return f"COALESCE({name}, FALSE)"
    if column.raw.dtype.is_numeric():
        return f"COALESCE({name}, 0) <> 0"
    written = column.raw.drop_nulls().unique(maintain_order=True).to_list()
    return _compared(column.name, [text for text in written if text.strip().lower() in UNSET] or [""], num_missing)


def _example(column: Column) -> str:
    name = f"is_{plain(column.name)}"
    # Where some rows say nothing, nothing is normal.
    value = column.values[0] if len(column.values) and not column.texts.null_count() else ""
    compared = _compared(column.name, [value], column.texts.null_count())
    if column.raw.dtype.is_numeric():
        compared = f"COALESCE({_quoted_name(column.name)}, 0) > 0"
    return f"exclude = {toml((column.name,))}, labels = {toml((name,))} and sql = " + toml(
        f"SELECT *, {compared} AS {name} FROM rows"
    )
