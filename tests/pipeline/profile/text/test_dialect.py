"""Encoding, separator, decimal mark and header, told from small logs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Proposal
from longstride.pipeline.profile.text.dialect import sniff
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, log, propose, times, wave

LOOK = Callable[..., Proposal]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"plain", None),
        ("Außen °C".encode(), "utf-8"),
        ("Außen °C".encode("latin-1"), "latin-1"),
        ("Außen 5 €".encode("cp1252"), "cp1252"),
        # Most are UTF-8: the others are damage.
        ("°°°°°°°°".encode() + b"\xb0\xb0", "utf-8"),
    ],
)
def test_encodings(data: bytes, encoding: str | None) -> None:
    lines = b"".join(b"2024-01-01 00:00:%02d,%d,x\n" % (second, second) for second in range(20))
    assert sniff(b"time,v," + data + b"\n" + lines).settings.get("encoding") == encoding
    assert sniff(b"time,v,x\n" + lines, data).settings.get("encoding") == encoding


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_an_encoding_is_told_from_rows_far_below(write_log: Callable[..., Path], name: str) -> None:
    lines = log("time,v,note", times(10_000), wave(10_000), ["x" * 50] * 9_990 + ["für"] * 10)
    assert propose(write_log(name, [line.encode("latin-1") for line in lines])).settings["encoding"] == "latin-1"
    # A sample that ends within a character of UTF-8 is still UTF-8.
    found = propose(write_log("b.csv", lines), rows=1000)
    assert "encoding" not in found.settings


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("is_always_there", [False, True])
def test_separators(look: LOOK, mark: str, is_always_there: bool) -> None:
    # What is quoted, and what texts hold, is no separator.
    other = ";" if mark in ",|" else "|"
    quoted = [f'"a{found} b"' for found in ",;|\t" * 5]
    texts = [f"a{other}b" if is_always_there or row % 2 else text for row, text in enumerate(quoted)]
    found = look(f"time{mark}v{mark}text", times(20), wave(20), texts, mark=mark)
    assert found.recipe.separator == mark
    assert ("separator" in found.settings) == (mark != ",")
    assert found.settings["exclude"] == ["text"]


@pytest.mark.parametrize(
    ("numbers", "decimal", "doubt"),
    [
        (["1,5", "-0,25", "3"] * 10, ",", False),
        ([*wave(29), "1,5"], ".", False),
        (["1", "2", "3"] * 10, ".", False),
        (["1,500", "2,250", "12,125"] * 10, ",", True),
    ],
    ids=["commas", "points and a slip", "whole", "thousands"],
)
def test_decimal_marks(look: LOOK, numbers: list[str], decimal: str, doubt: bool) -> None:
    found = look("time;v", times(30), numbers, mark=";")
    assert found.recipe.decimal == decimal
    assert ("decimal" in found.settings) == (decimal == ",")
    assert doubted(found, "may group thousands") == doubt


def test_a_log_without_a_header(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    values = wave(29, seed=1)
    found = look("NA,2024-03-18 09:29:00,1.5", wave(29), times(29), values)
    assert found.settings == {"time": "a2", "header": ["a1", "a2", "a3"], "null": ["NA"]}
    made = store()
    assert made.channels == ("a1", "a3")
    np.testing.assert_array_equal(made.values[:, 1], np.array(["1.5", *values], np.float32))


@pytest.mark.parametrize(
    "first", ["time,2023,2024", ",0,1", "when,NA,b"], ids=["years", "pandas", "a word for missing"]
)
def test_headers_that_look_like_rows(look: LOOK, first: str) -> None:
    assert "header" not in look(first, times(30), wave(30), wave(30, seed=1)).settings


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_sniffing_never_fails(data: bytes) -> None:
    assert "separator" in sniff(data).settings
