"""Where the head of a file ends, where it says so itself or is too long to be anything else."""

import re

__all__ = ["head_length", "longest_section", "named_in_head", "named_separator", "num_sections"]

END = re.compile(
    rb"^[^\w\n]*(?:(?:end[ _]?of[ _]?(?:the[ _]?)?(?:file[ _]?)?head(?:er)?|end[ _]?head(?:er)?|eoh)[^\w\n]*"
    rb"|\*+ *end *\*+[ \t\r]*)$",
    re.IGNORECASE | re.MULTILINE,
)
"""A line such as ***End_of_Header*** or *END*."""
FACT = re.compile(rb"\s*(?:[%#*;!$/]|[^\W\d][^:=\n]{0,80}(?:\s*[:=]))")
"""What a line of a head begins with."""
TITLE = re.compile(rb"^\[[^\[\],;\t\n]{1,60}\][ \t\r]*\n", re.MULTILINE)
"""A line such as [HRData]."""
NUMBERS = re.compile(rb"[-+\d.][-+\d.,;:/eETZ \t\r]*")
"""A row of numbers and times."""
FEWEST_ROWS = 10
MARKS = (b";", b"\t", b",", b"|")
LABVIEW = b"LabVIEW Measurement"
SEPARATOR = re.compile(rb"^Separator[\t:=, ]+(tab|comma|semicolon)\b", re.IGNORECASE | re.MULTILINE)
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}
LONG = 60
"""So many facts in a row are a head, though nothing says where it ends."""


def head_length(text: bytes) -> int:
    """Bytes of the head of a text, up to the end of a line; 0 where none is known by its end or its length."""
    ends = [match.end() for match in END.finditer(text)]
    if ends:
        # LabVIEW has one for the file, and one for each section of rows.
        last = ends[:2][-1] if text.startswith(LABVIEW) else ends[0]
        return _end_of_line(text, last)
    length = num_lines = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not FACT.match(line):
            break
        length += len(line)
        num_lines += 1
    return length if num_lines >= LONG and length < len(text) else 0


def named_in_head(head: bytes) -> str | None:
    """The separator of the rows, where a head names it by its word."""
    match = SEPARATOR.search(head)
    return SEPARATORS[match[1].decode().lower()] if match else None


def named_separator(text: bytes) -> tuple[str | None, int]:
    """The separator that a first line such as sep=; names, and the length of that line."""
    match = re.match(rb'"?sep=(.)"?\r?\n', text, re.IGNORECASE)
    return (match[1].decode("latin-1"), match.end()) if match else (None, 0)


def num_sections(text: bytes) -> int:
    """How many tables with a head of their own a file of LabVIEW holds, as far as it is seen."""
    return max(1, len(END.findall(text)) - 1) if text.startswith(LABVIEW) else 1


def longest_section(text: bytes) -> tuple[int, str] | None:
    """Where the rows of a file of titled sections begin, and their title; None for other files.

    They are more than half of all lines, and begin with one of numbers. Above their title stands no line of as
    many fields: that would hold their names.
    """
    titles = list(TITLE.finditer(text))
    if len(titles) < 2:
        return None
    ends = [title.start() for title in titles[1:]] + [len(text)]
    sizes = {title: text.count(b"\n", title.end(), end) for title, end in zip(titles, ends, strict=True)}
    title = max(sizes, key=lambda one: sizes[one])
    if sizes[title] < max(FEWEST_ROWS, text.count(b"\n") / 2):
        return None
    first = text[title.end() :].lstrip(b"\r\n").split(b"\n", 1)[0]
    above = text[: title.start()].rstrip().rsplit(b"\n", 1)[-1]
    if not NUMBERS.fullmatch(first) or _may_name(above, first):
        return None
    return title.end(), title[0].decode(errors="replace").strip()


def _may_name(line: bytes, row: bytes) -> bool:
    """Whether a mark that cuts a row cuts a line into as many fields, without a number among them."""
    mark = next((mark for mark in MARKS if line.count(mark) == row.count(mark) > 0), None)
    return mark is not None and not any(NUMBERS.fullmatch(field) for field in line.split(mark))


def _end_of_line(text: bytes, place: int) -> int:
    stop = text.find(b"\n", place - 1)
    return len(text) if stop < 0 else stop + 1
