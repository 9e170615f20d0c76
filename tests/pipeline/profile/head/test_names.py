"""Names that a head lists, and where it ends."""

import pytest

from longstride.pipeline.profile.head.bare import bare_length
from longstride.pipeline.profile.head.extent import head_length, num_sections
from longstride.pipeline.profile.head.facts import find_facts


def test_names_that_are_numbered() -> None:
    lines = ["# name 0 = scan: Scan Count", "# name 1 = t0C: Temperature [ITS-90, deg C]", "# name 2 = Oxygen [V]"]
    facts = find_facts(lines, 3)
    assert facts.names == ("scan", "t0C", "Oxygen")
    assert facts.units == {"t0C": "deg C", "Oxygen": "V"}
    assert find_facts(lines, 4).names == ("Time", "scan", "t0C", "Oxygen")
    assert find_facts(lines, 5).names == ()
    assert find_facts([*lines, "# name 7 = depth"], 4).names == ()


def test_names_that_come_one_by_one() -> None:
    lines = ["Channel : RPM", "ID : 1", "Channel : Gear (now)", "ID : 2", "Channel : RPM", "ID : 3"]
    assert find_facts(lines, 4).names == ("Time", "RPM", "Gear (now)", "RPM_2")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (b"* a\n# b = 1\n*END*\r\n1 2\n", b"1 2\n"),
        (b"a\n% end of header %\n1 2\n", b"1 2\n"),
        (b"EOH\n1 2\n", b"1 2\n"),
        (b"END\n1 2\n", None),
        (b"".join(b"Channel : x%d\n" % n for n in range(80)) + b"1:00 2\n", b"1:00 2\n"),
        (b"".join(b"Channel : x%d\n" % n for n in range(8)) + b"1:00 2\n", None),
        (b"".join(b"key%d: 1\n" % n for n in range(80)), None),
    ],
)
def test_where_a_head_ends(text: bytes, rest: bytes | None) -> None:
    length = head_length(text)
    assert (text[length:] if length else None) == rest


def test_sections_of_labview() -> None:
    mark = b"***End_of_Header***\t\n"
    text = b"LabVIEW Measurement\n" + mark + b"Channels\t1\n" + mark + b"X\n1\n"
    assert text[head_length(text) :] == b"X\n1\n"
    assert num_sections(text) == 1
    twice = text + b"Channels\t1\n" + mark + b"X\n2\n"
    assert twice[head_length(twice) :].startswith(b"X\n1\n")
    assert num_sections(twice) == 2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"1644227310.0\n64.0\n-1.5\n", 18),
        (b"1644227310, 1644227310\r\n32, 32\r\n1,2\r\n", 32),
        (b"1644227310, 1644227311\n32, 32\n1,2\n", 0),
        (b"1644227310\n1644227311\n1644227312\n", 0),
        (b"1644227310\n64\n1644227312\n", 0),
        (b"1644227310\n0\n5\n", 0),
        (b"16442\n64\n5\n", 0),
    ],
)
def test_a_head_of_two_rows_of_numbers(text: bytes, length: int) -> None:
    assert bare_length(text) == length
