"""The report of an ingest, as data and as text."""

from dataclasses import asdict, dataclass, field
from typing import Any

from longstride.storage.text import counted, exact_ns, exact_time

__all__ = ["FileReport", "IngestReport"]

MAX_FILES_SHOWN = 8


@dataclass(kw_only=True)
class FileReport:
    """The rows of one source file, counted by where they went."""

    name: str
    num_bytes: int
    crc: int = 0
    rows_in: int = 0
    """Counted without parsing: lines of CSV, metadata of Parquet."""
    rows_out: int = 0
    """Rows of the store that were made from a row of this file."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows that cannot be read, by reason."""
    filtered: int = 0
    """Rows dropped by the query."""
    deduplicated: int = 0
    """Rows whose series and time are those of another."""
    merged: int = 0
    """Rows summarised into a row of the common grid, or merged into a row with other channels."""
    differing: int = 0
    """Of these two, rows with other values or labels than those that are kept."""
    blank_lines: int = 0
    repeated_headers: int = 0
    out_of_order: int = 0
    """Rows earlier than the one before them in the file."""
    ambiguous: int = 0
    """Local times that occur twice, settled by the recipe."""
    nonexistent: int = 0
    """Local times that never occur, settled by the recipe."""
    unused: tuple[str, ...] = ()
    """Columns of the file that the store does not have."""
    absent: tuple[str, ...] = ()
    """Columns of other files that this file lacks: their values are missing in its rows."""
    first_time_ns: int | None = None
    last_time_ns: int | None = None

    @property
    def num_rejected(self) -> int:
        """Rows that cannot be read."""
        return sum(self.rejected.values())

    @property
    def is_balanced(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.rows_out + self.num_rejected + self.filtered + self.deduplicated + self.merged

    def as_json(self) -> dict[str, Any]:
        """Plain values, times in ISO 8601 UTC: the same for each job over the same file."""
        counted = asdict(self)
        for name in ("num_bytes", "crc", "first_time_ns", "last_time_ns"):
            del counted[name]
        return {
            **counted,
            "bytes": self.num_bytes,
            "crc32c": self.crc,
            "rejected": dict(sorted(self.rejected.items())),
            "unused": list(self.unused),
            "absent": list(self.absent),
            "first_time": _time(self.first_time_ns),
            "last_time": _time(self.last_time_ns),
        }

    @staticmethod
    def from_json(plain: dict[str, Any]) -> "FileReport":
        """Make a report of what `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        fields = {**plain, "num_bytes": plain["bytes"], "crc": plain["crc32c"]}
        for name in ("first_time", "last_time"):
            fields[f"{name}_ns"] = None if plain[name] is None else exact_ns(plain[name])
        for name in ("bytes", "crc32c", "first_time", "last_time"):
            del fields[name]
        return FileReport(**_tuples(fields))

    def in_words(self) -> str:
        """Where the rows went, in words."""
        counts = {
            "out": self.rows_out,
            "rejected": self.num_rejected,
            "dropped by the query": self.filtered,
            "repeated": self.deduplicated,
            "merged": self.merged,
            "repeated with other values or labels": self.differing,
            "blank lines": self.blank_lines,
            "repeated headers": self.repeated_headers,
            "out of order": self.out_of_order,
            "in an hour that occurs twice": self.ambiguous,
            "in an hour that never occurs": self.nonexistent,
        }
        shown = [f"{count:,} {what}" for what, count in counts.items() if count or what == "out"]
        return f"{self.rows_in:,} rows in, {', '.join(shown)}"


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """Rows, segments and speed of one ingest."""

    store: str
    generation: int
    files: tuple[FileReport, ...]
    num_rows: int
    """Rows of the store, including those from before an append."""
    num_channels: int
    num_series: int
    num_segments: int
    rows_in_segments: int
    """Fewer than the rows where long missing runs are left out of all segments."""
    rows_added: int
    """Rows put in for steps of the grid that are missing in the sources."""
    values_filled: int
    """Missing values filled in from those around them."""
    counter_wraps: int
    counter_resets: int
    cadence: str
    max_gap: str
    parts_reused: int
    """Parts that an interrupted job had left."""
    look_at: tuple[str, ...] = ()
    """What the whole files show and a sample may not, such as values far from all others."""
    rejects: str | None = None
    """File of the rows that cannot be read."""
    seconds: float = 0.0
    was_there: bool = False
    """Whether this very job had been done before: nothing was done now."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.num_bytes for file in self.files)

    @property
    def rows_in(self) -> int:
        """Rows of all files."""
        return sum(file.rows_in for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`."""
        return asdict(self) | {
            "files": [file.as_json() for file in self.files],
            "rows_per_second": self.rows_in / self.seconds,
            "megabytes_per_second": self.num_bytes / 1e6 / self.seconds,
        }

    def as_plain(self) -> dict[str, Any]:
        """Plain values that `from_plain` takes back."""
        return asdict(self)

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> "IngestReport":
        """Make a report of what `as_plain` gave, also where JSON made lists of tuples."""
        files = tuple(FileReport(**_tuples(file)) for file in plain["files"])
        return IngestReport(**{**_tuples(plain), "files": files})

    @staticmethod
    def from_json(plain: dict[str, Any]) -> "IngestReport":
        """Make a report of what `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        files = tuple(FileReport.from_json(file) for file in plain["files"])
        fields = {name: value for name, value in plain.items() if not name.endswith("_per_second")}
        return IngestReport(**{**_tuples(fields), "files": files})

    def render(self) -> str:
        """A few lines for a terminal."""
        lines = [self.store, *(f"  {name:<12} {text}" for name, text in self.summary())]
        lines += [f"  {file.name}: {file.in_words()}" for file in self.files[:MAX_FILES_SHOWN]]
        if len(self.files) > MAX_FILES_SHOWN:
            lines.append(f"  and {len(self.files) - MAX_FILES_SHOWN:,} more files (--json has all)")
        if self.was_there:
            lines.append("  it was there already, of these very files and settings: nothing was done")
            return "\n".join(lines)
        lines.append(
            f"  {self.num_bytes / 1e6:,.1f} MB in {self.seconds:,.1f} s: "
            f"{self.rows_in / self.seconds:,.0f} rows/s, {self.num_bytes / 1e6 / self.seconds:,.1f} MB/s"
        )
        return "\n".join(lines)

    def summary(self) -> list[tuple[str, str]]:
        """What the store holds and what to look at, in words."""
        lines = self.facts()
        lines += [("look at" if number == 0 else "", note) for number, note in enumerate(self.look_at)]
        if self.rejects:
            lines.append(("rejects", self.rejects))
        return lines

    def facts(self) -> list[tuple[str, str]]:
        """What the store holds, in words."""
        lines = [
            ("rows", f"{self.num_rows:,} in {self.num_series:,} series, {counted(self.num_channels, 'channel')}"),
            ("segments", f"{self.num_segments:,} (step {self.cadence}, new one after more than {self.max_gap})"),
        ]
        outside = self.num_rows - self.rows_in_segments
        notes = [
            (outside, "rows of long missing runs belong to no segment"),
            (self.rows_added, "rows put in for steps that are missing"),
            (self.values_filled, "missing values filled in"),
            (self.counter_wraps, "counter values wrapped around"),
            (self.counter_resets, "counters that started again: their rate at that row is missing"),
            (self.parts_reused, "parts taken over from an interrupted job"),
        ]
        return lines + [("", f"{count:,} {what}") for count, what in notes if count]


def _tuples(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def _time(nanoseconds: int | None) -> str | None:
    return None if nanoseconds is None else exact_time(nanoseconds)
