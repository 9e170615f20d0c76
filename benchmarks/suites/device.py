"""`python -m benchmarks device`: batches on a GPU, expanded there from pools or sent as windows."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.machine import name_of
from benchmarks.harness.options import JSON, count, folder, listed, seconds
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes, strides_of
from benchmarks.harness.tables import Table, left_out_line, spread
from benchmarks.harness.timing import Spread, interleave
from benchmarks.suites.budget import MINUTES, Budget
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from benchmarks.peers.on_device import DeviceWays

__all__ = ["Device", "Serving", "Steps", "device"]

BATCHES_BETWEEN_WAITS = 8
MAX_WORKERS = 16
LONGEST_OF_PEER = 512

DEVICE = """\
## On a GPU

Batches of B = {batch} on one {device}, from a warm store of {num_rows:,} rows of {num_channels} float32 channels:
expanded there from pools of rows (`device="cuda"`); made by the host, page-locked and sent; and from a `Dataset`
over `np.memmap` in a `DataLoader` with page-locked memory and the number of workers that serves it best. Resident
is the ceiling: the whole log lies on the device, and windows are gathered from it at random. Busy is the share of
the time in which the device computed or copied, as torch's profiler saw it in a turn of its own.

    python -m benchmarks device
"""

STEPS = """\
Training steps of small models on windows of K = {window} at stride {stride}. The time of a step is compared
with that of a step on one batch that already lies on the device, the same batch at every step.
"""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One way of having batches on the device."""

    case: Sizes
    way: str
    windows_per_second: Spread
    ratio_to_resident: Spread
    """To batches gathered from a log that lies on the device whole."""
    bytes_per_window: float
    """Sent to the device."""
    busy_share: float | None = None
    """Of the time, in which the device computed or copied, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """One way of feeding a model in training."""

    case: Sizes
    model: str
    way: str
    steps_per_second: Spread
    time_ratio: Spread
    """Time of a step, to one on a batch that lies on the device already, the same at every step."""


@dataclass(frozen=True, kw_only=True)
class Device(Result):
    """Batches and steps on one device."""

    BENCHMARK = "device"
    INTRODUCTION = DEVICE
    device: str
    num_rows: int
    num_channels: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    rounds: int
    seconds: float
    serving: tuple[Serving, ...] = ()
    steps: tuple[Steps, ...] = ()
    left_out: tuple[str, ...] | None = None
    """What the minutes that were given did not suffice for."""

    def table(self) -> Table:
        """A row a case and way of serving."""
        return Table.of(
            self.serving,
            {
                "K": lambda row: f"{row.case.window:,}",
                "stride": lambda row: f"{row.case.stride:,}",
                "batches": lambda row: row.way,
                "windows/s": lambda row: f"{row.windows_per_second.median:,.0f}",
                "of resident": lambda row: spread(row.ratio_to_resident),
                "bytes to the device a window": lambda row: f"{row.bytes_per_window:,.0f}",
                "busy": lambda row: "" if row.busy_share is None else f"{row.busy_share:.0%}",
            },
        )

    def table_of_steps(self) -> Table:
        """A row a model and way of feeding it."""
        return Table.of(
            self.steps,
            {
                "model": lambda row: row.model,
                "fed": lambda row: row.way,
                "steps/s": lambda row: f"{row.steps_per_second.median:,.0f}",
                "times the step on one batch": lambda row: spread(row.time_ratio),
            },
        )

    def words(self) -> dict[str, Any]:
        """With the sizes of the steps."""
        return vars(self) | vars((self.steps[0] if self.steps else self.serving[0]).case)

    def section(self) -> str:
        """Each table with an introduction of its own."""
        steps = [STEPS.format(**self.words()), self.table_of_steps().markdown(), ""] if self.steps else []
        return "\n".join([super().section(), *steps, *left_out_line(self.left_out)])

    def render(self) -> str:
        """Both tables."""
        return "\n\n".join([super().render(), self.table_of_steps().text(), *left_out_line(self.left_out)])


@click.command(epilog=example("python -m benchmarks device --device cuda --json device.json"))
@click.option("--device", "name", default="cuda", show_default=True, help="As torch names it: cuda, cuda:1, cpu.")
@count("--rows", 4_000_000, "Rows of the store.", "num_rows")
@count("--channels", 32, "Channels of the store.", "num_channels")
@listed("--windows", "64,512,4096", "Window lengths K.")
@click.option("--strides", default="1,K/8,K", show_default=True, help="Strides, in parts of K.")
@count("--batch", 256, "Windows of a batch.")
@count("--rounds", 7, "Measurements of a case.")
@seconds(0.5)
@MINUTES
@folder("build/windows")
@JSON
def device(
    name: str,
    windows: Sequence[int],
    strides: str,
    batch: int,
    minutes: float | None,
    folder: Path,
    json_path: Path | None,
    **options: Any,
) -> None:
    """Batches on a GPU, and steps of small models fed with them.

    Expanded there from pools, page-locked and sent by the host, or from a `Dataset` over `np.memmap` in a
    `DataLoader`; compared with gathering from a log that lies on the device whole, and with training on one batch
    again and again. Several strides for each K, all ways of a case in turn. The file of --json is written after
    each case: what was measured is not lost where the command is ended.
    """
    budget = Budget(minutes)
    chosen = _choose(name)
    from benchmarks.data.stores import prepare_raw, prepare_store, warm

    asked = Device(device=name_of(chosen), **options)
    store = prepare_store(folder, asked.num_rows, asked.num_channels)
    raw = prepare_raw(store)
    warm(store, raw)
    cases = [Sizes(window, stride, batch) for window in windows for stride in strides_of(window, strides)]
    found = asked
    for case in budget.cases(cases, "K = {0.window}, stride {0.stride}".format, "serve"):
        found = replace(found, serving=(*found.serving, *_serving(store, raw, case, chosen, asked)))
        if json_path:
            found.write(json_path)
    for case in budget.cases(cases[:1], lambda case: "steps of models"):
        found = replace(found, steps=tuple(_steps(store, raw, case, chosen, asked)))
    replace(found, left_out=tuple(budget.left_out) or None).show(json_path)


def _choose(name: str) -> "torch.device":
    """Raise LongstrideError where this machine has no such device."""
    import torch

    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise LongstrideError(
            f"--device {name}: this machine has none, as torch says: {error}", code="device-missing"
        ) from error


def _serving(store: Path, raw: Path, case: Sizes, device: "torch.device", asked: Device) -> Iterator[Serving]:
    """Windows per second of each way, all in turn; the peer up to 512 rows."""
    from benchmarks.peers.on_device import DeviceWays
    from benchmarks.suites.busy import busy_share
    from longstride.storage.open import open_store

    row_bytes = open_store(store).values[:1].nbytes
    ways = DeviceWays(store, raw, case, device)
    sources = {"expanded": ways.expanded(), "host": ways.host(), "resident": ways.resident()}
    if case.window <= LONGEST_OF_PEER:
        sources["plain"] = ways.plain(_best_workers(ways, asked.seconds))
    served = {name: _count(source, device) for name, source in sources.items()}
    rates = interleave(served, rounds=asked.rounds, seconds=asked.seconds)
    sent = {"expanded": ways.bytes_per_expanded_window, "resident": 0}
    for name in sources:
        yield Serving(
            case=case,
            way=name,
            windows_per_second=Spread.of(rates[name]),
            ratio_to_resident=Spread.ratio(rates[name], rates["resident"]),
            bytes_per_window=sent.get(name, case.window * row_bytes),
            busy_share=busy_share(
                device, partial(interleave, {name: served[name]}, rounds=0, seconds=asked.seconds)
            ),
        )


def _steps(store: Path, raw: Path, case: Sizes, device: "torch.device", asked: Device) -> Iterator[Steps]:
    """Steps per second of small models by how they are fed, all ways of a model in turn."""
    from torch import nn

    from benchmarks.peers.on_device import DeviceWays
    from longstride.trainer.models import build_model
    from longstride.trainer.models.shape import Shape
    from longstride.trainer.settings import ModelSettings

    channels = asked.num_channels
    ways = DeviceWays(store, raw, case, device)
    shape = Shape("reconstruct", case.window, channels, (case.window, channels))
    models: dict[str, Callable[[], nn.Module]] = {
        "linear": lambda: nn.Sequential(nn.Linear(channels, 8), nn.Linear(8, channels)),
        "LSTM, 64 wide": lambda: build_model(ModelSettings(hidden=64, latent=16), shape),
    }
    batch = next(ways.resident()).clone()
    sources = {
        "one batch": itertools.repeat(batch),
        "expanded": ways.expanded(),
        "host": ways.host(),
        "plain": ways.plain(_best_workers(ways, asked.seconds)),
    }
    for model, build in models.items():
        steps = {name: _train(source, build().to(device)) for name, source in sources.items()}
        rates = interleave(steps, rounds=asked.rounds, seconds=asked.seconds)
        for name in sources:
            yield Steps(
                case=case,
                model=model,
                way=name,
                steps_per_second=Spread.of(rates[name]),
                time_ratio=Spread.ratio(rates["one batch"], rates[name]),
            )


def _train(batches: Iterator["Tensor"], model: "nn.Module") -> Iterator[int]:
    import torch

    optimiser = torch.optim.Adam(model.parameters())
    for batch in batches:
        optimiser.zero_grad()
        loss = (model(batch) - batch).square().mean()
        loss.backward()
        optimiser.step()
        loss.item()  # a loop that looks at its loss waits for the device
        yield 1


def _count(batches: Iterator["Tensor"], device: "torch.device") -> Iterator[int]:
    import torch

    while True:
        served = sum(len(batch) for batch in itertools.islice(batches, BATCHES_BETWEEN_WAITS))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield served


def _best_workers(ways: "DeviceWays", seconds: float) -> int:
    def rate(workers: int) -> float:
        plain = _count(ways.plain(workers), ways.device)
        return interleave({"plain": plain}, rounds=1, seconds=seconds)["plain"][0]

    return max({min(os.cpu_count() or 1, number) for number in (MAX_WORKERS // 2, MAX_WORKERS)}, key=rate)
