"""What a log does not tell, and its owner is asked for."""

import shlex
from collections.abc import Sequence

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import OPEN
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.clock.never_set import unreadable_clock
from longstride.pipeline.profile.proposal import Proposal

__all__ = ["ask"]

MOST_SOURCES = 3
MOST_CELLS = 8


def ask(draft: Proposal, sources: Sequence[str]) -> None:
    """Put the question that a proposal leaves open, with the command that answers it."""
    if draft.open:
        shown = shlex.join(sources) if len(sources) <= MOST_SOURCES else "SOURCE..."
        question = _of_date(draft, shown) if "start" in draft.open else _of_step(draft, shown)
        draft.question = SourceError(draft.sample.excerpts[0].source.name, question, code="times-not-found")


def _of_date(draft: Proposal, sources: str) -> str:
    name = draft.times[0].recipe.time_columns[0]
    return (
        f"{name!r} holds the time of day alone, and neither a line above the table nor the name of the file says "
        f"the date: run `longstride profile {sources} --start 2024-03-01` with the date of the rows, or fill in "
        f"start = {toml(OPEN)} in the recipe. A date that names of files hold in another way: see --date-from"
    )


def _of_step(draft: Proposal, sources: str) -> str:
    clock = unreadable_clock(draft.columns)
    row = list(draft.sample.frame().row(0, named=True).items())[:MOST_CELLS]
    first = ", ".join(f"{name!r}: {value!r}" for name, value in row)
    return (
        f"no column looks like times; the first row is {first}. "
        + (f"{clock}: was its clock never set? " if clock else "")
        + f"Rows can be counted: run `longstride profile {sources} --every 50us` (or 20000hz) with the time from "
        "row to row, and --start 2024-03-01T08:00 where the first one is known, or fill in every = "
        f"{toml(OPEN)} in the recipe. If a column counts seconds, give --time COLUMN --time-format s to "
        "`longstride ingest`; if it is a time that is written in another way, its --time-format"
    )
