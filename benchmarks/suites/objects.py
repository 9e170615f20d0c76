"""`python -m benchmarks windows --layout s3`: epochs from an object store, compared with fetching its objects."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread

if TYPE_CHECKING:
    from benchmarks.data.packed_stores import Copies
    from longstride.storage.places.place import Place

__all__ = ["Epochs", "Objects", "measure"]

PIECE_BYTES = 2**21

OBJECTS = """\
## From an object store

Epochs of windows that do not overlap, B = {batch}, from a packed store of {num_rows:,} rows of {num_channels}
float32 channels ({codec}, {ratio:.2f} times smaller) behind S3 on the same machine. Each epoch is compared with
only fetching the same objects, as many at a time; and with first fetching and then decoding them, since the same
cores run the server. {link}

    python -m benchmarks windows --layout s3 --rows {num_rows} --codec {codec} --s3 URL
"""


@dataclass(frozen=True, kw_only=True)
class Epochs:
    """Epochs of windows that do not overlap, so that each object is needed once."""

    window: int
    epoch: Spread
    """Seconds of an epoch, from its first object to its last batch."""
    fetch: Spread
    """Seconds of fetching the same objects, as many requests at a time, and throwing them away."""
    decode: Spread
    """Seconds of decoding the same rows, from a local copy."""
    megabytes_per_second: Spread
    """Megabytes of objects, fetched and thrown away."""
    to_fetch: Spread
    """Rate of an epoch to that of fetching."""
    to_both: Spread
    """To fetching and decoding one after the other: on a machine that is the server too, each takes all cores."""


@dataclass(frozen=True, kw_only=True)
class Objects(Result):
    """Epochs from one object store."""

    BENCHMARK = "objects"
    INTRODUCTION = OBJECTS
    num_rows: int
    num_channels: int
    batch: int
    codec: str
    ratio: float
    """How many times smaller the values are."""
    seed: int = SEED
    threads: dict[str, int]
    rounds: int
    link: str
    """What limits the link to it, or nothing."""
    epochs: tuple[Epochs, ...]

    def words(self) -> dict[str, Any]:
        """With a sentence on the link."""
        limited = f"The link to it was limited to {self.link}."
        return vars(self) | {"link": limited if self.link else "Nothing limited the link to it."}

    def table(self) -> Table:
        """A row a length of window."""
        return Table.of(
            self.epochs,
            {
                "K": lambda row: f"{row.window:,}",
                "epoch": lambda row: f"{row.epoch.median:.1f} s",
                "fetching": lambda row: f"{row.fetch.median:.1f} s",
                "decoding": lambda row: f"{row.decode.median:.1f} s",
                "fetched MB/s": lambda row: f"{row.megabytes_per_second.median:,.0f}",
                "epoch to fetching": lambda row: spread(row.to_fetch),
                "to both": lambda row: spread(row.to_both),
            },
        )


def measure(copies: "Copies", windows: Sequence[int], batch: int, *, rounds: int, link: str) -> Objects:
    """Epochs by K, each in turn with fetching and with decoding; the first of each is not counted."""
    from tqdm import tqdm

    from longstride.storage.location import place_of
    from longstride.storage.packed.rows import threads_for

    assert copies.url
    bar = tqdm(windows, desc="measure", unit="K", disable=None)
    return Objects(
        num_rows=copies.num_rows,
        num_channels=copies.num_channels,
        batch=batch,
        codec=copies.codec,
        ratio=copies.ratio,
        threads=torch_threads() | {"fetching and decoding": threads_for(place_of(copies.url))},
        rounds=rounds,
        link=link,
        epochs=tuple(_measure(copies, copies.url, Sizes(window, window, batch), rounds) for window in bar),
    )


def _measure(copies: "Copies", url: str, sizes: Sizes, rounds: int) -> Epochs:
    from benchmarks.data.packed_stores import decode
    from benchmarks.peers.longstride import loader_of
    from longstride.storage.location import place_of
    from longstride.storage.open import open_store

    store = open_store(url)
    objects: list[int] = store.attributes["packed"]["shard_bytes"]["values"]
    loader = loader_of(url, sizes)
    decoded = decode(copies.packed)

    def epoch() -> None:
        for _ in loader:
            pass

    def fetch() -> None:
        _fetch(place_of(url), objects)

    def decode_all() -> None:
        rows = 0
        while rows < store.num_rows:
            rows += next(decoded)

    seconds = [[_seconds(way) for way in (epoch, fetch, decode_all)] for _ in range(1 + rounds)][1:]
    epochs, fetches, decodes = map(list, zip(*seconds, strict=True))
    return Epochs(
        window=sizes.window,
        epoch=Spread.of(epochs),
        fetch=Spread.of(fetches),
        decode=Spread.of(decodes),
        megabytes_per_second=Spread.of([sum(objects) / 1e6 / taken for taken in fetches]),
        to_fetch=Spread.ratio(fetches, epochs),
        to_both=Spread.ratio([sum(both) for both in zip(fetches, decodes, strict=True)], epochs),
    )


def _seconds(way: Callable[[], None]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _fetch(place: "Place", objects: Sequence[int]) -> None:
    """All objects, of so many bytes each, as many at a time as the reader asks for, thrown away."""
    from longstride.storage.format import chunk_file
    from longstride.storage.packed.rows import threads_for

    ranges = [
        (chunk_file("values", shard, 2), start, min(PIECE_BYTES, size - start))
        for shard, size in enumerate(objects)
        for start in range(0, size, PIECE_BYTES)
    ]
    with ThreadPoolExecutor(threads_for(place)) as pool:
        for (_, _, length), data in zip(
            ranges, pool.map(lambda range_: place.get_range(*range_).data, ranges), strict=True
        ):
            assert len(data) == length
