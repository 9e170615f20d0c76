"""`python -m benchmarks windows --layout s3`: epochs from an object store, beside fetching its objects."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.packed import Packed, decode
from benchmarks.stores import SEED
from benchmarks.timing import Spread
from longstride import WindowLoader
from longstride.storage.format import chunk_file
from longstride.storage.location import Place, place_of
from longstride.storage.open import open_store
from longstride.storage.packed.rows import threads_for

__all__ = ["Epochs", "as_json", "measure", "render"]

PIECE_BYTES = 2**21


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
    """Of objects, fetched and thrown away."""
    to_fetch: Spread
    """Rate of an epoch to that of fetching."""
    to_both: Spread
    """To fetching and decoding one after the other: on a machine that is the server too, each takes all cores."""


def measure(found: Packed, windows: Sequence[int], batch: int, rounds: int) -> list[Epochs]:
    """Epochs by K, each in turn with fetching and with decoding; the first of each is not counted."""
    return [
        _measure(found, window, batch, rounds) for window in tqdm(windows, desc="measure", unit="K", disable=None)
    ]


def _measure(found: Packed, window: int, batch: int, rounds: int) -> Epochs:
    assert found.url
    store = open_store(found.url)
    sizes: list[int] = store.attributes["packed"]["shard_bytes"]["values"]
    loader = WindowLoader(store, window=window, stride=window, batch_size=batch, seed=SEED)
    decoded = decode(found.packed)

    def epoch() -> None:
        for _ in loader:
            pass

    def fetch() -> None:
        _fetch(place_of(found.url or ""), sizes)

    def decode_all() -> None:
        rows = 0
        while rows < store.num_rows:
            rows += next(decoded)

    seconds = [[_seconds(way) for way in (epoch, fetch, decode_all)] for _ in range(1 + rounds)][1:]
    epochs, fetches, decodes = map(list, zip(*seconds, strict=True))
    return Epochs(
        window=window,
        epoch=Spread.of(epochs),
        fetch=Spread.of(fetches),
        decode=Spread.of(decodes),
        megabytes_per_second=Spread.of([sum(sizes) / 1e6 / taken for taken in fetches]),
        to_fetch=Spread.ratio(fetches, epochs),
        to_both=Spread.ratio([sum(both) for both in zip(fetches, decodes, strict=True)], epochs),
    )


def _seconds(way: Callable[[], None]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _fetch(place: Place, sizes: Sequence[int]) -> None:
    """All objects, as many at a time as the reader asks for, thrown away."""
    ranges = [
        (chunk_file("values", shard, 2), start, min(PIECE_BYTES, size - start))
        for shard, size in enumerate(sizes)
        for start in range(0, size, PIECE_BYTES)
    ]
    with ThreadPoolExecutor(threads_for(place)) as pool:
        for (_, _, length), data in zip(
            ranges, pool.map(lambda range_: place.get_range(*range_), ranges), strict=True
        ):
            assert len(data) == length


def render(measured: Sequence[Epochs]) -> str:
    """A table for a terminal."""
    lines = [f"{'K':>6} {'epoch':>8} {'fetch':>8} {'decode':>8} {'MB/s':>8} {'to fetching':>20} {'to both':>20}"]
    for row in measured:
        ratios = " ".join(
            f"{ratio.median:>6.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
            for ratio in (row.to_fetch, row.to_both)
        )
        figures = (row.epoch, row.fetch, row.decode, row.megabytes_per_second)
        lines.append(f"{row.window:>6} " + " ".join(f"{figure.median:>8.2f}" for figure in figures) + f" {ratios}")
    return "\n".join([*lines, "seconds; MB/s of objects, fetched and thrown away"])


def as_json(
    found: Packed, measured: Sequence[Epochs], num_rows: int, num_channels: int, batch: int, rounds: int, link: str
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "objects",
        "num_rows": num_rows,
        "num_channels": num_channels,
        "batch": batch,
        "codec": found.codec,
        "ratio": found.ratio,
        "seed": SEED,
        "threads": {
            "torch": torch.get_num_threads(),
            "fetching and decoding": threads_for(place_of(found.url or "")),
        },
        "rounds": rounds,
        "link": link,
        "epochs": [asdict(row) for row in measured],
    }
