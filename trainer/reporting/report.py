"""The report of a run: one HTML file that needs no other."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from longstride.storage.atomic import write_file
from longstride.storage.html.page import page_from
from longstride.storage.text import counted
from longstride.trainer.engine.state import RunState
from longstride.trainer.reporting.curves import draw_losses, draw_throughput
from longstride.trainer.reporting.examples import Example, split_of_examples
from longstride.trainer.reporting.plot_style import as_data
from longstride.trainer.reporting.window_plot import begin_of, draw_window
from longstride.trainer.settings import Settings
from longstride.trainer.train_result import TrainResult, loss_text

__all__ = ["write_report"]


def write_report(
    path: Path,
    state: RunState,
    result: TrainResult,
    lines: list[dict[str, Any]],
    typical: Example,
    worst_windows: Sequence[Example],
) -> None:
    """Write the result of a run, with its curves and windows of the store as pictures in the page.

    `lines` are those of `metrics.jsonl`; `worst_windows` are of the validation split, if there is one. A
    model that is not trained step by step has no curves.
    """
    has_curves = any(line["kind"] == "train" for line in lines)
    split = split_of_examples(state)
    page = page_from(
        Path(__file__).with_name("report.html.jinja"),
        name=Path(state.settings.run.out).resolve().name,
        figures=_figures(state, result, lines),
        losses=as_data(draw_losses(lines)) if has_curves else None,
        throughput=as_data(draw_throughput(lines)) if has_curves else None,
        split=split,
        miss_name=state.task.miss_name,
        is_of_channels=state.task.columns is not None,
        typical=as_data(draw_window(typical, _title(f"{split.capitalize()} window", typical, state), dots=False)),
        worst_windows=[
            {
                "row": state.store.row_text(example.row),
                "time": begin_of(example),
                "series": example.series or "-",
                "error": f"{example.error:.4g}",
                "picture": as_data(draw_window(example, _title("Window", example, state), worst=True, dots=False)),
            }
            for example in worst_windows
        ],
        settings={
            group: {name.replace("_", "-"): _readable(value) for name, value in values.items()}
            for group, values in state.settings.as_json().items()
        },
    )
    write_file(path, [page.encode()])


def _figures(state: RunState, result: TrainResult, lines: list[dict[str, Any]]) -> dict[str, str]:
    """The run and its result, by name."""
    store, settings, ranks = state.store, state.settings, state.ranks
    loss = partial(loss_text, digits=4)
    validation = state.validation_batches
    num_weights = sum(weights.numel() for weights in state.model.state_dict().values())
    on_cuda = ranks.device.type == "cuda"
    device = torch.cuda.get_device_name(ranks.device) if on_cuda else ranks.device.type
    memory = max((line["peak_memory_mb"] for line in lines if line.get("peak_memory_mb")), default=None)
    return {
        "store": f"{store.name}, {counted(store.num_rows, 'row')} of {counted(len(store.channels), 'channel')}",
        "windows": f"{state.batches.num_windows:,} to train on, {validation.num_windows if validation else 0:,} "
        "to validate on",
        "model": f"{settings.model.model}, {num_weights:,} weights",
        "purpose": _purpose(settings),
        "steps": f"{result.steps:,}",
        **result.told_training_loss(digits=4),
        "validation loss": f"{loss(result.validation_loss)} at last, {loss(result.best_validation_loss)} at best",
        "windows per second": f"{result.windows_per_second:,.0f}",
        "waited for data": f"{result.data_wait_share:.1%} of the time",
        "time of training": f"{result.seconds:,.1f} s",
        "processes": f"{ranks.world_size} on {device}, {settings.run.precision}",
        "most memory": "-" if memory is None else f"{memory:,.0f} MB of {'the GPU' if on_cuda else 'the process'}",
    }


def _purpose(settings: Settings) -> str:
    window = f"windows of {counted(settings.data.window, 'row')}"
    if settings.task.task == "forecast":
        return f"forecast {counted(settings.data.horizon, 'row')} after {window}"
    return f"{settings.task.task} {window}"


def _title(kind: str, example: Example, state: RunState) -> str:
    series = f" of {example.series}" if example.series else ""
    error = f"{state.task.miss_name} {example.error:.3g}{example.told_labels}"
    return f"{kind} at row {state.store.row_text(example.row)}{series}, {error}"


def _readable(value: object) -> str:
    match value:
        case None | () | []:
            return "-"
        case tuple() | list():
            return ", ".join(map(str, value))
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
