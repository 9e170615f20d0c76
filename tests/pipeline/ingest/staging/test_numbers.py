"""Spelled numbers, against the numbers that they were spelled from, and against a reader of single characters."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.staging.numbers import to_numbers

BLANKS = " \u00a0\u2009\u202f"
SIGNS = {"thousands": {",": ",", ".": ".", "'": "'\N{RIGHT SINGLE QUOTATION MARK}", "blank": BLANKS}}
TEXTS = st.text(st.sampled_from("0123456789.,' -+e\u00a0\u2212()*%dDx"), max_size=12)
SPELLINGS = st.builds(
    Spelling,
    decimal=st.sampled_from([".", ",", "either"]),
    thousands=st.sampled_from([None, ",", ".", "'", "blank"]),
    strip=st.sampled_from([(), ("*",), ("%", "*")]),
    negative=st.sampled_from([(), ("4-",), ("(4)",), ("4-", "(4)")]),
).filter(
    lambda how: how.thousands != how.decimal and not (how.decimal == "either" and how.thousands in (",", "."))
)


def read(text: str, spelling: Spelling) -> float | None:
    number: float | None = to_numbers(pl.Series([text]), spelling).item()
    return number


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, Spelling, float]:
    """A text, how it is written, and its number."""
    spelling = draw(SPELLINGS)
    whole, fraction = draw(st.integers(0, 10**12)), draw(st.text("0123456789", max_size=4))
    digits = str(whole)
    if spelling.thousands and draw(st.booleans()):
        mark = draw(st.sampled_from(SIGNS["thousands"][spelling.thousands]))
        digits = f"{whole:,}".replace(",", mark)
    decimal = spelling.decimal if spelling.decimal != "either" else draw(st.sampled_from(".,"))
    text = f"{digits}{decimal}{fraction}" if fraction else digits
    sign = draw(st.sampled_from(["", "+", "-", "\u2212", *spelling.negative]))
    exponent = draw(st.sampled_from(["", "e+2", "E-3", "D+01"])) if sign in ("", "+", "-") else ""
    text = {"4-": f"{text}-", "(4)": f"({text})"}.get(sign, f"{sign}{text}{exponent}")
    if spelling.strip:
        flag = draw(st.sampled_from(["", *spelling.strip]))
        text = draw(st.sampled_from([f"{text}{flag}", f"{text} {flag}", f"{flag} {text}"]))
    value = float(f"{whole}.{fraction or 0}{exponent.replace('D', 'e')}")
    return text, spelling, value if sign in ("", "+") else -value


@given(spelled())
def test_a_number_is_read_as_it_was_spelled(one: tuple[str, Spelling, float]) -> None:
    text, spelling, value = one
    assert read(text, spelling) == value


def by_hand(text: str, how: Spelling) -> float | None:
    """What a text means, looked at from its ends inwards."""
    plain = _number(text.strip(), how)
    if plain is not None:
        return plain
    text = text.strip().replace("\u2212", "-")
    text = _without(text, how.strip)
    for negative in how.negative:
        inner = text[:-1].rstrip() if negative == "4-" else text[1:-1].strip()
        ends = text.endswith("-") if negative == "4-" else text[:1] == "(" and text[-1:] == ")"
        if ends and not set(inner) & set("+-()") and any(letter.isdigit() for letter in inner):
            text = f"-{inner}"
    if how.negative:
        text = _without(text, how.strip)
    if re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", text):
        return float(int(text, 16))
    if text.lower().count("d") == 1 and re.search(r"\d.*[dD][+-]?\d+$", text):
        text = re.sub("[dD]", "e", text)
    return _number(text, how)


def _without(text: str, strip: tuple[str, ...]) -> str:
    while strip and text.endswith(strip):
        text = text[:-1].rstrip()
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    rest = rest.lstrip() if rest.lstrip().startswith(strip or ("\0",)) else rest
    return sign + rest[1:].lstrip() if strip and rest.startswith(strip) else text


def _number(text: str, how: Spelling) -> float | None:
    head, e, exponent = text.partition("e")
    sign = head[:1] if head[:1] in ("+", "-") else ""
    body = head[len(sign) :]
    marks = SIGNS["thousands"].get(how.thousands or "", "")
    if any(letter in marks for letter in text):
        split = next((place for place, letter in enumerate(body) if letter in decimals(how)), len(body))
        body, fraction = body[:split], body[split + 1 :]
        groups = re.split(f"[{re.escape(marks)}]", body)
        lengths = [len(group) for group in groups]
        western = 1 <= lengths[0] <= 3 and set(lengths[1:]) == {3}
        indian = how.thousands == "," and 1 <= lengths[0] <= 2 and lengths[-1] == 3 and set(lengths[1:-1]) == {2}
        digits = all(set(group) <= set("0123456789") for group in [*groups, fraction])
        if not (digits and (western or indian) and body[0] != "0"):
            return None
        text = f"{sign}{''.join(groups)}.{fraction}{e}{exponent}"
    elif how.decimal != "." and "." in text and (how.decimal == "," or "," in text):
        return None
    elif how.decimal != ".":
        text = text.replace(",", ".", 1)
    try:
        return None if "_" in text or text != text.strip() else float(text)
    except ValueError:
        return None


def decimals(how: Spelling) -> str:
    return ".," if how.decimal == "either" else how.decimal


@given(TEXTS, SPELLINGS)
def test_any_text_is_the_number_that_it_spells_or_none(text: str, spelling: Spelling) -> None:
    assert read(text, spelling) == by_hand(text, spelling)


@pytest.mark.parametrize(
    ("text", "spelling", "value"),
    [
        ("12,34,567.8", Spelling(thousands=","), 1234567.8),
        ("1,23,4567", Spelling(thousands=","), None),
        ("0,123", Spelling(thousands=","), None),
        ("1234,567", Spelling(thousands=","), None),
        ("1,234", Spelling(), None),
        ("1,234", Spelling(decimal="either"), 1.234),
        ("1.234,5", Spelling(decimal="either"), None),
        ("4 m3", Spelling(strip=("m3",)), 4),
        ("4.27 bar*", Spelling(strip=("bar", "*")), 4.27),
        ("4.27 mbar", Spelling(strip=("bar",)), None),
        ("-\u20ac3.50", Spelling(strip=("\u20ac",)), -3.5),
        ("bar", Spelling(strip=("bar",)), None),
        ("4.27 kW", Spelling(strip=("W",), scale=(("kW", 1000.0),)), 4270),
        ("4.27 W", Spelling(strip=("W",), scale=(("kW", 1000.0),)), 4.27),
        ("4.27", Spelling(strip=("W",), scale=(("kW", 1000.0),)), 4.27),
        ("-12 mA*", Spelling(strip=("A", "*"), scale=(("mA", 0.001),)), -0.012),
        ("1,5k", Spelling(decimal=",", scale=(("k", 1000.0),)), 1500),
        ("4.27 MW", Spelling(strip=("W",), scale=(("kW", 1000.0),)), None),
        ("1e5", Spelling(strip=("e5",)), 1e5),
        ("(4.27 bar)", Spelling(strip=("bar",), negative=("(4)",)), -4.27),
        ("4.27-", Spelling(), None),
        ("-0xff", Spelling(), -255),
        ("0x2d9", Spelling(), 0x2D9),
        ("0xFFFFFFFFFFFFFFFFF", Spelling(), None),
        ("\uff11\uff12", Spelling(), None),
        (" on ", Spelling(states=("OFF", "ON")), 1),
        ("1", Spelling(states=("10", "1")), 1),
        ("0", Spelling(states=("OFF", "ON")), None),
    ],
)
def test_single_texts(text: str, spelling: Spelling, value: float | None) -> None:
    assert read(text, spelling) == value
