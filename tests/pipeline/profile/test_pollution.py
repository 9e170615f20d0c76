"""Polluted logs, profiled and ingested unedited: exact, or bad lines named, or refused; none silently wrong."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

from longstride import profile
from tests.helpers.campaigns import count
from tests.helpers.logs.polluted_outcomes import Outcome, Result, outcome
from tests.helpers.logs.pollution import Polluted, per_cell, per_file, per_row

SHORT, LONG = 84, 3_000
EVERY, LONG_EVERY = 1, 29
"""Of the rows, so many-th are polluted in a campaign; the long log is spread over all its rows."""
STRIDE = 97
"""Of all faults of the short log, so many-th are tried by `make test`: with no kind in step."""
GOOD = {Outcome.EXACT, Outcome.NAMED}
FEWEST_GOOD = 0.95


def polluted(num_rows: int, every: int) -> Iterator[Polluted]:
    """All faults of one log, also those of its first and last rows."""
    rows = sorted({*range(0, num_rows + 1, every), 1, 2, num_rows - 1, num_rows})
    return chain(per_file(num_rows), per_row(num_rows, rows), per_cell(num_rows, rows))


def doubts_without_fault(num_rows: int, folder: Path) -> frozenset[str]:
    file = folder / "plain.csv"
    file.write_bytes(next(per_file(num_rows)).data)
    return frozenset(profile(str(file)).doubts)


def outcomes(cases: Iterator[Polluted], num_rows: int, folder: Path) -> Iterator[tuple[Polluted, Result]]:
    doubts = doubts_without_fault(num_rows, folder)
    for number, case in enumerate(cases):
        place = folder / str(number)
        place.mkdir()
        yield case, outcome(case, place, doubts)


def test_none_of_a_sample_is_silently_wrong(tmp_path: Path) -> None:
    found = list(outcomes(islice(polluted(SHORT, EVERY), 0, None, STRIDE), SHORT, tmp_path))
    assert [(case.kind, result.detail) for case, result in found if result.outcome is Outcome.WRONG] == []
    num_good = sum(result.outcome in GOOD for _, result in found)
    assert num_good >= FEWEST_GOOD * len(found)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, {Outcome.EXACT}), (84, {Outcome.EXACT, Outcome.NAMED})],
    ids=["the log itself", "its last row"],
)
def test_what_is_expected_of_each(number: int, expected: set[Outcome], tmp_path: Path) -> None:
    cases = per_row(SHORT, [number]) if number else islice(per_file(SHORT), 1)
    assert {result.outcome for _, result in outcomes(cases, SHORT, tmp_path)} == expected


@pytest.mark.parametrize(
    "change",
    [("1385.75", "1385.50"), ("2024-03-01 08:01:00", "2024-03-01 08:01:01"), ("flow", "level2")],
    ids=["a value", "a time", "a name"],
)
def test_a_difference_is_seen(change: tuple[str, str], tmp_path: Path) -> None:
    case = next(per_file(SHORT))
    changed = Polluted(kind="", data=case.data.replace(*(text.encode() for text in change)), num_rows=SHORT)
    assert changed.data != case.data
    ((_, result),) = outcomes(iter([changed]), SHORT, tmp_path)
    assert result.outcome is Outcome.WRONG


@pytest.mark.soak
@pytest.mark.parametrize(("num_rows", "every"), [(SHORT, EVERY), (LONG, LONG_EVERY)])
def test_every_fault(num_rows: int, every: int, tmp_path: Path) -> None:
    counted: Counter[Outcome] = Counter()
    wrong = []
    for case, result in outcomes(polluted(num_rows, every), num_rows, tmp_path):
        counted[result.outcome] += 1
        if result.outcome is Outcome.WRONG:
            wrong.append((case.kind, result.detail))
    for kind, number in counted.items():
        count(f"polluted logs of {num_rows:,} rows: {kind.value}", number)
    assert wrong == []
    assert sum(counted[kind] for kind in GOOD) >= FEWEST_GOOD * counted.total()
