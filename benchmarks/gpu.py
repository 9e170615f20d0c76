"""`python -m benchmarks gpu`: all checks and measurements that need a GPU, in a time that is kept."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.harness.options import folder
from benchmarks.harness.registry import ROOT
from longstride.storage.cli.group import example

__all__ = ["Part", "gpu", "run_parts"]

ENDS_ITSELF = 0.9
"""A part is told of so much of its time, so that it ends by itself and writes what it has."""
QUICK = ("--rows", "30000", "--channels", "4", "--batch", "32", "--rounds", "1", "--seconds", "0.01")
"""Sizes of a run that shows that everything works, and measures nothing."""


@dataclass(frozen=True)
class Part:
    """One command."""

    name: str
    share: float
    """Of the time of all; what the parts before it leave over comes on top."""
    arguments: Sequence[str]
    """Of the interpreter."""
    takes_minutes: bool = True
    """Whether it has an option of that name."""


@click.command(epilog=example("python -m benchmarks gpu --minutes 10", "python -m benchmarks gpu --quick"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--minutes", type=float, default=10.0, show_default=True, help="Of all parts together.")
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that everything works; also on a CPU.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("benchmarks/results"),
    show_default=True,
    help="Folder for the results; with --quick, one in --folder.",
)
@folder("build/gpu")
def gpu(device: str, minutes: float, quick: bool, results: Path, folder: Path) -> None:
    """All that needs a GPU: the tests for it, batches on it, and steps of training on it.

    Each part has a share of --minutes. One that runs out of time is named, and ended; what it has measured until
    then is written all the same, and so is what the others measure. Results have the name of the card:
    `device-nvidia-h200.json`. The exit code is 1 where a part failed.
    """
    chosen, card = _card(device)
    if chosen == "cpu" and not quick:
        raise click.ClickException("this machine has no GPU that torch sees; --quick tries all parts on the CPU")
    folder = folder.resolve()
    place = folder / "results" if quick else results.resolve()
    place.mkdir(parents=True, exist_ok=True)
    parts = _parts(chosen, place, folder, card, quick=quick)
    click.echo(f"{card}: {', '.join(part.name for part in parts)} in {minutes:g} minutes", err=True)
    is_well = True
    for part, said, is_done in run_parts(parts, 60 * minutes):
        click.echo(f"{part.name}: {said}")
        is_well &= is_done
    for path in sorted(place.glob(f"*-{card}.json")):
        click.echo(f"written: {path}")
    if not is_well:
        raise SystemExit(1)


def run_parts(
    parts: Sequence[Part], seconds: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[Part, str, bool]]:
    """Each part, what came of it, and whether it did what it should; all of them end in so many seconds.

    A part that is ended for want of time has not failed.
    """
    stop = clock() + seconds
    for number, part in enumerate(parts):
        allowed = (stop - clock()) * part.share / sum(one.share for one in parts[number:])
        began = clock()
        code = _run(part, allowed)
        took = f"{clock() - began:.0f} s"
        if code is None:
            yield part, f"out of time after {took}; what it had measured is written", True
        else:
            yield part, f"done in {took}" if code == 0 else f"failed after {took}, exit code {code}", code == 0


def _run(part: Part, seconds: float) -> int | None:
    """Exit code of a part, None where it was ended."""
    minutes = ["--minutes", f"{ENDS_ITSELF * seconds / 60:.3f}"] if part.takes_minutes else []
    command = [sys.executable, *part.arguments, *minutes]
    click.echo(f"$ python {' '.join(command[1:])}", err=True)
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        return process.wait(max(seconds, 0.0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def _parts(device: str, results: Path, folder: Path, card: str, *, quick: bool) -> list[Part]:
    def suite(name: str, *sizes: str) -> tuple[str, ...]:
        where = ("--device", device, "--folder", str(folder), "--json", str(results / f"{name}-{card}.json"))
        return ("-m", "benchmarks", name, *where, *sizes, *(QUICK if quick else ()))

    # On a CPU there is nothing that these tests could run on: that they are found is all that can be seen.
    tests = ("-m", "pytest", "-m", "gpu", "-q", *(["--collect-only"] if device == "cpu" else []), *_files())
    windows = "16" if quick else "64,512"
    hidden, steps = ("4", "16") if quick else ("128", "64")
    models = ("--models", "lstm,tcn,patch", "--hidden", hidden, "--precisions", ",".join(_precisions(device)))
    return [
        Part("tests", 0.2, tests, takes_minutes=False),
        Part("device", 0.4, suite("device", "--windows", windows, "--strides", "1,K/8,K", "--rounds", "5")),
        Part("train", 0.4, suite("train", *models, "--windows", steps, "--strides", "1,K", "--rounds", "10")),
    ]


def _files() -> list[str]:
    """Files with tests for a GPU: others need packages that a machine with one may not have."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in files if "pytest.mark.gpu" in path.read_text()]


def _card(device: str) -> tuple[str, str]:
    """The kind of device that is there, and its name as part of a file's name."""
    import torch

    from benchmarks.harness.machine import name_of

    has_one = torch.cuda.is_available()
    chosen = "cuda" if device == "cuda" or (device == "auto" and has_one) else "cpu"
    if chosen == "cuda" and not has_one:
        raise click.ClickException("--device cuda: torch sees no GPU on this machine")
    name = name_of(torch.device(chosen))
    return chosen, re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _precisions(device: str) -> Iterator[str]:
    """Those that the device can train in."""
    import torch

    from longstride.storage.errors import LongstrideError
    from longstride.trainer.engine.precision import check_precision

    for precision in ("fp32", "bf16", "fp16"):
        try:
            check_precision(precision, torch.device(device))
        except LongstrideError:
            continue
        yield precision
