"""Which kind of records a text holds, where its first lines show it. Only what may be its kind is imported."""

import re
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from longstride.pipeline.ingest.sources.records.keyed import Keyed

__all__ = ["kind_of_records"]

MAX_BYTES = 2**12


class RecordKind(NamedTuple):
    """A kind of records, in a module of its own."""

    module: str
    source: str
    """Its class."""
    test: str
    """Its function that says whether a text is of this kind."""
    mark: re.Pattern[bytes]
    """What the beginning of each such text holds somewhere; few others do."""

    def reads(self, begin: bytes) -> bool:
        """Whether a text that begins so is of this kind."""
        if self.mark.search(begin) is None:
            return False
        return bool(getattr(self._imported, self.test)(begin))

    def load(self) -> "type[Keyed]":
        """The class that reads this kind."""
        found: type[Keyed] = getattr(self._imported, self.source)
        return found

    @property
    def _imported(self) -> object:
        return import_module(f"{__package__}.{self.module}")


KINDS = (
    RecordKind("line_protocol", "LineProtocol", "is_line_protocol", re.compile(rb"=")),
    RecordKind("annotated", "AnnotatedCsv", "is_annotated", re.compile(rb"#")),
    RecordKind("nmea", "NmeaSentences", "is_nmea", re.compile(rb"\$")),
    RecordKind("frames", "CandumpFrames", "is_candump", re.compile(rb"\([\d.: -]")),
    RecordKind("frames", "AscFrames", "is_asc", re.compile(rb"\A(?i:date) ")),
    RecordKind("isd", "IsdReports", "is_isd", re.compile(rb"\d{12}")),
    RecordKind("in_order", "InOrder", "is_in_order", re.compile(rb"TIMESERIES |Origin Time|PEER ")),
)


def kind_of_records(begin: bytes) -> "type[Keyed] | None":
    """The kind of a text that begins so; None for any other."""
    kind = next((kind for kind in KINDS if kind.reads(begin[:MAX_BYTES])), None)
    return kind and kind.load()
