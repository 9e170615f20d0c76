"""Which kind of records a text holds, where its first lines show it."""

from collections.abc import Callable

from longstride.pipeline.ingest.sources.records.annotated import AnnotatedCsv, is_annotated
from longstride.pipeline.ingest.sources.records.frames import AscFrames, CandumpFrames, is_asc, is_candump
from longstride.pipeline.ingest.sources.records.in_order import InOrder, is_in_order
from longstride.pipeline.ingest.sources.records.isd import IsdReports, is_isd
from longstride.pipeline.ingest.sources.records.keyed import Keyed
from longstride.pipeline.ingest.sources.records.line_protocol import LineProtocol, is_line_protocol
from longstride.pipeline.ingest.sources.records.nmea import NmeaSentences, is_nmea

__all__ = ["kind_of_records"]

MAX_BYTES = 2**12
KINDS: tuple[tuple[Callable[[bytes], bool], type[Keyed]], ...] = (
    (is_line_protocol, LineProtocol),
    (is_annotated, AnnotatedCsv),
    (is_nmea, NmeaSentences),
    (is_candump, CandumpFrames),
    (is_asc, AscFrames),
    (is_isd, IsdReports),
    (is_in_order, InOrder),
)


def kind_of_records(begin: bytes) -> type[Keyed] | None:
    """The kind of a text that begins so; None for any other."""
    return next((kind for is_kind, kind in KINDS if is_kind(begin[:MAX_BYTES])), None)
