"""Find how the numbers of each column are written, where they are not as all programs write them."""

import re
from dataclasses import replace

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.line_numbers import LineNumbers
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.affixes import Affixes, affixes_of
from longstride.pipeline.profile.spelling.marks import Reading, best_reading, has_sure_fraction
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import counted, number

__all__ = ["find_spellings"]

SEPARATORS = ",;"
"""Where columns are cut at blanks, one may stand behind a unit."""
MARKED = r"\d[.,'\u{2019} \u{a0}\u{2009}\u{202f}]\d{3}(\D|$)"
HEXADECIMAL = r"^[+-]?0[xX]"


def find_spellings(draft: Proposal) -> None:
    """Find marks, units and flags, column by column."""
    base = str(draft.sample.dialect.settings.get("decimal", "."))
    separator = str(draft.sample.dialect.settings.get("separator", ","))
    texts = [column for column in draft.free if column.raw.dtype == pl.String and len(column.values)]
    sure = {mark: {column.name for column in texts if has_sure_fraction(column, mark)} for mark in ".,"}
    decimals: dict[str, str] = {}
    for column in texts:
        affixes = affixes_of(column) if any(map(_has_digit, column.odd_words)) else None
        if affixes and affixes.are_mixed and affixes.factors is None:
            continue
        usual = [mark for mark, names in sure.items() if names - {column.name}]
        spelling = Spelling(decimal=base)
        if affixes:
            spelling = replace(spelling, strip=affixes.strip, scale=affixes.scale)
        is_odd = affixes is not None or any(map(_has_digit, column.odd_words))
        is_marked = is_odd or column.values.str.contains(MARKED).any()
        if not is_marked or (not is_odd and separator == "," and not sure[","] and _are_fractions(column)):
            _doubt_hexadecimal(draft, column)
            continue
        best, other = best_reading(column, spelling, usual[0] if len(usual) == 1 else None, separator)
        found = Column(column.raw, best.spelling)
        if not found.is_number:
            continue
        draft.columns[column.name] = found
        if affixes:
            _say_affixes(draft, found, affixes)
        if best.spelling.decimal != base:
            if best.spelling.decimal != "either" and not other:
                _doubt_decimal(draft, found, best.spelling.decimal)
            decimals[column.name] = best.spelling.decimal
        _say_marks(draft, found, best, other)
        _doubt_hexadecimal(draft, found)
    if decimals:
        every = [] if base == "." else [base]
        draft.put("decimal", [*every, *(f"{name}={mark}" for name, mark in decimals.items())])


def _are_fractions(column: Column) -> bool:
    """Whether points can only stand before a fraction, as in 20.123, where commas separate fields."""
    return not column.values.str.contains(r"[^\d.+-]|\..*\.|^[+-]?[1-9]\d\d$").any()


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _say_affixes(draft: Proposal, column: Column, affixes: Affixes) -> None:
    name, total = column.name, column.numbers.count()
    # South and west may be below zero.
    if affixes.factors is not None:
        _say_scale(draft, name, affixes)
    is_place = re.search("lat|lon|lng", name, re.IGNORECASE) and set(affixes.units) <= set("NSEW")
    for unit, count in affixes.units.items():
        if affixes.factors is not None:
            continue
        draft.add("strip", f"{name}={unit}", f"stands at {counted(count, 'number')}")
        if affixes.unit is None or is_place:
            draft.doubts.append(
                f"{unit!r} stands at {count:,} of {total:,} numbers of {name!r} and is left out: if such numbers "
                f"mean another thing than those without it, remove {toml(f'{name}={unit}')} from strip, and they "
                "are rejected"
            )
        elif "=" not in unit and not _has_unit(draft, name):
            draft.add("unit", f"{name}={unit.rstrip(SEPARATORS)}", "as its numbers say")
    for flag, count in affixes.flags.items():
        draft.add("strip", f"{name}={flag}", f"stands at {counted(count, 'number')}")
        meaning = "a limit, not the value" if flag[0] in "<>\u2264\u2265" else "such as a bad value"
        draft.doubts.append(
            f"{flag!r} stands at {count:,} of {total:,} numbers of {name!r} and is left out: if it says that they "
            f"mean something else ({meaning}), remove {toml(f'{name}={flag}')} from strip, and they are rejected"
        )


