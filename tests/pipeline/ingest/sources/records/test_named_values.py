"""Names and values in a line: whatever their order, marks, units and texts are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.ingest.sources.json.ndjson import Fault
from longstride.pipeline.ingest.sources.records.named_values import named_values

WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,6}", fullmatch=True)
NUMBERS = st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
UNITS = st.sampled_from(["", "C", "%", " hPa", " m/s", "*C"])
TEXTS = st.text('ab ,;=:|\\"é', max_size=8)


@given(
    st.dictionaries(WORDS, st.one_of(st.tuples(NUMBERS, UNITS), TEXTS), min_size=1, max_size=6),
    st.sampled_from(["=", ":", ": ", " = "]),
    st.sampled_from([" ", ", ", ",", "; ", "|", "\t"]),
)
def test_pairs_are_read_as_they_were_written(
    pairs: dict[str, tuple[str, str] | str], mark: str, separator: str
) -> None:
    def written(value: tuple[str, str] | str) -> str:
        return (
            "".join(value)
            if isinstance(value, tuple)
            else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        )

    found = named_values(separator.join(f"{name}{mark}{written(value)}" for name, value in pairs.items()))
    assert found == {name: "".join(value) for name, value in pairs.items()}


@given(st.text('ab1 =:,;|"()\\\t.-', max_size=40))
def test_each_letter_of_a_line_is_in_a_pair_or_the_line_is_a_fault(text: str) -> None:
    found = named_values(text)
    if isinstance(found, Fault) or "(" in text or '"' in text or "\\" in text:
        return
    kept = "".join(name + (value or "") for name, value in found.items())
    assert sorted(filter(str.isalnum, kept)) == sorted(filter(str.isalnum, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Temp: 21.5 C Hum: 40 %", {"Temp": "21.5 C", "Hum": "40 %"}),
        ("Temp 1: 21 Temp 2: 22", {"Temp 1": "21", "Temp 2": "22"}),
        ("Outside Temp: 21,5; Hum: 40", {"Outside Temp": "21,5", "Hum": "40"}),
        ("ts=2024-03-01T12:00:00Z a=1", {"ts": "2024-03-01T12:00:00Z", "a": "1"}),
        ("time: 2024-03-01 12:00:00, a: 1", {"time": "2024-03-01 12:00:00", "a": "1"}),
        ("at: Mar 1 12:00:00 a: 1", {"at": "Mar 1 12:00:00", "a": "1"}),
        ("+3.3V: 3.29 V  (min = +2.97 V)", {"+3.3V": "3.29 V"}),
        ('{a: 1, note: "b=2, c"}', {"a": "1", "note": "b=2, c"}),
        ('pipe=5" b=2', {"pipe": '5"', "b": "2"}),
        ("Load: 0.02, 0.03, 0.05", {"Load": "0.02, 0.03, 0.05"}),
        ("a= b=2", {"a": None, "b": "2"}),
        ("url=http://x/y a=1", {"url": "http://x/y", "a": "1"}),
        ("", {}),
    ],
)
def test_lines_as_programs_write_them(text: str, expected: dict[str, str | None]) -> None:
    assert named_values(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a=1, b=2, 22", "no name"),
        ("22, a=1", "no name"),
        ("12:00:00", "no name"),
        ("WARN a=1 b=2", "no name"),
        ("a=1 a=2", "name twice"),
        ('a="x b=2', "quote out of place"),
        ("a" * 40_000 + "=1", "line too long"),
    ],
)
def test_what_has_no_name_is_a_fault(text: str, reason: str) -> None:
    found = named_values(text)
    assert isinstance(found, Fault)
    assert found.reason == reason
