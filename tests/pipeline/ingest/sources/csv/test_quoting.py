"""Fields of any text against a reader that takes them one by one."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.pipeline.ingest.sources.csv.quoting import requoter, written

NOISE = st.text(st.sampled_from("ab,;|\"'\\ \t\n\r"), max_size=24).map(str.encode)


def fields_of(line: bytes, separator: bytes, canonical: bytes, quote: str) -> list[bytes]:
    mark = b"'" if quote == "apostrophe" else b'"'
    escape = rb"\\.|" if quote == "backslash" else b""
    end = re.escape(separator)
    inside = rb"[^%s\\]|\\.|%s%s" % (mark, mark, mark) if escape else rb"[^%s]|%s%s" % (mark, mark, mark)
    quoted = re.compile(rb"[ \t]*%s((?:%s)*+)%s[ \t]*(?=%s|$)" % (mark, inside, mark, end))
    plain = re.compile(rb"(?:%s(?!%s).)*+" % (escape, end))
    found, start = [], 0
    while True:
        match = None if quote == "none" else quoted.match(line, start)
        field = match[1].replace(mark * 2, mark) if match else plain.match(line, start)[0]  # type: ignore[index]
        if escape:
            field = re.sub(rb'\\([\\"\']|%s)' % end, rb"\1", field)
        found.append(written(field, canonical, is_quoted=match is not None))
        start = match.end() if match else plain.match(line, start).end()  # type: ignore[union-attr]
        if not line.startswith(separator, start):
            return found
        start += len(separator)


@settings(max_examples=150, deadline=None)
@given(
    data=NOISE,
    separator=st.sampled_from([b",", b"||", b";"]),
    quote=st.sampled_from(["loose", "backslash", "apostrophe", "none"]),
)
def test_a_block_is_rewritten_as_its_fields_are(data: bytes, separator: bytes, quote: str) -> None:
    canonical = separator if len(separator) == 1 else b"\x1f"
    parts = re.split(rb"([\r\n])", data)
    parts[::2] = [canonical.join(fields_of(line, separator, canonical, quote)) for line in parts[::2]]
    assert requoter(separator, canonical, quote)(data) == b"".join(parts)