def _say_scale(draft: Proposal, name: str, affixes: Affixes) -> None:
    """Numbers in different units of one kind are put in the one that most have."""
    assert affixes.factors is not None
    usual, factors = affixes.factors
    if usual:
        draft.add("strip", f"{name}={usual}", f"stands at {counted(affixes.units[usual], 'number')}")
        if not _has_unit(draft, name):
            draft.add("unit", f"{name}={usual}", "as its numbers say; others are scaled")
    for unit, factor in factors.items():
        draft.add(
            "scale", f"{name}={unit}*{_shown(factor)}", f"stands at {counted(affixes.units[unit], 'number')}"
        )
    shown = ", ".join(f"1 {unit} is read as {_shown(factor)} {usual}".rstrip() for unit, factor in factors.items())
    draft.doubts.append(
        f"{name!r} changes its unit ({affixes.shown()}): {shown}"
        f"{f', others as {usual}' if usual else ''}. If that is wrong, change scale, or exclude the column"
    )


def _shown(factor: float) -> str:
    return repr(factor).removesuffix(".0")


def _has_unit(draft: Proposal, name: str) -> bool:
    return any(entry.startswith(f"{name}=") for entry in draft.settings.get("unit", ()))


def _say_marks(draft: Proposal, column: Column, best: Reading, other: Reading | None) -> None:
    name, spelling = column.name, best.spelling
    if spelling.thousands:
        example = column.values.filter(column.values.str.contains(MARKED))[0]
        draft.add("thousands", f"{name}={spelling.thousands}", f"as in {quoted(example)}")
        _doubt_list(draft, column, spelling.thousands)
    for how in spelling.negative:
        draft.add("negative", f"{name}={how}", "below zero?")
        draft.doubts.append(f"{name!r} has numbers written as {how}, which are read as -4")
    if spelling.decimal == "either":
        lines = [_line(draft, name, mark) for mark in ".,"]
        draft.doubts.append(
            f"{name!r} changes its decimal mark: {' and '.join(line for line in lines if line)}. Both are read as "
            f"fractions; if one of them groups thousands, name the decimal mark of {name!r} in decimal, and "
            "rows with the other one are rejected"
        )
    if other is not None:
        _doubt_groups(draft, column, best, other)


def _doubt_list(draft: Proposal, column: Column, mark: str) -> None:
    """Where every number has as many groups, and more than two, each may be a value."""
    if mark not in ".,":
        return
    read = column.texts.filter(column.numbers.is_not_null())
    counts = read.str.count_matches(mark, literal=True)
    if counts.n_unique() == 1 and (num_groups := int(counts[0]) + 1) > 2:
        draft.doubts.append(
            f"{quoted(read[0])} in {column.name!r} is read as one number: "
            f"if it is a list of {num_groups}, say exclude = {toml([column.name])}"
        )


def _doubt_groups(draft: Proposal, column: Column, best: Reading, other: Reading) -> None:
    """Name both readings of a text."""
    texts = column.texts.drop_nulls().alias("text").value_counts(sort=True)["text"]
    (row, *_) = best.numbers.ne_missing(other.numbers).arg_true().to_list()
    is_grouped = best.spelling.thousands is not None
    one = other.spelling if is_grouped else best.spelling
    grouped = best.spelling if not one.thousands and is_grouped else other.spelling
    if is_grouped:
        line = f"decimal = [{toml(f'{column.name}={one.decimal}')}] and no thousands of it"
    else:
        line = f"thousands = [{toml(f'{column.name}={grouped.thousands}')}]"
        if grouped.decimal != best.spelling.decimal:
            line += f" and decimal = [{toml(f'{column.name}={grouped.decimal}')}]"
    as_groups, as_fraction = (best, other) if is_grouped else (other, best)
    draft.doubts.append(
        f"{texts[row]} in {column.name!r} may group thousands ({number(as_groups.numbers[row])}) or write a "
        f"fraction ({number(as_fraction.numbers[row])}): it is read as {number(best.numbers[row])}. If that is "
        f"wrong, say {line}"
    )


def _doubt_decimal(draft: Proposal, column: Column, mark: str) -> None:
    text = next((text for text in column.values if mark in text), column.values[0])
    draft.doubts.append(
        f"{column.name!r} has another decimal mark than the rest of the log: {quoted(text)} is read as one "
        "number. If it is two, exclude the column"
    )


def _line(draft: Proposal, name: str, mark: str) -> str | None:
    """Where a number first has a mark."""
    for source, raw in draft.sample.excerpts:
        if name in raw.frame.columns:
            texts = raw.frame[name].cast(pl.String)
            found = texts.str.contains(mark, literal=True).fill_null(False).arg_true()
            if len(found):
                text = quoted(texts[int(found[0])].strip())
                return f"{text} in {source.line} {LineNumbers().of_file(source, raw).lines[int(found[0])]:,}"
    return None


def _doubt_hexadecimal(draft: Proposal, column: Column) -> None:
    found = column.values.filter(column.values.str.contains(HEXADECIMAL))
    if len(found) and column.is_number:
        draft.doubts.append(
            f"{column.name!r} holds hexadecimal numbers such as {found[0]}, read as whole numbers: if their bits "
            "mean something else, exclude it"
        )
