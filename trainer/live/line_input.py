"""Lines of a pipe, as soon as they are there, and a signal that ends the waiting for more."""

import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from longstride.storage.cli.noted_signals import NotedSignals

__all__ = ["LineInput"]

READ_BYTES = 2**16
MAX_LINE = 2**24
"""Nothing else keeps a stream without line ends from filling the memory."""


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class _Signalled(BaseException):
    pass


class LineInput(NotedSignals):
    """While entered, SIGINT, SIGTERM and SIGHUP end the lines alone: what is done with them is finished."""

    def __init__(self, stream: _Stream) -> None:
        super().__init__((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        self._stream = stream
        self._is_reading = False
        self.signal = 0
        """Number of the first signal; 0 where none came."""

    def __iter__(self) -> Iterator[list[bytes | None]]:
        """All whole lines that are there, again and again, without waiting for more; None is one too long."""
        begun, is_long = b"", False
        while data := self._read():
            *whole, begun = (begun + data).split(b"\n")
            lines = [None if len(line) > MAX_LINE else line for line in whole]
            if is_long and lines:
                lines[0], is_long = None, False  # its end may look like a row
            if is_long or len(begun) > MAX_LINE:
                begun, is_long = b"", True
            if lines:
                yield lines
        if (begun or is_long) and not self.signal:
            yield [None if is_long else begun]

    def _read(self) -> bytes:
        """What has come; nothing at the end, or where a signal came."""
        try:
            self._is_reading = True
            data = b"" if self.signal else self._stream.read1(READ_BYTES)
            self._is_reading = False
        except _Signalled:
            return b""
        return data

    def note(self, number: int, frame: FrameType | None) -> None:
        """See NotedSignals."""
        self.signal = number
        for each in self.before:
            signal.signal(each, signal.SIG_DFL)  # a second one does not wait, as for a reader that does not read
        if self._is_reading:
            self._is_reading = False
            raise _Signalled
