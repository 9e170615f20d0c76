"""How rows follow each other in time: steps, gaps, rows of the same time."""

import polars as pl

from longstride.pipeline.ingest.duration import format_duration, parse_duration
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.autumn_nights import AUTUMN, zone_of_autumn
from longstride.pipeline.profile.cadence.coarse_clock import instead_of_one
from longstride.pipeline.profile.cadence.stacked import doubt_of_runs
from longstride.pipeline.profile.column import FEW
from longstride.pipeline.profile.layout.long_log import COMMON_GRID
from longstride.pipeline.profile.proposal import Proposal
from longstride.storage.text import counted, number, readable_time, share

__all__ = ["find_duplicates", "see_steps"]

GAP = 1.5
"""In median steps, as in an ingest."""
MANY = 0.05
SECOND_NS = 10**9
HOUR_NS = UNITS_NS["h"]
WINDOW = 64
"""Rows of a window, as in the examples."""
MOST_NAMES = 100
"""Texts of a column that may say whose a row is."""
ENOUGH = 0.5
"""Share of rows that should be in some window."""
FACTORS = {True: (2, 3, 5, 10), False: (2, 3, 5, 10, 20, 50)}
"""How many times the median step a gap may be, of logs with even steps and of others."""


def see_steps(draft: Proposal) -> None:
    """Report the usual step, gaps, and how many windows fit between them."""
    over = [key for key in draft.keys if key == "series"]
    steps = draft.steps(draft.rows["time"], *over)
    num_back = int((steps < 0).sum())
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        return
    usual = int(steps.median())  # type: ignore[arg-type]
    differ = int((steps != usual).sum())
    others = f"{share(differ, len(steps))} of steps are others" if differ else "all steps are the same"
    draft.seen.append(f"the median step{' of a series' if over else ''} is {format_duration(usual)}, {others}")
    most = GAP * usual if "max-gap" not in draft.settings else parse_duration(str(draft.settings["max-gap"]))
    gaps = steps.filter(steps > most)
    if len(gaps):
        longest = format_duration(int(gaps.max()))  # type: ignore[arg-type]
        of_what = f"{GAP} times that" if "max-gap" not in draft.settings else format_duration(int(most))
        draft.seen.append(f"{counted(len(gaps), 'gap')} of over {of_what}, the longest {longest}")
    _doubt_spring(draft, usual)
    if num_back:
        draft.seen.append(f"times go back in {counted(num_back, 'place')}")
    is_even = differ <= len(steps) / 2
    if not _find_max_gap(draft, usual, int(most), is_even=is_even) and len(gaps) > MANY * len(steps):
        many = share(len(gaps), len(steps))
        draft.doubts.append(
            f"{many} of steps are gaps and start a new segment, which no window crosses. To keep rows together, "
            f"say max-gap = {toml(format_duration(_most_steps(gaps, usual)))}, or put them on a grid with every"
        )


