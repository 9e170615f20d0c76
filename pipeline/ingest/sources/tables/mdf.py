"""Measurements in ASAM MDF, of version 3 and 4: the channels of a group, and its master as the clock."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.arrays import column_of, distinct, nanoseconds
from longstride.pipeline.ingest.sources.tables.source import TIME, TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["MdfSource"]

LOCAL = 1
"""Flag of a header whose time has no zone."""
OF_TIME = 1
"""What the master of a group counts, where it counts seconds."""
COMPARED_ROWS = 2**20
LONGEST_NAME = 60
NS = 10**9


class Start(NamedTuple):
    """When a measurement began."""

    ns: int
    zone: str | None


class MdfSource(TableSource):
    """An MDF file. Channels are called group/channel where those of more than one group are read."""

    kind = "MDF"

    def __init__(self, name: str, table: str | None) -> None:
        self._groups: list[int] | None = None
        super().__init__(name, table)

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """All channels of a group, or of groups whose rows have the same times."""
        package = needs("asammdf")
        logging.getLogger("asammdf").setLevel(logging.CRITICAL)  # what it logs, it raises too
        with open_file(self.file) as raw, package.MDF(raw) as file:
            names = _names(file)
            if self._groups is None:
                self._groups = self._chosen(file, names)
            yield _Channels(file, {group: names[group] for group in self._groups}, self._start(file.header))

    def _chosen(self, file: Any, names: dict[int, str]) -> list[int]:
        sizes = {names[number]: _size(group) for number, group in enumerate(file.groups) if _size(group)}
        filled = [number for number in names if names[number] in sizes]
        if self.table is None and len(filled) > 1 and _have_same_times(file, filled):
            return filled
        name = self._choose(sizes, "group")
        return [number for number in filled if names[number] == name]

    def _start(self, header: Any) -> Start | None:
        """When it began; None where the header does not say it. Raises SourceError.

        Not by the package, for which a damaged header began now.
        """
        is_new = hasattr(header, "time_flags")
        ns = int(getattr(header, "abs_time", 0))
        if is_new:
            return Start(ns, None if header.time_flags & LOCAL else "UTC") if ns else None
        date, clock = (bytes(text).decode("latin-1").strip(" \0") for text in (header.date, header.time))
        try:
            found = datetime.strptime(f"{date} {clock}", "%d:%m:%Y %H:%M:%S")
        except ValueError:
            raise self._damaged(f"its header says that it began on {date!r} at {clock!r}") from None
        # Date and clock are local; how far from UTC is not always said. The other field has parts of a second.
        return Start(int(np.datetime64(found, "ns").astype(np.int64)) + ns % NS, None)


class _Channels(TableReader):
    """Channels of groups that share their times."""

    def __init__(self, file: Any, groups: dict[int, str], start: Start | None) -> None:
        import pyarrow as pa

        self._file, self._start = file, start
        self._master = next((number for number in groups if _counts_seconds(file, number)), None)
        places = [(None, group, index) for group in groups for index in _columns(file, group)]
        labels = [file.groups[group].channels[index].name for _, group, index in places]
        if len(groups) > 1:
            labels = [f"{groups[group]}/{name}" for (_, group, _), name in zip(places, labels, strict=True)]
        of_time = [] if self._master is None else [TIME]
        names, self.repeated = distinct(of_time + labels)
        self._places = dict(zip(names[len(of_time) :], places, strict=True))
        num_rows = max((_size(file.groups[group]) for group in groups), default=0)
        first = self.read(names, 0, min(1, num_rows)).schema if names else pa.schema([])
        super().__init__(first, num_rows)
        units = {name: signal.unit for name, signal in self._signals(names, 0, min(1, num_rows)).items()}
        self.units = {name: str(unit) for name, unit in units.items() if unit}

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        return self.read([name], start, stop)[name]

    def read(self, names: Sequence[str], start: int, stop: int) -> Any:
        """Some columns of some rows: a record is read once for all its channels."""
        import pyarrow as pa

        signals = self._signals(names, start, stop)
        columns = {name: column_of(one.samples, one.invalidation_bits) for name, one in signals.items()}
        if len(columns) < len(names):
            columns[TIME] = self._times(start, stop)
        for name, column in columns.items():
            if len(column) != stop - start:
                raise ValueError(f"rows {start + 1:,} to {stop:,} of {name!r} are {len(column):,}")
        return pa.table({name: columns[name] for name in names})

    def _signals(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        asked = [name for name in names if name in self._places]
        signals = self._file.select(
            [self._places[name] for name in asked],
            record_offset=start,
            record_count=stop - start,
            ignore_value2text_conversions=True,
            copy_master=False,
        )
        return dict(zip(asked, signals, strict=True))

    def _times(self, start: int, stop: int) -> Any:
        import pyarrow as pa

        seconds = self._file.get_master(self._master, record_offset=start, record_count=stop - start)
        seconds = np.asarray(seconds, np.float64)
        if self._start is None:
            return pa.array(seconds)
        return pa.array(nanoseconds(seconds, self._start.ns), pa.timestamp("ns", self._start.zone))


def _names(file: Any) -> dict[int, str]:
    """What groups are called: by acquisition or a short comment; by number where that is none or not unique."""
    given = {number: _name(group.channel_group) for number, group in enumerate(file.groups)}
    every = list(given.values())
    return {
        number: name if name and every.count(name) == 1 else f"group {number + 1}"
        for number, name in given.items()
    }


def _name(group: Any) -> str:
    texts = (getattr(group, name, None) for name in ("acq_name", "comment"))
    name = next((str(text).strip() for text in texts if text), "")
    return name if name.isprintable() and len(name) <= LONGEST_NAME and not name.startswith("<") else ""


def _size(group: Any) -> int:
    return int(group.channel_group.cycles_nr)


def _columns(file: Any, group: int) -> list[int]:
    """Channels of a group that are not parts of others, without the master where that counts seconds."""
    master = file.masters_db.get(group)
    found = [
        index
        for indices in file.included_channels(group, skip_master=False).values()
        for index in indices.get(group, [])
    ]
    return [index for index in found if index != master or not _counts_seconds(file, group)]


def _counts_seconds(file: Any, group: int) -> bool:
    master = file.masters_db.get(group)
    return master is not None and getattr(file.groups[group].channels[master], "sync_type", OF_TIME) == OF_TIME


def _have_same_times(file: Any, groups: Sequence[int]) -> bool:
    sizes = {_size(file.groups[group]) for group in groups}
    if len(sizes) > 1 or not all(_counts_seconds(file, group) for group in groups):
        return False
    for start in range(0, max(sizes), COMPARED_ROWS):
        place = {"record_offset": start, "record_count": COMPARED_ROWS}
        if len({file.get_master(group, **place).tobytes() for group in groups}) > 1:
            return False
    return True
