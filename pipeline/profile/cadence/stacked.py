"""Logs that stand one below the other in a file, or clocks that were set back, without a column that tells.

Rows that come late go back in time too, but fill a place that was left: these runs of rows lie within each other.
"""

import shlex

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.source import CsvSource
from longstride.pipeline.ingest.sources.files import first_bytes
from longstride.pipeline.profile.line_numbers import LineNumbers
from longstride.pipeline.profile.proposal import Proposal
from longstride.storage.text import counted, readable_time

__all__ = ["doubt_of_runs"]

WITHIN = 6
"""Times that rows in order of time change from a run to another, for each that begins: 3 where rows come late."""
FEWEST = 8
SHARED = 0.25
"""Of the shorter of two runs, the part that lies within the other: less where a clock was set back."""
MAX_LINES = 20


def doubt_of_runs(draft: Proposal) -> str | None:
    """Name the places where times begin again, and how to tell the runs of rows apart; None where they do not."""
    over = ["block", *draft.keys]
    rows = draft.rows.select(*over, "time", row=pl.int_range(pl.len())).drop_nulls("time")
    is_back = (pl.col("time") < pl.col("time").shift().over(over)).fill_null(False)
    rows = rows.with_columns(is_back.alias("begins"), is_back.cum_sum().over(over).alias("run"))
    begins = rows.filter("begins")
    in_order = rows.sort(*over, "time", "run", maintain_order=True)
    num_changes = int(in_order.select((pl.col("run") != pl.col("run").shift().over(over)).sum()).item())
    if not len(begins) or num_changes < max(FEWEST, WITHIN * len(begins)):
        return None
    runs = rows.group_by(*over, "run", maintain_order=True).agg(
        pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    )
    runs = runs.with_columns(pl.col("first", "last").shift().over(over).name.prefix("before ")).drop_nulls()
    length = pl.min_horizontal(pl.col("last") - pl.col("first"), pl.col("before last") - pl.col("before first"))
    shared = pl.min_horizontal("last", "before last") - pl.max_horizontal("first", "before first")
    parts = runs.filter(length > 0).select(shared / length).to_series()
    first = int(begins["row"][0])
    times = draft.rows["time"]
    last, then = (readable_time(time, fraction=False) for time in (_before(times, first), times[first]))
    where = f"{_place(draft, first)}{then} after {last}"
    remedy = _remedy(draft, begins["row"].to_list())
    if float(parts.median() or 0) >= SHARED:  # type: ignore[arg-type]
        return (
            f"times begin again in {counted(len(begins), 'place')}, the first {where}: {len(begins) + 1:,} logs "
            f"seem to stand one below the other, and {_nobody(draft)}. An ingest would put all of "
            f"their rows into one series, or stop where they repeat a time. {remedy}"
        )
    by = format_duration(_before(times, first) - int(times[first]))
    return (
        f"times go back in {counted(len(begins), 'place')} and run on from there, the first by {by} {where}: rows "
        "before and after would be mixed. If the clock was set back there, or another log begins, tell the two "
        f"apart. {remedy}"
    )


def _nobody(draft: Proposal) -> str:
    """That nothing tells them apart, not even the keys that were found."""
    keys = [name for name, use in draft.uses.items() if use in draft.keys]
    return f"{listed(keys)} does not tell them apart" if keys else "no column says whose a row is"


def _before(times: pl.Series, row: int) -> int:
    return int(times[:row].drop_nulls()[-1])


def _place(draft: Proposal, row: int) -> str:
    """The line of a row, where rows are in the order of the file."""
    if draft.is_newest_first:
        return ""
    lines = _lines(draft, [row])
    return f"in {draft.rows['file'][row]}, line {lines[0]:,}, " if lines else f"in {draft.rows['file'][row]}, "


def _lines(draft: Proposal, rows: list[int]) -> list[int]:
    found: list[int] = []
    line_numbers = LineNumbers()
    for source, excerpt in draft.sample.excerpts:
        raw = line_numbers.of_file(source, excerpt)
        found += raw.lines.tolist() if len(raw.lines) == raw.frame.height else []
    return [found[row] for row in rows] if len(found) == len(draft.rows) else []


def _remedy(draft: Proposal, rows: list[int]) -> str:
    """A command that gives each run a name, where the lines of all are known; else what to do."""
    sample, dialect = draft.sample, draft.sample.dialect.settings
    (source, *others) = {source.name: source for source, _ in sample.excerpts}.values()
    lines = _lines(draft, rows)
    is_plain = isinstance(source, CsvSource) and not others and sample.is_whole and not draft.is_newest_first
    mark = str(dialect.get("separator", ","))
    is_other = len(mark) > 1 or any(dialect.get(name) for name in ("header", "line", "columns-at"))
    if not is_plain or is_other or not 0 < len(lines) <= MAX_LINES or is_compressed(first_bytes(source.name)):
        return "Cut the file at these places, name the parts after their machines, and see series-from"
    header = int(str(dialect.get("skip-lines", "0"))) + 1
    begin = " || ".join(f"NR == {line}" for line in lines)
    above = f"NR < {header} {{ print; next }} " if header > 1 else ""
    program = (
        f'{{ sub(/\\r$/, "") }} {above}NR == {header} {{ print $0 "{mark}run"; next }} '
        f'{begin} {{ run++ }} {{ print $0 "{mark}" run + 0 }}'
    )
    command = f"awk {shlex.quote(program)} {shlex.quote(source.name)} > runs.csv"
    return f'`{command}` numbers them: then say series = "run"'
