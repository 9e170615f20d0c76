"""Which columns are channels, labels, counters, or nothing of use: other times, indexes, texts, constants."""

import re

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.staging.precision import LARGEST_EXACT
from longstride.pipeline.profile.clock.numbers.parts import parts_of_time
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.times import is_time_of_day
from longstride.pipeline.profile.column import FEW, MOST, Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.spelling.affixes import affixes_of
from longstride.pipeline.profile.spelling.states import is_truth_word, states_entry
from longstride.pipeline.profile.words.label_names import is_label_name
from longstride.pipeline.profile.words.time_names import name_score, plain
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import exact_number, number

__all__ = [
    "find_counters",
    "leave_out_constants",
    "leave_out_index",
    "leave_out_other_times",
    "leave_out_texts",
]

COUNT = re.compile(
    r"count|total|cum|sum|energ|wh\b|octet|packet|puls|odo|meter\b|zähler|zaehler|compteur|contador|tick|_b$"
    r"|(?:rx|tx|recv|received|sent|read|written|in|out)[-_. ]?(?:bytes|pkts)"
    r"|(?:bytes|pkts)[-_. ]?(?:rx|tx|recv|received|sent|read|written|in|out)",
    re.IGNORECASE,
)
"""Names of what a counter counts."""
NUMBER_WITHIN = r"^[^\d\w]*[+-]?\d[\d.,' \u{a0}\u{202f}]*\s*([^\d\s][^\d]{0,11})?$"
FEW_STATES = 12
INDEX_NAME = re.compile(
    r"|(unnamed|column)\d*|(row|record|sample|line|entry|scan|seq|sequence|point|data)?"
    r"(no|nr|num|number|id|idx|index|count|counter|rn|record|row|seq|sequence|entry|sample|scan|line)"
)
MANY = 0.1
MINUTE_NS = 60 * 10**9


def leave_out_other_times(draft: Proposal) -> None:
    """Leave out times that are not the time of a row, and its parts."""
    parts = {name for names, _ in parts_of_time(draft.columns) if len(names) > 2 for name in names}
    others = {times.recipe.time: times for times in draft.times}
    for column in draft.free:
        is_time = column.name in others or is_time_of_day(column)
        if column.name in parts:
            draft.exclude(column, "a part of the time")
        elif column.is_number and column.name in others and not _runs_along(draft, others[column.name]):
            draft.doubts.append(
                f"{column.name!r} could be times by its name and numbers, and does not run as "
                f"{listed(draft.times[0].recipe.time_columns)} does: it is kept as a channel. If it is another "
                f"time, exclude = {toml([column.name])}"
            )
        elif is_time and (name_score(column.name) or not column.is_number):
            draft.exclude(column, f"another time: {column.examples()}")


def _runs_along(draft: Proposal, other: Times) -> bool:
    """Whether other times last nearly as long as those that were chosen; those that never change say nothing."""
    ours, theirs = (int(draft.steps(times.nanoseconds).sum()) for times in (draft.times[0], other))
    return not theirs or abs(ours - theirs) <= MINUTE_NS + MANY * abs(ours)


def leave_out_index(draft: Proposal) -> None:
    """Leave out numbers that count rows."""
    left = len(draft.channels)
    for column in draft.channels:
        steps = draft.steps(column.numbers)
        if not len(steps) or (steps != 1).any() or left == 1:
            continue
        # What has a unit, or digits behind a point, is measured, and other numbers may happen to rise so.
        is_plain = column.values.str.contains(r"^[+-]?\d+(\.0)?$").all()
        if is_plain and (column.numbers.min() in (0, 1) or INDEX_NAME.fullmatch(plain(column.name))):
            draft.exclude(column, "counts rows")
            left -= 1


def leave_out_texts(draft: Proposal) -> None:
    """Leave out columns that are not numbers. Raises SourceError where nothing is left."""
    texts = [column for column in draft.free if not column.is_number and len(column.values) > 1]
    found = {column.name: _of_texts(column) for column in texts}
    draft.doubts += [doubt for doubt in found.values() if doubt]
    if others := [name for name, doubt in found.items() if not doubt and not is_label_name(name)]:
        draft.doubts.append(
            f"left out, for their texts are not numbers: {listed(others)}. If one names the machine of a row, say "
            f"series = {toml(others[0])}. To keep the states of one, take it out of exclude and name them: "
            f"states = {toml([f'{others[0]}=FIRST,SECOND'])}"
        )
    empty = [column.name for column in draft.free if not column.is_number and column.values.is_empty()]
    if empty and not draft.sample.is_whole:
        draft.doubts.append(
            f"left out, for the sample holds no value of them: {listed(empty)}. An ingest says where there "
            "are any: then remove them from exclude"
        )
    for column in draft.free:
        if len(column.values) == 1 and not column.is_number:
            if is_truth_word(column.values[0]):
                entry = toml([states_entry(column.name, ["OTHER", column.values[0]])])
                draft.doubts.append(
                    f"{column.name!r} is left out: it is always {quoted(column.values[0])} in the sample. To keep "
                    f"it, name both states with states = {entry}"
                )
            draft.exclude(column, f"always {quoted(column.values[0])}")
        elif not column.is_number:
            draft.exclude(column, f"{'texts: ' if len(column.values) else 'holds '}{column.examples()}")
    if not draft.channels:
        if draft.question is not None:
            raise draft.question
        times = draft.times[0].recipe.time_columns
        but = f" except the time {listed(times)}" if times else ""
        raise SourceError(
            draft.sample.excerpts[0].source.name,
            f"no column of numbers is left{but}; the columns are {listed(list(draft.columns))}: is this the right "
            "file, and which character separates its fields?",
            code="no-channels",
        )


