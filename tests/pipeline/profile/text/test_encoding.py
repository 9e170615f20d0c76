"""The encoding of a text: a sign for a lost letter is not a wrong byte."""

import pytest

from longstride.pipeline.profile.text.encoding import find_encoding

LOST = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("head", [f"time,T1[{LOST}C]\n", f"{LOST},{LOST}C\n", f"Zeit,Größe {LOST}\n"])
def test_letters_that_were_lost_before_are_utf8(head: str) -> None:
    encoding, doubt = find_encoding(head.encode() + b"1,2\n" * 9)
    assert encoding == "utf-8"
    assert "U+FFFD" in str(doubt)


def test_lost_letters_among_wrong_bytes_do_not_make_utf8() -> None:
    data = f"a{LOST},".encode() + "Größe,Höhe,Übertrag,Länge,Maß\n".encode("latin-1") * 3
    assert find_encoding(data)[0] != "utf-8"


def test_whole_utf8_is_not_doubted() -> None:
    assert find_encoding("Größe,Höhe °C\n".encode()) == ("utf-8", None)
