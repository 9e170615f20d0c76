"""Columns that say how good the values of a row are, as historians and OPC servers write them: never an input."""

import re

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.time_names import plain
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import share

__all__ = ["find_qualities"]

QUALITY = (
    r"opcquality|qualitydetail|qualitycode|quality|validity|isvalid|valid|isgood|qc|qf|qds|questionable|qualität"
    r"|qualitaet|gültig|gueltig|güte|qualité|valide|calidad|válido|qualità|qualidade|kwaliteit|jakość|kvalitet"
    r"|качество|质量"
)
QUALITY_NAME = re.compile(rf"(?P<of>.*?)(?P<word>{QUALITY})(flag|code|status|bit)?")
CODE_NAME = re.compile(r"(?P<of>.*?)(?P<word>statuscode|status|flag|q)(flag|code|bit)?")
"""Names of qualities where the values are such codes, and else of states."""
MEASURED = re.compile(r".*(air|water|signal|link|sleep|image|power|indoor|fuel|oil|indice|index).?")
"""The quality of these is measured itself."""
OPC_CODES = {0, 4, 8, 12, 16, 20, 24, 28, 64, 68, 80, 84, 88, 192, 216}
STATUS_CODES = {0, 2**30, 2**31}
"""The first of the numbers of OPC UA: good, uncertain, bad; others are these and a little more."""
GOOD = re.compile(
    r"good(_?(non)?specific|_?local_?override)?|gut|ok|valid|gültig|bon|bonne|valide|buen[oa]|buon[oa]|bom|goed"
    r"|true|yes|ja|oui|sí|si|192(\.0)?|0x0*c0",
    re.IGNORECASE,
)
BAD = re.compile(
    r"bad.*|uncertain.*|schlecht|ungültig|invalid|mauvaise?|douteux|mal[oa]|dudoso|cattiv[oa]|questionable|false"
    r"|no|nein|non|stale",
    re.IGNORECASE,
)
MAX_VALUES = 8


def find_qualities(draft: Proposal) -> None:
    """Leave out qualities, and say how a query takes good values alone."""
    found: dict[str, tuple[str | None, str]] = {}
    for column in draft.free:
        if 2 <= len(column.values) <= MAX_VALUES and (good := _good(column)) is not None:
            found[column.name] = _of(draft, column.name), good
    for name, (of, good) in found.items():
        column = draft.columns[name]
        bad = share(int((column.texts != good).sum()), len(column.texts))
        draft.exclude(column, f"a quality: {column.examples()}")
        draft.doubts.append(
            f"{name!r} is left out, for it says how good {'the rows are' if of is None else f'{of!r} is'}: "
            f"{quoted(good)}, or others in {bad} of rows. Values that are not good are kept. To "
            f"{'leave these rows out' if of is None else 'make them missing'}, say sql = "
            f"{toml(_query(draft, {name: found[name]}))}"
        )
    if sum(of is not None for of, _ in found.values()) > 1:
        draft.doubts.append(
            f"to make values that are not good missing by all of {listed(list(found))}, say sql = "
            f"{toml(_query(draft, found))}"
        )


def _good(column: Column) -> str | None:
    """The value of a quality that says good; None where a column is none."""
    name = plain(column.name)
    is_called_so = QUALITY_NAME.fullmatch(name) is not None
    named = _named(name)
    if named is None or MEASURED.fullmatch(named):
        return None
    values = column.values.to_list()
    if column.is_number and column.is_whole and column.numbers.count():
        return _good_code(column, name, is_called_so=is_called_so)
    good = [text for text in values if GOOD.fullmatch(text)]
    bad = [text for text in values if BAD.fullmatch(text)]
    if "questionable" in name:
        good, bad = bad, good
    return good[0] if len(good) == 1 and (bad or is_called_so) else None


def _good_code(column: Column, name: str, *, is_called_so: bool) -> str | None:
    codes = {int(number) for number in column.numbers.drop_nulls().unique().to_list()}
    known = dict(zip(column.numbers.to_list(), column.texts.to_list(), strict=True))
    if 192 in codes and codes <= OPC_CODES:
        return str(known[192])
    if 0 in codes and codes & STATUS_CODES - {0} and all(code in STATUS_CODES or code > 2**30 for code in codes):
        return str(known[0])
    if not is_called_so:
        return None
    if codes == {0, 1} and name.endswith(("valid", "valide", "good", "gültig", "gueltig", "válido", "validity")):
        return str(known[1])
    if codes == {0, 1} and "questionable" in name:
        return str(known[0])
    return str(column.texts.drop_nulls().mode().sort().to_list()[0])


def _of(draft: Proposal, name: str) -> str | None:
    """The channel that a quality is of, by their names; None where it is of the row."""
    of = _named(plain(name))
    channels = {plain(column.name): column.name for column in draft.channels if column.name != name}
    return (channels.get(of) or channels.get(f"{of}value")) if of else None


def _named(name: str) -> str | None:
    """What stands before the word for a quality; None where a name has no such word."""
    found = QUALITY_NAME.fullmatch(name) or CODE_NAME.fullmatch(name)
    return None if found is None else found["of"]


def _query(draft: Proposal, found: dict[str, tuple[str | None, str]]) -> str:
    values = [
        f"CASE WHEN {_is_good(draft.columns[name], good)} THEN {_name(of)} END AS {_name(of)}"
        for name, (of, good) in found.items()
        if of is not None
    ]
    rows = [_is_good(draft.columns[name], good) for name, (of, good) in found.items() if of is None]
    chosen = f"* REPLACE ({', '.join(values)})" if values else "*"
    return f"SELECT {chosen} FROM rows" + (f" WHERE {' AND '.join(rows)}" if rows else "")


def _is_good(column: Column, good: str) -> str:
    doubled = good.replace("'", "''")
    return f"{_name(column.name)} = " + (f"'{doubled}'" if column.raw.dtype == pl.String else good)


def _name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