def _of_texts(column: Column) -> str | None:
    """What a column of texts may be after all; None where they are nothing but texts."""
    name, values = column.name, column.values
    affixes = affixes_of(column)
    if affixes and affixes.are_mixed:
        return (
            f"{name!r} is left out: its numbers have different units ({affixes.shown()}). Rewrite them in "
            "one unit to keep the column"
        )
    numbers = values.filter(values.str.contains(NUMBER_WITHIN))
    if len(numbers) >= MOST * len(values):
        return (
            f"{name!r} is left out, but its texts hold numbers, such as {quoted(numbers[0])}: see decimal, "
            "thousands, strip and negative, and take the column out of exclude"
        )
    if len(values) <= min(FEW_STATES, len(column.texts) // 10) and not values.str.contains("[,=]").any():
        entry = toml([states_entry(name, values.to_list())])
        return (
            f"{name!r} is left out: it holds {column.examples()}. A name of machines is a series. If these "
            f"are states, take it out of exclude and store them as 0, 1 and so on with states = {entry}"
        )
    return None


def leave_out_constants(draft: Proposal) -> None:
    """Leave out numbers that never change, if others do."""
    same = [column for column in draft.channels if column.numbers.n_unique() == 1]
    if len(same) == len(draft.channels):
        names = toml([column.name for column in same[:1]])
        draft.doubts.append(
            f"no channel changes in the sample: all are kept. To leave one out, say exclude = {names}"
        )
        return
    for column in same:
        draft.exclude(column, f"always {number(column.numbers[0])} in the sample")
    if same:
        draft.doubts.append(
            f"exclude: {listed([column.name for column in same])} never change in the sample and are left out. "
            "What may change elsewhere, such as an alarm, take out of exclude"
        )


def find_counters(draft: Proposal) -> None:
    """Find whole numbers that float32 would round, which an ingest refuses: counts, or to be kept as float64."""
    left = len(draft.channels)
    counters: list[Column] = []
    rounded: list[str] = []
    for column in draft.channels:
        most = float(column.numbers.abs().max() or 0)  # type: ignore[arg-type]
        if not column.is_whole or most < LARGEST_EXACT["float32"]:
            continue
        found = f"whole numbers up to {number(most)}, which would be rounded"
        if most >= LARGEST_EXACT["float64"] and left > 1:
            draft.exclude(column, f"{found}: codes?")
            left -= 1
        elif most >= LARGEST_EXACT["float64"]:
            draft.doubts.append(
                f"{column.name!r} holds {found}, so an ingest stops: subtract an offset, with "
                f"exclude = {toml([column.name])} and sql = {toml(_less(column))}"
            )
        elif "pivot" not in draft.settings and _only_rises(draft.steps(column.numbers, *draft.keys)):
            counters.append(column)
            draft.uses[column.name] = f"a count, {column.shown()}"
        elif (column.numbers.cast(pl.Float32).cast(pl.Float64) != column.numbers).any():
            rounded.append(column.name)
    fine = [column.name for column in draft.channels if not column.is_whole and _loses_steps(column.numbers)]
    if counters:
        why = (
            f"whole numbers that only rise, beyond {LARGEST_EXACT['float32']:,}: the increase per second is stored"
        )
        draft.put("rate", [column.name for column in counters], why)
        if levels := [column.name for column in counters if not COUNT.search(column.name)]:
            draft.doubts.append(
                f"rate: {listed(levels)} only rise in the sample, as counts do, and their increase per second is "
                'stored. If they are levels, such as memory in use, take them out of rate, with dtype = "float64"'
            )
        if max(float(column.numbers.max()) for column in counters) >= 2**32:  # type: ignore[arg-type]
            draft.put("counter-bits", "64", "some exceed 32 bits")
    if rounded:
        draft.put("dtype", "float64", f"float32 would round the whole numbers of {listed(rounded)}")
    elif fine:
        draft.put("dtype", "float64", f"float32 would round the decimals of {listed(fine)}")


def _less(column: Column) -> str:
    name = column.name.replace('"', '""')
    return f'SELECT *, "{name}" - {exact_number(column.numbers.min())} AS "{name} less" FROM rows'


def _loses_steps(numbers: pl.Series) -> bool:
    """Whether float32 would make many different numbers the same, as it does with positions of seven decimals."""
    num_different = numbers.n_unique()
    return num_different > 2 and numbers.cast(pl.Float32).n_unique() < 0.9 * num_different


def _only_rises(steps: pl.Series) -> bool:
    falls, rises = int((steps < 0).sum()), int((steps > 0).sum())
    # A gauge, such as memory in use, may rise for hours: a counter does so in many rows.
    return falls <= FEW * len(steps) and rises >= max(1, MANY * len(steps))