def _most_steps(gaps: pl.Series, usual: int) -> int:
    """What nine of ten gaps do not exceed, in whole steps, or seconds where steps are not whole."""
    longest = int(gaps.quantile(0.9, "higher"))  # type: ignore[arg-type]
    unit = usual if usual < SECOND_NS or usual % SECOND_NS == 0 else SECOND_NS
    return -(-longest // unit) * unit


def _find_max_gap(draft: Proposal, usual: int, most: int, *, is_even: bool) -> bool:
    """Say how many windows there are; propose a longer gap where `most` leaves none to most rows."""
    runs = _runs(draft, most)
    num_rows, longest = int(runs.sum()), int(runs.max())  # type: ignore[arg-type]
    longer: list[int] = []
    if num_rows >= WINDOW and _in_windows(runs) < ENOUGH * num_rows:
        longer = [factor * usual if is_even else _round_up(factor * usual) for factor in FACTORS[is_even]]
        longer = [gap_ns for gap_ns in longer if gap_ns > most]
    for gap_ns in longer:
        joined = _runs(draft, gap_ns)
        if _in_windows(joined) >= ENOUGH * num_rows:
            runs, gap = joined, format_duration(gap_ns)
            draft.put("max-gap", gap, f"shorter ones would cut the log into pieces of at most {longest:,} rows")
            if not is_even and COMMON_GRID not in draft.doubts:
                draft.doubts.append(
                    f"steps are not even: a gap of over {GAP} times the median one would start a new segment "
                    f'after at most {longest:,} rows, so max-gap = "{gap}" is proposed; see also the grid of every'
                )
            break
    num_windows = int((runs - WINDOW + 1).clip(0).sum())
    looked_at = "" if draft.sample.is_whole else " in the rows looked at"
    draft.seen.append(
        f"{counted(num_windows, 'window')} of {WINDOW} rows{looked_at}, in {counted(len(runs), 'segment')}"
    )
    if num_windows or num_rows < WINDOW:
        return "max-gap" in draft.settings
    if COMMON_GRID in draft.doubts:
        return True  # it says what to do
    draft.doubts.append(
        f"gaps cut the log into pieces of at most {longest:,} rows: no window of {WINDOW} rows fits. Say a longer "
        f"max-gap, or every = {toml(format_duration(usual))} for rows of one step"
    )
    return True


def _round_up(step: int) -> int:
    """To whole days, or else hours, minutes and so on."""
    unit = next(unit for unit in reversed(UNITS_NS.values()) if unit <= step)
    return -(-step // unit) * unit


def _in_windows(runs: pl.Series) -> int:
    """Rows of runs in which a window fits."""
    return int(runs.filter(runs >= WINDOW).sum())


def _runs(draft: Proposal, max_gap: int) -> pl.Series:
    """Rows of each segment that the store would have, as far as the sample tells."""
    over = [key for key in draft.keys if key == "series"]
    if not draft.sample.is_whole:
        over = ["block", *over]
    rows = draft.rows.select(*over, "time").drop_nulls("time").unique().sort(*over, "time")
    is_gap = pl.col("time").diff() > max_gap
    is_other = pl.any_horizontal(pl.lit(False), *(pl.col(key).ne_missing(pl.col(key).shift()) for key in over))
    number = rows.select((is_gap.fill_null(True) | is_other).cum_sum()).to_series()
    return number.rle().struct.field("len").cast(pl.Int64)


def find_duplicates(draft: Proposal) -> None:
    """Find rows of a time and series that were before, and whether they say something else."""
    compared = {column.name: column.numbers for column in draft.channels}
    compared |= {name: draft.columns[name].texts for name in draft.label_columns}
    values = pl.DataFrame([column.alias(f"value {name}") for name, column in compared.items()])
    whose = ["group", "time", *draft.keys]
    rows = draft.rows.hstack(values).drop_nulls("time")
    over = [rows[key] for key in whose]
    first = rows.select(values.columns).select(pl.all().drop_nulls().first().over(*over))
    is_again = ~rows.select(pl.struct(whose).is_first_distinct()).to_series()
    labels = [f"value {name}" for name in draft.label_columns]
    first = first.with_columns(rows.select(labels).select(pl.all().first().over(*over)))
    differs = [
        is_again & (rows[name].ne_missing(first[name]) if name in labels else rows[name] != first[name])
        for name in values.columns
    ]
    differs = [differ.fill_null(False) for differ in differs]
    is_other = pl.select(pl.any_horizontal(pl.lit(False), *differs)).to_series() & is_again
    if (autumn := zone_of_autumn(rows["time"].filter(is_again))) is not None:
        draft.doubts.append(
            "an hour comes twice in the night in which clocks are set back: these are local times. Say their "
            f'zone, and that the order of rows tells the two hours apart: timezone = "{autumn}" and '
            'ambiguous = "infer". Without it, an ingest stops at the second of the two'
        )
        return
    num_again, num_others = int(is_again.sum()), int(is_other.sum())
    if (num_others or not num_again) and (doubt := doubt_of_runs(draft)) is not None:
        draft.doubts.append(doubt)
        if num_others > FEW * len(rows):
            return
    if not num_again:
        _doubt_steps_back(draft)
        return
    if not num_others:
        lacks = [rows[name].is_null() != first[name].is_null() for name in values.columns]
        how = ": they complete each other" if any(map(pl.Series.any, lacks)) else ", as it was"
        draft.put("duplicates", "same", f"{counted(num_again, 'row')} of a time that was before{how}")
        _doubt_left_out(draft, rows.select(whose), is_again)
        return
    night = zone_of_autumn(rows["time"].filter(is_other))
    set_back = f". They lie in the hour that comes twice where clocks are set back, as in {night}" if night else ""
    set_back = set_back or _where_back(draft)
    row = is_other.to_list().index(True)
    name = next(name for name, differ in zip(compared, differs, strict=True) if differ[row])
    shown = (
        f"{name!r} is {_value(first[f'value {name}'][row])} and {_value(rows[f'value {name}'][row])} at "
        f"{readable_time(rows['time'][row], fraction=False)}"
    )
    if num_others > FEW * len(rows) and not draft.keys:
        draft.doubts.append(
            f"{share(num_others, len(rows))} of rows repeat a time with other values ({shown}), and no column "
            f"says whose they are{_unless(draft)}. An ingest stops there: ingest the files apart, or add such a "
            'column; if one of them is right, say which: duplicates = "first", "last" or "mean"'
            + instead_of_one(draft)
        )
    else:
        draft.put("duplicates", "same", f"{counted(num_again, 'row')} of a time that was before: see the doubt")
        draft.doubts.append(
            f"duplicates: {num_others:,} of {counted(num_again, 'row')} of a time that was before have other "
            f"values or labels: {shown}{set_back}. An ingest stops there, unless you say which is right: "
            'duplicates = "first", "last" or "mean"' + instead_of_one(draft)
        )


def _unless(draft: Proposal) -> str:
    """A column of texts that tells some of the rows of one time apart, for the middle of a sentence."""
    rows = draft.rows.drop_nulls("time")
    num_times = rows.select(pl.struct("group", "time").n_unique()).item()
    for column in draft.columns.values():
        if not draft.uses.get(column.name, "").startswith("left out: texts") or len(column.values) > MOST_NAMES:
            continue
        texts = column.texts.filter(draft.rows["time"].is_not_null())
        if rows.select(pl.struct("group", "time", text=texts).n_unique()).item() > num_times:
            return f" (if {column.name!r} does, which tells some of them apart, say series = {toml(column.name)})"
    return ""


def _where_back(draft: Proposal) -> str:
    """Where the clock seems to have been set back, for the end of a sentence."""
    rows = draft.rows.drop_nulls("time")
    rows = rows.select("time", last=pl.col("time").shift().over("block", *draft.keys))
    back = rows.filter(pl.col("time") < pl.col("last"))
    if not len(back) or len(back) > FEW * len(rows):
        return ""
    last, then = (readable_time(back[name][0], fraction=False) for name in ("last", "time"))
    places = counted(len(back), "place")
    return f". Times go back in {places}, the first {then} after {last}: if the clock was set there, keep the last"


def _doubt_left_out(draft: Proposal, whose: pl.DataFrame, is_again: pl.Series) -> None:
    """Doubt rows that repeat a time and are the same but for texts that are left out, as those of events are."""
    exclude = draft.settings.get("exclude", ())
    for name in [exclude] if isinstance(exclude, str) else exclude:
        column = draft.columns.get(name)
        if column is None or column.is_number:
            continue  # a counter of rows always differs
        texts = column.texts.filter(draft.rows["time"].is_not_null())
        first = whose.with_columns(text=texts).select(pl.col("text").first().over(whose.columns)).to_series()
        differs = is_again & texts.ne_missing(first)
        if differs.any():
            row = differs.to_list().index(True)
            draft.doubts.append(
                f"duplicates: {counted(int(differs.sum()), 'row')} of a time that was before differ in {name!r}, "
                f"which is left out ({first[row]!r} and {texts[row]!r}): one row of each time is kept. If it "
                "tells machines or events apart, take it out of exclude and name it as series"
            )
            return


def _doubt_steps_back(draft: Proposal) -> None:
    """Where times go back in a log that is known in part, rows that were not kept may repeat a time."""
    found = draft.steps(draft.rows["time"], *(key for key in draft.keys if key == "series"))
    num_back = int((found < 0).sum())
    if num_back and not draft.sample.is_whole:
        draft.doubts.append(
            f"times go back in {counted(num_back, 'place')}, by {format_duration(-int(found.min()))} at most: "  # type: ignore[arg-type]
            "rows that repeat a time stop an ingest, unless you say which are right: duplicates = "
            '"same", "first", "last" or "mean"'
        )


def _doubt_spring(draft: Proposal, usual: int) -> None:
    """Where the only hour without rows is the one that clocks leave out in spring."""
    times = draft.rows["time"].drop_nulls().unique().sort()
    before = times.filter((times.diff() == usual + HOUR_NS).shift(-1).fill_null(False))
    if usual > HOUR_NS or before.is_empty() or "timezone" in draft.settings:
        return
    expected = (before + usual).cast(pl.Datetime("ns"))
    for zone in AUTUMN:
        is_left_out, is_there = (
            one.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").is_null()
            for one in (expected, times.cast(pl.Datetime("ns")))
        )
        if is_left_out.any() and not is_there.any():
            draft.doubts.append(
                "no row lies in the hour that is left out in the night in which clocks are set forward: these "
                f'seem to be local times. Say their zone, such as timezone = "{zone}"'
            )
            return


def _value(value: float | str | None) -> str:
    return "missing" if value is None else value if isinstance(value, str) else number(value)
