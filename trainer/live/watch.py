"""`longstride watch`: lines in, and for each row a line with its score out."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import write_file
from longstride.storage.location import local_path
from longstride.storage.places.files import read_file
from longstride.storage.text import counted, iso_time, utc_time
from longstride.storage.writing.output import check_output
from longstride.trainer.errors import ScoresError
from longstride.trainer.live.detector import Detector
from longstride.trainer.live.line_input import LineInput
from longstride.trainer.live.line_rows import LineRow, LineRows
from longstride.trainer.live.line_values import BadLine
from longstride.trainer.live.live_scores import LiveScores
from longstride.trainer.live.settings import DetectorOptions
from longstride.trainer.live.watch_settings import WatchOptions

__all__ = ["Watched", "watch_lines"]

SAVE_SECONDS = 60
MAX_STATE_BYTES = 2**36
MAX_REPORTS = 100
"""Bad lines that are reported one by one."""

Numbered = tuple[int, LineRow]


@dataclass
class Watched:
    """What has become of the lines so far."""

    rows: int = 0
    scored: int = 0
    alarms: int = 0
    rejects: int = 0

    def __str__(self) -> str:
        return (
            f"{counted(self.rows, 'row')}, {self.scored:,} of them scored, {self.alarms:,} above the threshold; "
            f"{counted(self.rejects, 'bad line')}"
        )


class _Watch:
    def __init__(self, options: WatchOptions, write: Callable[[bytes], None], tell: Callable[[str], None]) -> None:
        names = {field.name for field in fields(DetectorOptions)}
        self._detector = Detector(**{name: value for name, value in vars(options).items() if name in names})
        self._options, self._write, self._tell = options, write, tell
        self._reader = LineRows(options, self._detector.channels, self._detector.largest)
        self._line = 0
        self._state = self._restored(options.state)
        self._series = set(self._detector.series)
        self._saved = time.monotonic()
        self._has_told_of_times = False
        self._unseen = set(range(len(self._detector.channels)))
        """Channels without a value so far."""
        self._ends: ScoresError | None = None
        """Raised when the rows before the one that caused it are scored."""
        self.found = Watched()

    def take(self, lines: list[bytes | None]) -> None:
        """Score the rows of lines, and write a line for each."""
        rows: list[Numbered] = []
        for line in lines:
            self._line += 1
            try:
                if line is None:
                    raise BadLine("it is too long")
                row = self._reader.read(line.decode("utf-8"))
                if row is not None:
                    self._check_series(row.series)
            except (BadLine, UnicodeDecodeError) as error:
                self._reject(self._line, str(error) if isinstance(error, BadLine) else "it is not UTF-8")
                if self._ends:
                    break
                continue
            if row is not None:
                rows.append((self._line, row))
        if rows:
            self._take(rows)
        if self._ends:
            raise self._ends
        if self._state is not None and time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()

    def _take(self, rows: list[Numbered]) -> None:
        if not self._reader.has_times and not self._has_told_of_times:
            self._tell(
                "the rows have no field `time`: they are taken to follow each other without a gap (see --time)"
            )
            self._has_told_of_times = True
        rows = self._in_time(rows) if self._reader.has_times else rows
        if rows:
            self._score(rows)

    def save(self) -> None:
        """Write the state, if it is kept."""
        if self._state is not None:
            write_file(self._state, [self._detector.state()])
            self._saved = time.monotonic()

    def _in_time(self, rows: list[Numbered]) -> list[Numbered]:
        late = self._detector.late(
            [row.series for _, row in rows], np.array([row.time for _, row in rows], np.int64)
        )
        for (number, row), is_late in zip(rows, late.tolist(), strict=True):
            if is_late:
                self._reject(number, f"{iso_time(row.time or 0)} is not after the time of the row before it")
                if self._ends:
                    break
        kept = zip(rows, late.tolist(), strict=True)
        return [row for row, is_late in kept if not is_late and not (self._ends and row[0] > number)]

    def _score(self, rows: list[Numbered]) -> None:
        times = np.array([row.time for _, row in rows], np.int64) if self._reader.has_times else None
        values = np.array([row.values for _, row in rows])
        found = self._detector.score(values, series=[row.series for _, row in rows], time=times)
        self._look_for_channels(values)
        self._write("".join(_as_json(number, row, at, found) for at, (number, row) in enumerate(rows)).encode())
        self.found.rows += len(rows)
        self.found.scored += int((~np.isnan(found.score)).sum())
        self.found.alarms += int(found.alarm.sum())

    def _check_series(self, name: str) -> None:
        """Raise BadLine for one series too many: those that are watched are not to end with it."""
        if name not in self._series and len(self._series) >= self._options.max_series:
            raise BadLine(
                f"{name!r:.80} would be series {len(self._series) + 1:,}: check --series, or give a larger "
                "--max-series"
            )
        self._series.add(name)

    def _look_for_channels(self, values: NDArray[np.float64]) -> None:
        """Say which channels the rows of the first window have no value of."""
        if self.found.rows >= self._detector.window or not self._unseen:
            return
        self._unseen -= set(np.flatnonzero(~np.isnan(values).all(axis=0)).tolist())
        if self._unseen and self.found.rows + len(values) >= self._detector.window:
            names = ", ".join(self._detector.channels[number] for number in sorted(self._unseen))
            self._tell(f"no row so far has a value of {names}: it counts as missing")

    def _reject(self, number: int, fault: str) -> None:
        self.found.rejects += 1
        if self.found.rejects <= MAX_REPORTS:
            self._tell(f"line {number:,} is left out: {fault}")
        if self.found.rejects == MAX_REPORTS:
            self._tell("further bad lines are only counted")
        most = self._options.max_rejects
        if most is not None and self.found.rejects > most:
            self._ends = ScoresError(
                f"line {number:,}: {fault}; {counted(self.found.rejects, 'bad line')}, more than --max-rejects "
                f"{most} allows",
                code="too-many-rejects",
            )

    def _restored(self, given: Any) -> Path | None:
        if given is None:
            return None
        path = check_output(local_path(given), overwrite=True)
        if path.exists():
            self._detector.restore(read_file(path, max_bytes=MAX_STATE_BYTES))
        return path


def watch_lines(
    options: WatchOptions, lines: LineInput, write: Callable[[bytes], None], tell: Callable[[str], None]
) -> Watched:
    """Score the rows of lines until they end, or a signal comes; what was read before it is scored.

    `write` gets lines of NDJSON, as many as came at once; `tell` what is to be said of bad lines and of doubts.
    """
    watch = _Watch(options, write, tell)
    try:
        for some in lines:
            watch.take(some)
    except BaseException:
        with suppress(ScoresError):  # of the detector, where the error came while it took rows
            watch.save()
        raise
    watch.save()
    return watch.found


def _as_json(number: int, row: LineRow, at: int, found: LiveScores) -> str:
    score = float(found.score[at])
    has_score = score == score
    line: dict[str, Any] = {"line": number}
    if row.time is not None:
        line["time"] = utc_time(row.time)
    line |= {
        "series": row.series,
        # The largest number that there is, for JSON, where it is infinite.
        "score": max(min(score, sys.float_info.max), -sys.float_info.max) if has_score else None,
        "alarm": bool(found.alarm[at]) if has_score else None,
    }
    if waiting := int(found.waiting[at]):
        line["waiting"] = waiting
    if found.alarm[at]:
        line["channels"] = found.carriers(at)
    return json.dumps(line) + "\n"
