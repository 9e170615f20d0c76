"""MCAP files, as ROS 2 records them: the numbers of one topic, in the order that they were written in."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.arrays import distinct
from longstride.pipeline.ingest.sources.tables.source import TIME, TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["McapSource"]

LOGGED, STAMP = "", "header.stamp"
"""Keys of the time of the log, which is no field of a message, and of the time in its header."""
LOG_TIME = "log_time"
MOST_VALUES = 64
"""Of an array, where each becomes a column: longer ones are pictures and clouds of points."""
MOST_ROWS = 2**14
"""Messages that are in memory together."""
EXACT_DIGITS = 15
"""Of whole numbers that a float64 holds."""
NS = 10**9


class McapSource(TableSource):
    """An MCAP file: messages of one topic. Fields of fields are called a.b, and values of arrays a.0, a.1."""

    kind = "MCAP"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """Messages of a topic, with the stamp of their header as the time, else with that of the log."""
        package = needs("mcap.reader")
        with open_file(self.file) as raw:
            file = package.make_reader(raw, validate_crcs=True)
            summary = file.get_summary()
            if summary is None or summary.statistics is None:
                raise self._damaged("it was not closed, and does not say what it holds; `mcap recover` mends it")
            counts = summary.statistics.channel_message_counts
            topics: dict[str, int] = {}
            for number, channel in summary.channels.items():
                if counts.get(number):
                    topics[channel.topic] = topics.get(channel.topic, 0) + counts[number]
            topic = self._choose(topics, "topic")
            yield _Messages(self.name, lambda: self._messages(file, topic), topics.get(topic or "", 0))

    def _messages(self, file: Any, topic: str | None) -> Iterator[dict[str, Any]]:
        if topic is None:
            return
        factory = needs("mcap_ros2.decoder").DecoderFactory()
        decoders: dict[int, Callable[[bytes], Any]] = {}
        for schema, channel, message in file.iter_messages(topics=[topic], log_time_order=False):
            if channel.id not in decoders:
                decoders[channel.id] = self._decoder(factory, channel, schema)
            yield {LOGGED: _Time(message.log_time), **_flat("", decoders[channel.id](message.data))}

    def _decoder(self, factory: Any, channel: Any, schema: Any) -> Callable[[bytes], Any]:
        if channel.message_encoding == "json":
            return partial(json.loads, parse_int=_number)
        decoder = factory.decoder_for(channel.message_encoding, schema)
        if decoder is None:
            of = f" with a schema in {schema.encoding!r}" if schema is not None else ""
            raise SourceError(
                self.name,
                f"messages of {channel.topic!r} are in {channel.message_encoding!r}{of}: those of ROS 2 (cdr, "
                "ros2msg) and JSON are read; write others as one JSON object a line",
                code="source-format",
            )
        return decoder  # type: ignore[no-any-return]


class _Messages(TableReader):
    """Messages as rows, read in turn: columns are the fields of the first one."""

    is_held = True

    def __init__(self, source: str, begin: Callable[[], Iterator[dict[str, Any]]], num_rows: int) -> None:
        import pyarrow as pa

        self._source, self._begin = source, begin
        self._at, self._rest = 0, begin()
        first = next(begin(), {})
        found = {key: kind for key, value in first.items() if (kind := _kind(value)) is not None}
        # Where the clock of a sensor was never set, its stamps are zero.
        of_time = STAMP if isinstance(first.get(STAMP), _Time) and first[STAMP] else LOGGED
        keys = [one for one in (of_time, LOGGED) if one in found] + [*found]
        keys = list(dict.fromkeys(keys))
        names, self.repeated = distinct([TIME if key == of_time else key or LOG_TIME for key in keys])
        self._columns = dict(zip(names, keys, strict=True))
        kinds = {name: found[key] for name, key in self._columns.items()}
        self._floats = {name for name, kind in kinds.items() if kind == pa.float64()}
        self._known = first.keys()
        if others := [key for key in first if key not in found]:
            self.notes = [f"left out of {source}, being neither numbers nor texts: {', '.join(others)}"]
        super().__init__(pa.schema(kinds), num_rows)

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        return self.read([name], start, stop)[name]

    def read(self, names: Sequence[str], start: int, stop: int) -> Any:
        """Some columns of some rows: those before are passed over, where they were not read in turn."""
        import pyarrow as pa

        if start < self._at:
            self._at, self._rest = 0, self._begin()
        for _ in islice(self._rest, start - self._at):
            pass
        self._at = start
        parts = [self._part(names, min(MOST_ROWS, stop - at)) for at in range(start, stop, MOST_ROWS)]
        return pa.concat_tables(parts) if parts else self.schema.empty_table().select(list(names))

    def _part(self, names: Sequence[str], num_rows: int) -> Any:
        import pyarrow as pa

        columns: dict[str, list[Any]] = {name: [] for name in names}
        for row in islice(self._rest, num_rows):
            self._at += 1
            if unknown := row.keys() - self._known:
                raise SourceError(
                    self._source,
                    f"message {self._at:,} has a field {min(unknown)!r}, which the first one lacks: write topics "
                    "whose arrays change their length as one JSON object a line",
                    code="source-format",
                )
            for name, values in columns.items():
                value = row.get(self._columns[name])
                values.append(float(value) if name in self._floats and isinstance(value, int) else value)
        return pa.table({name: pa.array(values, self.schema.field(name).type) for name, values in columns.items()})


def _flat(path: str, value: Any) -> dict[str, Any]:
    """Fields of a message by their names; a time is one number of nanoseconds."""
    fields: Mapping[str, Any] | None = value if isinstance(value, dict) else None
    if hasattr(value, "__slots__") and not isinstance(value, bytes | bytearray | memoryview | str | int | float):
        fields = {name: getattr(value, name) for name in value.__slots__}
    if fields is not None and fields.keys() == {"sec", "nanosec"}:
        return {path: _Time(fields["sec"] * NS + fields["nanosec"])}
    if isinstance(value, list | tuple) and len(value) <= MOST_VALUES:
        fields = {str(number): inner for number, inner in enumerate(value)}
    if fields is None:
        return {path: value}
    found: dict[str, Any] = {}
    for name, inner in fields.items():
        found |= _flat(f"{path}.{name}" if path else name, inner)
    return found


class _Time(int):
    """Nanoseconds since 1970."""


def _number(text: str) -> int | float:
    """A whole number of JSON, behind which others may have a point."""
    return float(text) if len(text) <= EXACT_DIGITS else int(text)


def _kind(value: Any) -> Any:
    import pyarrow as pa

    if isinstance(value, _Time):
        return pa.timestamp("ns", "UTC")
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    return pa.string() if isinstance(value, str) else None
