"""EDF and BDF files, also of EDF+: signals of one rate, and the clock of the header."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.arrays import column_of, distinct
from longstride.pipeline.ingest.sources.tables.kinds import BDF
from longstride.pipeline.ingest.sources.tables.source import TIME, TableReader, TableSource
from longstride.storage.packages import needs
from longstride.storage.text import counted

__all__ = ["EdfSource"]

ANNOTATIONS = "EDF Annotations", "BDF Annotations"
PLUS = "EDF+", "BDF+"
FIXED, OF_SIGNAL = 256, 256
FIRST_YEAR = 85
"""Of the two digits of a year: those below are of the next century."""
NS = 10**9


class EdfSource(TableSource):
    """An EDF or BDF file: signals of one rate, of which the recipe names one where there are several."""

    kind = "EDF"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """Signals in their units, with the times of the records that they are in."""
        edfio = needs("edfio")
        data = self._bytes()
        is_bdf = data[:8].tobytes() == BDF
        layout = self._layout(data, 3 if is_bdf else 2)
        # By its path, EDF is mapped into memory. BDF has to be unpacked.
        given = io.BytesIO(data.tobytes()) if is_bdf or "://" in self.file else Path(self.file)
        file = (edfio.read_bdf if is_bdf else edfio.read_edf)(given, header_encoding="latin-1")
        rates = {_shown(size / layout.record_s): size for size in layout.signal_sizes}
        rate = self._choose({name: size * layout.num_records for name, size in rates.items() if size}, "rate")
        size = 0 if rate is None or not layout.num_records else rates[rate]
        signals = [
            one for one, held in zip(file.signals, layout.signal_sizes, strict=True) if size and held == size
        ]
        self._check(signals)
        reader = _Signals(signals, layout, size, is_held=is_bdf)
        if num_texts := len(file.annotations):
            reader.notes = [f"left out of {self.name}: {counted(num_texts, 'annotation')}"]
        yield reader

    def _check(self, signals: Sequence[Any]) -> None:
        """Raise SourceError where there is no way from the numbers of a signal to its unit."""
        for signal in signals:
            for low, high in (signal.digital_range, signal.physical_range):
                if not (np.isfinite([low, high]).all() and low != high):
                    raise self._damaged(f"the numbers of {signal.label!r} range from {low} to {high}")

    def _bytes(self) -> NDArray[np.uint8]:
        if "://" not in self.file:
            return np.memmap(self.file, np.uint8, mode="r")
        with open_file(self.file) as raw:
            return np.frombuffer(raw.read(), np.uint8)

    def _layout(self, data: NDArray[np.uint8], width: int) -> "_Layout":
        """Where the records are, by the header. Raises SourceError where the file is not as long as it says.

        The package reads whatever is there of a file that was cut off.
        """
        num_signals, header_bytes = _number(data, 252, 4), _number(data, 184, 8)
        if num_signals < 1 or header_bytes != FIXED + OF_SIGNAL * num_signals or len(data) < header_bytes:
            raise self._damaged(f"its header of {num_signals} signals has {header_bytes:,} bytes")
        labels = [_text(data, FIXED + 16 * number, 16) for number in range(num_signals)]
        sizes = [_number(data, FIXED + 216 * num_signals + 8 * number, 8) for number in range(num_signals)]
        record_bytes, num_records = width * sum(sizes), _number(data, 236, 8)
        if min(sizes) < 0 or record_bytes == 0 or num_records < -1:
            raise self._damaged(f"its header says {num_records} records of {record_bytes:,} bytes")
        if num_records == -1:
            raise self._damaged("it was not closed, and does not say how many records it holds")
        if len(data) != header_bytes + num_records * record_bytes:
            raise self._damaged(
                f"it has {len(data):,} bytes, and its header says {num_records:,} records of {record_bytes:,} "
                f"bytes behind {header_bytes:,}"
            )
        are_texts = [label in ANNOTATIONS for label in labels]
        record_s = Fraction(Decimal(_text(data, 244, 8)))
        if record_s <= 0:
            raise SourceError(
                self.name, f"its records last {record_s} s, so no signal has a rate", code="source-format"
            )
        if _text(data, 192, 44).startswith(PLUS) and any(are_texts):
            first = are_texts.index(True)
            place = slice(width * sum(sizes[:first]), width * sum(sizes[: first + 1]))
            records = data[header_bytes:].reshape(num_records, record_bytes)[:, place]
            onsets = [self._onset(record.tobytes()) for record in records]
        else:
            onsets = [round(number * record_s * NS) for number in range(num_records)]
        of_signals = [size for size, is_text in zip(sizes, are_texts, strict=True) if not is_text]
        starts = self._start(data) + np.array(onsets, np.int64)
        return _Layout(of_signals, record_s, num_records, starts)

    def _onset(self, record: bytes) -> int:
        """When a record begins, after the start of the file: EDF+ writes it where its annotations are."""
        try:
            return round(Fraction(Decimal(record[: record.index(b"\x14")].decode("ascii"))) * NS)
        except (ValueError, ArithmeticError):
            raise self._damaged(f"a record does not say when it begins: {record[:20]!r}") from None

    def _start(self, data: NDArray[np.uint8]) -> int:
        """When the file begins, in nanoseconds; EDF+ writes the year a second time, with four digits."""
        date, clock, words = _text(data, 168, 8), _text(data, 176, 8), _text(data, 88, 80).split()
        try:
            day, month, year = map(int, date.split("."))
            hour, minute, second = map(int, clock.split("."))
            year += 1900 if year >= FIRST_YEAR else 2000
            if words[:1] == ["Startdate"] and len(words) > 1 and words[1][-4:].isdecimal():
                year = int(words[1][-4:])
            found = datetime(year, month, day, hour, minute, second)
        except ValueError:
            raise self._damaged(f"its header says that it begins on {date!r} at {clock!r}") from None
        return int(np.datetime64(found, "ns").astype(np.int64))


class _Layout(NamedTuple):
    """Of the records of a file."""

    signal_sizes: list[int]
    """Values of each signal in a record, annotations left out."""
    record_s: Fraction
    num_records: int
    starts: NDArray[np.int64]
    """When each record begins, in nanoseconds."""


class _Signals(TableReader):
    """Signals of one rate."""

    def __init__(self, signals: Sequence[Any], layout: _Layout, size: int, *, is_held: bool) -> None:
        import pyarrow as pa

        names, self.repeated = distinct([TIME, *(signal.label for signal in signals)])
        self._signals = dict(zip(names[1:], signals, strict=True))
        self._layout, self._size, self.is_held = layout, size, is_held
        units = {name: signal.physical_dimension for name, signal in self._signals.items()}
        self.units = {name: unit for name, unit in units.items() if unit}
        kinds = dict.fromkeys(self._signals, pa.float64())
        super().__init__(pa.schema({TIME: pa.timestamp("ns"), **kinds}), size * layout.num_records)

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        import pyarrow as pa

        seconds = self._layout.record_s
        if name == TIME:
            record, within = np.divmod(np.arange(start, stop), self._size)
            steps = np.rint(within / self._size * float(seconds * NS)).astype(np.int64)
            return pa.array(self._layout.starts[record] + steps, pa.timestamp("ns"))
        first, last = start // self._size, -(-stop // self._size)
        values = self._signals[name].get_data_slice(float(first * seconds), float(last * seconds))
        return column_of(values[start - first * self._size :][: stop - start])


def _text(data: NDArray[np.uint8], start: int, size: int) -> str:
    return data[start : start + size].tobytes().decode("latin-1").strip(" \0")


def _number(data: NDArray[np.uint8], start: int, size: int) -> int:
    return int(_text(data, start, size))


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.12g} Hz"
