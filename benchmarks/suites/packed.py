"""`python -m benchmarks windows --layout packed`: a packed store, compared with decoding and copying."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes, strides_of
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread, interleave

if TYPE_CHECKING:
    from benchmarks.data.packed_stores import Copies
    from longstride import WindowLoader

__all__ = ["Cell", "Packed", "measure"]

WAYS = ("packed", "copy", "decode", "cached", "mapped")
SECONDS_OF_ASKING = 0.05
"""At a time, of a process of another checkout."""

PACKED = """\
## The packed layout

Windows of K rows served shuffled, B = {batch}, from a packed store of {num_rows:,} rows of {num_channels} float32
channels: random walks of three decimals, {codec}, {ratio:.2f} times smaller. In GB of windows per second: from the
packed store; the fair copy; decoding alone, times the K / stride windows that contain each row; through a full
cache; from the mapped store. Then ratios: the packed store to the slower of copy and decoding; the packed store to
both, one after the other, since each alone takes all cores; the cache to the mapped layout; and, where one took
part, the packed store to an earlier version of Longstride with the store that it packs.

    python -m benchmarks windows --layout packed --rows {num_rows} --codec {codec}
"""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One case: bytes of windows per second of each way, and the promised ratios, round by round."""

    case: Sizes
    bytes_per_second: dict[str, Spread]
    packed_to_bound: Spread
    """To the slower of the fair copy, and the decoding of rows times the windows that each is in."""
    packed_to_both: Spread
    """To one after the other: each of them alone takes all cores."""
    cached_to_mapped: Spread
    """From the second epoch on."""
    packed_to_before: Spread | None = None
    """To another checkout and the store that it packs, if one took part."""


@dataclass(frozen=True, kw_only=True)
class Packed(Result):
    """All cases of one packed store."""

    BENCHMARK = "packed"
    INTRODUCTION = PACKED
    num_rows: int
    num_channels: int
    codec: str
    ratio: float
    """How many times smaller the values are."""
    ratio_before: float | None = None
    """The same of what another checkout packs, if one took part."""
    seed: int = SEED
    threads: dict[str, int]
    rounds: int
    seconds: float
    digests: dict[str, str]
    """Digest of an epoch, by where it was read from."""
    cells: tuple[Cell, ...]

    def words(self) -> dict[str, Any]:
        """With the batch."""
        return {"batch": self.cells[0].case.batch, **vars(self)}

    def table(self) -> Table:
        """A row a case, in GB of windows per second."""

        def rate(way: str) -> Callable[[Cell], str]:
            return lambda cell: f"{cell.bytes_per_second[way].median / 1e9:.1f}"

        return Table.of(
            self.cells,
            {
                "K": lambda cell: f"{cell.case.window:,}",
                "stride": lambda cell: f"{cell.case.stride:,}",
                **{way: rate(way) for way in WAYS},
                "of the slower": lambda cell: spread(cell.packed_to_bound),
                "of both": lambda cell: spread(cell.packed_to_both),
                "cached to mapped": lambda cell: spread(cell.cached_to_mapped),
                "of before": lambda cell: spread(cell.packed_to_before) if cell.packed_to_before else "",
            },
        )

    def section(self) -> str:
        """With what the digests say."""
        same = "one and the same" if len(set(self.digests.values())) == 1 else "**not the same**"
        digest = f"The digest of an epoch is {same} from {', '.join(self.digests)}: {self.digests['mapped']}."
        return f"{super().section()}\n{digest}\n"


def measure(
    copies: "Copies",
    windows: Sequence[int],
    batch: int,
    *,
    rounds: int,
    seconds: float,
    against: Path | None = None,
) -> Packed:
    """Stride 1, K/8 and K for each K, all ways of one case in turn, another checkout among them."""
    from tqdm import tqdm

    from benchmarks.data.packed_stores import packed_by, ratio_of
    from longstride.storage.location import place_of
    from longstride.storage.packed.rows import threads_for

    digests = _digests(copies, Sizes(windows[0], windows[0], batch))
    chosen = [Sizes(window, stride, batch) for window in windows for stride in strides_of(window, "1,K/8,K")]
    bar = tqdm(chosen, desc="measure", unit="case", disable=None)
    return Packed(
        num_rows=copies.num_rows,
        num_channels=copies.num_channels,
        codec=copies.codec,
        ratio=copies.ratio,
        ratio_before=ratio_of(packed_by(against, copies)) if against else None,
        threads=torch_threads() | {"decoding": threads_for(place_of(str(copies.packed)))},
        rounds=rounds,
        seconds=seconds,
        digests=digests,
        cells=tuple(_measure(copies, case, rounds, seconds, against) for case in bar),
    )


