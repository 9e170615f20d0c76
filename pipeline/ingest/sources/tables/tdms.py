"""TDMS files of National Instruments (LabVIEW): channels of one length, and the clock of their waveform."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.arrays import column_of, nanoseconds
from longstride.pipeline.ingest.sources.tables.source import TIME, TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["TdmsSource"]

OF_CLOCK = ("wf_start_time", "wf_increment")


class Clock(NamedTuple):
    """Of the rows of a waveform."""

    start: int
    offset: float
    step: float

    def times(self, start: int, stop: int) -> Any:
        """Times of rows as nanoseconds, (rows,)."""
        return nanoseconds(self.offset + np.arange(start, stop) * self.step, self.start)


class TdmsSource(TableSource):
    """A TDMS file. Channels are called group/channel where those of more than one group are read."""

    kind = "TDMS"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """All channels of a group, or of groups of one clock; a channel without values is left out."""
        tdms = needs("nptdms")
        tdms.log.log_manager.set_level(logging.CRITICAL)  # it warns of what is refused here
        with open_file(self.file) as raw, tdms.TdmsFile.open(raw) as file:
            if file.file_status.incomplete_final_segment:
                raise self._damaged("it ends within a segment")
            yield self._of_groups([group for group in file.groups() if any(map(len, group.channels()))])

    def _of_groups(self, groups: Sequence[Any]) -> "_Channels":
        sizes = {group.name: max(map(len, group.channels())) for group in groups}
        filled = [channel for group in groups for channel in group.channels() if len(channel)]
        same = len({len(channel) for channel in filled}) < 2 and len(set(_clocks(filled).values())) < 2
        if self.table is not None or not same:
            name = self._choose(sizes, "group")
            groups = [group for group in groups if group.name == name]
        channels = {
            f"{group.name}/{channel.name}" if len(groups) > 1 else channel.name: channel
            for group in groups
            for channel in group.channels()
            if len(channel)
        }
        self._check(channels)
        return _Channels(channels, next(iter(_clocks(channels.values()).values()), None))

    def _check(self, channels: dict[str, Any]) -> None:
        """Raise SourceError where the channels of a group do not share their rows."""
        lengths = {name: len(channel) for name, channel in channels.items()}
        if len(set(lengths.values())) > 1:
            fewest, most = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
            raise SourceError(
                self.name,
                f"channel {fewest!r} has {lengths[fewest]:,} values and {most!r} {lengths[most]:,}: write "
                "channels of different rates to groups or files of their own",
                code="source-format",
            )
        names = {channel.path: name for name, channel in channels.items()}
        clocks = {names[path]: clock for path, clock in _clocks(channels.values()).items()}
        first = next(iter(clocks), "")
        for name, clock in clocks.items():
            if clock != clocks[first]:
                raise SourceError(
                    self.name,
                    f"the waveforms of {first!r} and {name!r} begin at other times, or have other steps: write "
                    "them to groups or files of their own",
                    code="source-format",
                )


class _Channels(TableReader):
    """Channels of one length, read by ranges."""

    def __init__(self, channels: dict[str, Any], clock: Clock | None) -> None:
        import pyarrow as pa

        self._channels = channels
        self._clock = clock if TIME not in channels else None
        kinds = {name: column_of(channel.read_data(0, 1)).type for name, channel in channels.items()}
        units = {name: str(channel.properties.get("unit_string", "")) for name, channel in channels.items()}
        self.units = {name: unit for name, unit in units.items() if unit}
        times = {} if self._clock is None else {TIME: pa.timestamp("ns")}
        super().__init__(pa.schema({**times, **kinds}), max(map(len, channels.values()), default=0))

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        import pyarrow as pa

        if name in self._channels:
            return column_of(self._channels[name].read_data(start, stop - start))
        assert self._clock is not None
        return pa.array(self._clock.times(start, stop), pa.timestamp("ns"))


def _clocks(channels: Any) -> dict[str, Clock]:
    """Clocks by the paths of channels that have a start and an increment."""
    return {
        channel.path: Clock(
            int(np.datetime64(channel.properties["wf_start_time"], "ns").astype(np.int64)),
            float(channel.properties.get("wf_start_offset", 0.0)),
            float(channel.properties["wf_increment"]),
        )
        for channel in channels
        if channel.properties.keys() >= set(OF_CLOCK)
    }
