"""`python -m benchmarks device`: batches on a GPU, expanded there from pools or sent as windows."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from benchmarks.peers.case import Case as PeerCase
from benchmarks.peers.memmap import loader as memmap_loader
from benchmarks.stores import SEED
from benchmarks.timing import Spread, interleave
from longstride import WindowDataset, WindowLoader
from longstride.storage.errors import LongstrideError
from longstride.storage.open import open_store
from longstride.trainer.models import build_model
from longstride.trainer.settings import ModelSettings

__all__ = ["Case", "Serving", "Steps", "as_json", "choose_device", "measure_serving", "measure_steps", "render"]

BATCHES_BETWEEN_WAITS = 8
MAX_WORKERS = 16
LONGEST_OF_PEER = 512


@dataclass(frozen=True)
class Case:
    """What is served: windows of `window` rows, `stride` apart, `batch` at a time."""

    window: int
    stride: int
    batch: int


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One way of having batches on the device."""

    case: Case
    way: str
    windows_per_second: Spread
    ratio_to_resident: Spread
    """To batches gathered from a log that lies on the device whole."""
    bytes_per_window: float
    """Sent to the device."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """One way of feeding a model in training."""

    case: Case
    model: str
    way: str
    steps_per_second: Spread
    time_ratio: Spread
    """Of a step, to one on a batch that lies on the device already, the same at every step."""


def choose_device(name: str) -> torch.device:
    """Raise LongstrideError where this machine has no such device."""
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise LongstrideError(f"--device {name}: this machine has none, as torch says: {error}") from error


class _Ways:
    """Endless batches (B, K, N) on a device, by way, and what was sent for them."""

    def __init__(self, store: Path, raw: Path, case: Case, device: torch.device) -> None:
        self._store = store
        self._raw = raw
        self._case = case
        self.device = device
        self._options: dict[str, Any] = {
            "window": case.window,
            "stride": case.stride,
            "batch_size": case.batch,
            "seed": SEED,
        }
        self._pools = WindowLoader(store, device=device, **self._options)
        self._num_expanded = 0

    @property
    def bytes_per_expanded_window(self) -> float:
        """Sent so far."""
        assert self._pools.pools
        return self._pools.pools.bytes_sent / max(self._num_expanded, 1)

    def expanded(self) -> Iterator[Tensor]:
        """Made on the device of the rows of a pool."""
        for epoch in itertools.count():
            self._pools.set_epoch(epoch)
            for batch in self._pools:
                self._num_expanded += len(batch.values)
                yield batch.values

    def host(self) -> Iterator[Tensor]:
        """Made on the host, page-locked and sent: our dataset in a plain `DataLoader`."""
        dataset = WindowDataset(self._store, **self._options)
        batches = DataLoader(dataset, batch_size=None, pin_memory=self.device.type == "cuda")
        for epoch in itertools.count():
            dataset.set_epoch(epoch)
            for batch in batches:
                yield batch.values.to(self.device, non_blocking=True)

    def plain(self, workers: int) -> Iterator[Tensor]:
        """A `Dataset` over `np.memmap` in a `DataLoader` with workers."""
        num_rows, num_channels = open_store(self._store).values.shape
        asked = PeerCase(
            store=str(self._store),
            raw=str(self._raw),
            num_rows=num_rows,
            num_channels=num_channels,
            workers=workers,
            seed=SEED,
            **asdict(self._case),
        )
        batches = memmap_loader(asked, pin_memory=self.device.type == "cuda")
        while True:
            for values in batches:
                yield values.to(self.device, non_blocking=True)

    def resident(self) -> Iterator[Tensor]:
        """Gathered at random from a log that lies on the device whole."""
        values = torch.from_numpy(open_store(self._store).values[:].copy()).to(self.device)
        num_rows, num_channels = values.shape
        window, batch = self._case.window, self._case.batch
        view = values.as_strided((num_rows - window + 1, window, num_channels), (num_channels, num_channels, 1))
        while True:
            for starts in torch.randint(len(view), (256, batch), device=self.device):
                yield view.index_select(0, starts)


def measure_serving(
    store: Path, raw: Path, cases: Sequence[Case], device: torch.device, *, rounds: int, seconds: float
) -> list[Serving]:
    """Windows per second of each way, all of a case in turn; the peer at stride 1, up to 512 rows."""
    found = []
    for case in tqdm(cases, desc="serve", unit="case", disable=None):
        ways = _Ways(store, raw, case, device)
        sources = {"expanded": ways.expanded(), "host": ways.host(), "resident": ways.resident()}
        if case.stride == 1 and case.window <= LONGEST_OF_PEER:
            sources["plain"] = ways.plain(_best_workers(ways, seconds))
        served = {name: _count(source, device) for name, source in sources.items()}
        rates = interleave(served, rounds=rounds, seconds=seconds)
        window_bytes = case.window * open_store(store).values[:1].nbytes
        sent = {"expanded": ways.bytes_per_expanded_window, "resident": 0}
        found += [
            Serving(
                case=case,
                way=name,
                windows_per_second=Spread.of(rates[name]),
                ratio_to_resident=Spread.ratio(rates[name], rates["resident"]),
                bytes_per_window=sent.get(name, window_bytes),
            )
            for name in sources
        ]
    return found


def measure_steps(
    store: Path, raw: Path, case: Case, device: torch.device, *, rounds: int, seconds: float
) -> list[Steps]:
    """Steps per second of small models by how they are fed, all ways of a model in turn."""
    num_channels = open_store(store).values.shape[1]
    models: dict[str, Callable[[], nn.Module]] = {
        "linear": lambda: nn.Sequential(nn.Linear(num_channels, 8), nn.Linear(8, num_channels)),
        "LSTM, 64 wide": lambda: build_model(ModelSettings(hidden=64, latent=16), num_channels, case.window),
    }
    ways = _Ways(store, raw, case, device)
    batch = next(ways.resident()).clone()
    sources = {
        "one batch": itertools.repeat(batch),
        "expanded": ways.expanded(),
        "host": ways.host(),
        "plain": ways.plain(_best_workers(ways, seconds)),
    }
    found = []
    for model, build in models.items():
        steps = {name: _train(source, build().to(device)) for name, source in sources.items()}
        rates = interleave(steps, rounds=rounds, seconds=seconds)
        found += [
            Steps(
                case=case,
                model=model,
                way=name,
                steps_per_second=Spread.of(rates[name]),
                time_ratio=Spread.ratio(rates["one batch"], rates[name]),
            )
            for name in sources
        ]
    return found


def _train(batches: Iterator[Tensor], model: nn.Module) -> Iterator[int]:
    optimiser = torch.optim.Adam(model.parameters())
    for batch in batches:
        optimiser.zero_grad()
        loss = (model(batch) - batch).square().mean()
        loss.backward()
        optimiser.step()
        loss.item()  # a loop that looks at its loss waits for the device
        yield 1


def _count(batches: Iterator[Tensor], device: torch.device) -> Iterator[int]:
    while True:
        served = sum(len(batch) for batch in itertools.islice(batches, BATCHES_BETWEEN_WAITS))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield served


def _best_workers(ways: _Ways, seconds: float) -> int:
    def rate(workers: int) -> float:
        plain = _count(ways.plain(workers), ways.device)
        return interleave({"plain": plain}, rounds=1, seconds=seconds)["plain"][0]

    return max({min(os.cpu_count() or 1, number) for number in (MAX_WORKERS // 2, MAX_WORKERS)}, key=rate)


def render(serving: Sequence[Serving], steps: Sequence[Steps]) -> str:
    """Two tables for a terminal."""
    lines = [f"{'K':>6} {'stride':>6} {'way':>9} {'windows/s':>12} {'of resident':>22} {'bytes a window':>15}"]
    for row in serving:
        ratio = row.ratio_to_resident
        lines.append(
            f"{row.case.window:>6} {row.case.stride:>6} {row.way:>9} {row.windows_per_second.median:>12,.0f}"
            f" {ratio.median:>7.3f} ({ratio.minimum:.3f} to {ratio.maximum:.3f}) {row.bytes_per_window:>11,.0f}"
        )
    lines += ["", f"{'model':>15} {'fed':>9} {'steps/s':>9} {'step time of one batch':>24}"]
    for step in steps:
        ratio = step.time_ratio
        lines.append(
            f"{step.model:>15} {step.way:>9} {step.steps_per_second.median:>9,.0f}"
            f" {ratio.median:>8.3f} ({ratio.minimum:.3f} to {ratio.maximum:.3f})"
        )
    return "\n".join(lines)


def as_json(
    serving: Sequence[Serving],
    steps: Sequence[Steps],
    device: torch.device,
    num_rows: int,
    num_channels: int,
    rounds: int,
    seconds: float,
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "device",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "num_rows": num_rows,
        "num_channels": num_channels,
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads()},
        "rounds": rounds,
        "seconds": seconds,
        "serving": [asdict(row) for row in serving],
        "steps": [asdict(row) for row in steps],
    }