def _measure(copies: "Copies", case: Sizes, rounds: int, seconds: float, against: Path | None) -> Cell:
    from benchmarks.data.packed_stores import decode
    from benchmarks.peers.fair_copy import fair_copy
    from benchmarks.peers.longstride import loader_of, serve
    from longstride.storage.open import open_mapped

    values = open_mapped(copies.mapped).values
    row_bytes = values[:1].nbytes
    window_bytes = case.window * row_bytes
    ways: dict[str, Iterator[int]] = {
        "packed": serve(loader_of(copies.packed, case)),
        "copy": map(len, fair_copy(values, case.window, case.batch, SEED)),
        "decode": decode(copies.packed),
        "cached": _serve_cached(copies, case),
        "mapped": serve(loader_of(copies.mapped, case)),
    }
    with ExitStack() as stack:
        if against:
            ways["before"] = _serve_before(copies, case, against, stack)
        rates = interleave(ways, rounds=rounds, seconds=seconds, lead_in=seconds / 2)
    # Each row that is decoded is in K / stride windows.
    served = {name: [rate * window_bytes for rate in found] for name, found in rates.items() if name != "decode"}
    served["decode"] = [rate * row_bytes * case.window / case.stride for rate in rates["decode"]]
    alone = list(zip(served["copy"], served["decode"], strict=True))
    bound = [min(both) for both in alone]
    in_turn = [1 / (1 / copy + 1 / decode) for copy, decode in alone]
    return Cell(
        case=case,
        bytes_per_second={name: Spread.of(rate) for name, rate in served.items()},
        packed_to_bound=Spread.ratio(served["packed"], bound),
        packed_to_both=Spread.ratio(served["packed"], in_turn),
        cached_to_mapped=Spread.ratio(served["cached"], served["mapped"]),
        packed_to_before=Spread.ratio(served["packed"], served["before"]) if against else None,
    )


def _serve_before(copies: "Copies", case: Sizes, checkout: Path, stack: ExitStack) -> Iterator[int]:
    """By a process of another checkout, which is stopped while others have their turns."""
    from benchmarks.data.packed_stores import packed_by
    from benchmarks.harness.case import Case
    from benchmarks.harness.registry import ours_in
    from benchmarks.harness.way_process import WayProcess

    log = copies.mapped.parent / "before.log"
    process = stack.enter_context(WayProcess(ours_in(checkout), most_seconds=600, most_megabytes=8000, log=log))
    process.open(
        Case(
            store=str(packed_by(checkout, copies)),
            raw="",
            num_rows=copies.num_rows,
            num_channels=copies.num_channels,
            window=case.window,
            stride=case.stride,
            batch=case.batch,
            seed=SEED,
        )
    )
    while True:
        yield process.serve(SECONDS_OF_ASKING, 0).windows


def _serve_cached(copies: "Copies", case: Sizes) -> Iterator[int]:
    """From the second epoch on: the first one, in which each row is decoded, is read through beforehand."""
    import numpy as np

    from benchmarks.data.packed_stores import DECODED_ROWS
    from benchmarks.peers.longstride import loader_of, serve
    from longstride.storage.open import open_store
    from longstride.storage.packed.cache import RowCache

    loader = loader_of(copies.packed, case, cache_dir=copies.cache)
    rows = open_store(copies.packed).num_rows
    cache = loader.dataset.collection.rows[0]
    assert isinstance(cache, RowCache)
    for start in range(0, rows, DECODED_ROWS):
        stop = min(start + DECODED_ROWS, rows)
        cache.read_many([(start, stop)], [np.empty((stop - start, *cache.shape[1:]), cache.dtype)])
    return serve(loader)


def _digests(copies: "Copies", case: Sizes) -> dict[str, str]:
    """Digest of an epoch, windows and their starts, by where it was read from."""
    from benchmarks.peers.longstride import loader_of

    places: dict[str, Callable[[], WindowLoader]] = {
        "mapped": lambda: loader_of(copies.mapped, case),
        "packed": lambda: loader_of(copies.packed, case),
        "cached": lambda: loader_of(copies.packed, case, cache_dir=copies.cache),
    }
    if copies.url:
        url = copies.url
        places["s3"] = lambda: loader_of(url, case)
    return {name: _digest(make()) for name, make in places.items()}


def _digest(loader: "WindowLoader") -> str:
    digest = hashlib.sha256()
    for batch in loader:
        digest.update(batch.start.numpy().tobytes())
        digest.update(batch.values.numpy().tobytes())
    return digest.hexdigest()[:16]
