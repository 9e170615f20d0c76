"""SIGKILL at any moment of an ingest: started again, it goes on from its parts and makes the very same store."""

import signal
import threading
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import polars as pl
import pytest

from longstride.storage.errors import StoreError
from longstride.storage.open import open_store
from longstride.storage.verify import check_chunks
from tests.helpers.logs.ingest_jobs import STAGES, contents, parts_on_disk, start_job, write_logs

MOST_STEPS = {"reading": 110, "writing": 60, "committing": 70, "tidying": 80}
MAX_SECONDS = 1.5
"""Of the work of a job, on a busy machine; many are killed earlier."""


class Whole(NamedTuple):
    """What an undisturbed job makes."""

    logs: Path
    store: dict[str, bytes]
    rejects: pl.DataFrame
    parts: set[str]


class Ended(NamedTuple):
    """A job that was killed, or has come to its end."""

    code: int
    stage: str
    """When it ended."""
    written: list[str]
    """Parts that it has read, and not taken over."""
    num_reused: int | None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return make_whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return make_whole(tmp_path_factory.mktemp("in order"), in_order=True)


def make_whole(folder: Path, **order: bool) -> Whole:
    write_logs(folder / "logs", **order)
    ended = run(folder / "logs", folder / "out")
    assert (ended.code, ended.num_reused) == (0, 0)
    store = open_store(folder / "out")
    assert store.num_rows == 60_000
    assert len(store.series) == 3
    rejects = pl.read_parquet(folder / "out.report" / "rejects" / "1.parquet")
    assert rejects.height == 15
    return Whole(folder / "logs", contents(folder / "out"), rejects, set(ended.written))


def run(logs: Path, out: Path, *step: object, seconds: float | None = None) -> Ended:
    """Run a job to its end, to a step, or for some seconds after it has begun to work."""
    written: list[str] = []
    stage, num_reused = "planning", None
    with start_job(logs, out, *step) as job:
        assert job.stdout is not None
        timer = None
        for line in job.stdout:
            if timer is None and seconds is not None:
                timer = threading.Timer(seconds, job.kill)
                timer.start()
            word, _, rest = line.strip().partition(" ")
            if word == "part":
                written.append(rest)
            elif word == "reused":
                num_reused = int(rest)
            else:
                stage = word
        if timer is not None:
            timer.cancel()
    return Ended(job.returncode, stage, written, num_reused)


def campaign(folder: Path, whole: Whole, num_kills: int, seed: int) -> Counter[str]:
    """Kill jobs, up to four times in a row, and have each end; count the stages in which they died.

    So many kills at least, and on until one was in each stage: a job that goes on may be done before its aim.
    """
    random = Random(seed)
    killed: Counter[str] = Counter()
    aims: list[Any] = []
    for trial in range(4 * num_kills):
        if killed.total() >= num_kills and killed.keys() >= set(STAGES):
            break
        out = folder / f"out-{trial}"
        read: set[str] = set()
        for _ in range(random.randint(1, 4)):
            if not aims:
                aims = [*STAGES, None]
            aim = aims.pop(random.randrange(len(aims)))
            if aim is None:
                ended = run(whole.logs, out, seconds=random.uniform(0, MAX_SECONDS))
            else:
                ended = run(whole.logs, out, aim, random.randint(1, MOST_STEPS[aim]))
            assert not read & set(ended.written), "a part was read twice"
            if ended.code == 0:
                break
            assert ended.code == -signal.SIGKILL
            killed[ended.stage] += 1
            if (out / "zarr.json").exists():
                assert not [check for check in check_chunks(open_store(out)) if check.fault]
                break
            with pytest.raises(StoreError) as caught:
                open_store(out)
            assert caught.value.code in ("store-missing", "store-unfinished")
            assert read <= parts_on_disk(out)
            read = parts_on_disk(out)
        ends(out, whole, read)
    return killed


def ends(out: Path, whole: Whole, read: set[str]) -> None:
    """Run a job to its end where others were killed, and look at what it leaves."""
    committed = (out / "zarr.json").exists()
    ended = run(whole.logs, out)
    assert ended.code == 0
    if not committed:
        assert set(ended.written) == whole.parts - read
        assert ended.num_reused == len(read)
    assert contents(out) == whole.store
    assert {path.name for path in out.iterdir() if path.name.startswith(".")} == set()
    report = out.with_name(f"{out.name}.report")
    assert contents(report).keys() == {"report.json", "report.html", "rejects/1.parquet"}
    assert pl.read_parquet(report / "rejects" / "1.parquet").equals(whole.rejects)


def test_a_few_kills(tmp_path: Path, whole: Whole) -> None:
    killed = campaign(tmp_path, whole, 8, seed=0)
    assert killed.keys() >= set(STAGES)


@pytest.mark.soak
def test_fifty_kills_at_random_moments_five_or_more_in_each_stage(tmp_path: Path, whole: Whole) -> None:
    killed = campaign(tmp_path, whole, 50, seed=1)
    assert all(killed[stage] >= 5 for stage in STAGES), killed


@pytest.mark.parametrize(("stage", "step"), [("committing", 4), ("committing", 9), ("tidying", 1)])
def test_a_store_is_never_without_its_report_and_rejects(
    tmp_path: Path, whole: Whole, stage: str, step: int
) -> None:
    """Killed around the commit: nothing is lost, and nothing left."""
    out = tmp_path / "out"
    assert run(whole.logs, out, stage, step).code == -signal.SIGKILL
    assert (out / "zarr.json").exists() == (stage == "tidying")
    if stage == "tidying":
        rejects = tmp_path / "out.report" / "rejects" / "1.parquet"
        assert pl.read_parquet(rejects).equals(whole.rejects)
        assert (tmp_path / "out.report" / "report.json").exists()
    ends(out, whole, parts_on_disk(out))


def test_chunks_that_are_written_ahead_are_no_store_before_the_commit(tmp_path: Path, in_order: Whole) -> None:
    """Killed while it reads, where chunks of the parts before lie there already, and right behind."""
    random = Random(2)
    num_ahead = 0
    for number, step in enumerate([*random.sample(range(20, MOST_STEPS["reading"]), 4), None]):
        out = tmp_path / f"out {number}"
        aim = ("writing", 1) if step is None else ("reading", step)
        assert run(in_order.logs, out, *aim).code == -signal.SIGKILL
        num_ahead += len(list(out.glob("values/c.*")))
        with pytest.raises(StoreError) as caught:
            open_store(out)
        assert caught.value.code in ("store-missing", "store-unfinished")
        ends(out, in_order, parts_on_disk(out))
    assert num_ahead > 10
