"""Pieces of a section, staged some at a time where the section is a whole file."""

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import polars as pl
import pytest

from longstride import Recipe
from longstride.pipeline.ingest.plan import make_plan
from longstride.pipeline.ingest.staging import task
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.pipeline.ingest.staging.task import ReadSection
from tests.helpers.logs.log_lines import log_lines

PIECE_BYTES = 500
TEXT = "".join(f"{line}\n" for line in log_lines(100))


@pytest.fixture
def staged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Callable[[int], object]], list[Part]]:
    """The parts of the first section of a log; `before` gets the number of each piece, before it is parsed."""

    def parts(name: str, before: Callable[[int], object]) -> list[Part]:
        path = tmp_path / name
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(TEXT.encode()))
        else:
            pl.read_csv(TEXT.encode(), try_parse_dates=True).write_parquet(path, row_group_size=50)
        (reading,) = make_plan([str(path)], Recipe(time="time")).readings(tmp_path, PIECE_BYTES)
        section = next(reading.source.sections(PIECE_BYTES))
        numbers = iter(range(1000))
        parse = task.parse

        def slow(*arguments: Any, **keywords: Any) -> Any:
            before(next(numbers))
            return parse(*arguments, **keywords)

        monkeypatch.setattr(task, "parse", slow)
        return list(ReadSection(reading, section)())

    return parts


def test_two_pieces_of_a_compressed_file_are_staged_at_a_time(
    staged: Callable[[str, Callable[[int], object]], list[Part]],
) -> None:
    both = Barrier(2, timeout=20)
    parts = staged("log.csv.gz", lambda number: both.wait() if number < 2 else None)
    assert not both.broken
    assert len(parts) > 5


def test_its_parts_come_in_the_order_of_the_file_whichever_is_ready_first(
    staged: Callable[[str, Callable[[int], object]], list[Part]],
) -> None:
    parts = staged("log.csv.gz", lambda number: time.sleep(0.2 * (number == 0)))
    assert [part.piece for part in parts] == [*range(len(parts))]
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert sum(part.num_rows for part in parts) == 100


def test_pieces_of_a_file_of_several_sections_are_not(
    staged: Callable[[str, Callable[[int], object]], list[Part]],
) -> None:
    """Tasks of other sections run meanwhile: memory would hold twice as many pieces, and nothing be faster."""
    alone = Barrier(2, timeout=0.3)
    with pytest.raises(BrokenBarrierError):
        staged("log.parquet", lambda _: alone.wait())
