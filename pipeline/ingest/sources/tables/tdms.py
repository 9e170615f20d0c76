"""TDMS files of National Instruments (LabVIEW): channels of one length, and the clock of their waveform."""

import io
from typing import Any

import numpy as np

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.source import TableSource
from longstride.storage.packages import needs

__all__ = ["TdmsSource"]

TIME = "time"
"""The column of times that the properties of a waveform give."""


class TdmsSource(TableSource):
    """A TDMS file. Channels are called group/channel where more than one group has some."""

    kind = "TDMS"
    suffixes = (".tdms",)
    magic = (b"TDSm",)

    def read(self) -> Any:
        """All channels; a channel without values is left out."""
        import pyarrow as pa

        tdms = needs("nptdms")
        with open_file(self.file) as raw:
            file = tdms.TdmsFile.read(io.BytesIO(raw.read()))
        groups = [group for group in file.groups() if any(len(channel) for channel in group.channels())]
        channels = {
            f"{group.name}/{channel.name}" if len(groups) > 1 else channel.name: channel
            for group in groups
            for channel in group.channels()
            if len(channel)
        }
        lengths = {name: len(channel) for name, channel in channels.items()}
        if len(set(lengths.values())) > 1:
            fewest, most = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
            raise SourceError(
                self.name,
                f"channel {fewest!r} has {lengths[fewest]:,} values and {most!r} {lengths[most]:,}: write "
                "channels of different rates to files of their own",
                code="source-format",
            )
        columns = {name: pa.array(channel[:]) for name, channel in channels.items()}
        clock = self._clock(channels)
        if clock is not None and TIME not in columns:
            columns = {TIME: pa.array(clock), **columns}
        return pa.table(columns)

    def _clock(self, channels: dict[str, Any]) -> Any:
        """Times by the waveforms of the channels; None where none has a start and an increment."""
        clocks = {
            name: channel.time_track(absolute_time=True, accuracy="ns")
            for name, channel in channels.items()
            if {"wf_start_time", "wf_increment"} <= channel.properties.keys()
        }
        first = next(iter(clocks), None)
        for name, clock in clocks.items():
            if first is not None and not np.array_equal(clock, clocks[first]):
                raise SourceError(
                    self.name,
                    f"the waveforms of {first!r} and {name!r} begin at other times, or have other steps: write "
                    "them to files of their own",
                    code="source-format",
                )
        return None if first is None else clocks[first]
