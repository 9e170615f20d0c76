"""The model card as people read it: Markdown."""

import re
from collections.abc import Iterable
from typing import Any

from longstride.storage.text import counted
from longstride.trainer.deploy.formats import EXAMPLE, Format

__all__ = ["page_of"]

MEANINGS = {
    "windows": "values in the units of the channels, NaN where missing",
    "series": "the number of the series of each window",
    "score": "of the newest row",
    "alarm": "whether it is above the threshold",
    "scores": "of each row that is judged, by this window alone",
    "errors": "of each of its outputs, in standard deviations from the mean error of normal rows",
}


def page_of(card: dict[str, Any], kind: Format) -> str:
    """The same for people."""
    model, score, calibration, file = card["model"], card["score"], card["calibration"], card["file"]
    step = "" if card["step_seconds"] is None else f", {card['step_seconds']:,.9g} s apart"
    channels = counted(len(card["channels"]), "channel")
    sizes = ", ".join(f"{name} {value}" for name, value in model["settings"].items())
    others = "" if file["runtime"] == "torch" else ", or another runtime for ONNX"
    snippet = kind.snippet.format(inputs=tuple(one["name"] for one in card["inputs"]))
    tensors = [
        (one["name"], one["type"], _shape(one["shape"]), MEANINGS[one["name"]])
        for one in (*card["inputs"], *card["outputs"])
    ]
    named = [
        (number, _text(one["name"]), _text(one["unit"] or ""), f"{one['mean']:.6g}", f"{one['scale']:.6g}")
        for number, one in enumerate(card["channels"])
    ]
    made = {
        "model": f"{_text(model['name'])}, {model['parameters']:,} parameters ({_text(sizes)})",
        "run": f"{_text(model['run'])}, {model['checkpoint']}, its state has the SHA-256 {model['state_sha256']}",
        "calibration": f"SHA-256 {calibration['sha256']}, of rows with the fingerprint "
        f"{calibration['fingerprint']}",
        "score": f"channels by {score['aggregate']}, threshold by {score['rule']}",
        "file": f"{file['name']}, {file['bytes']:,} bytes, SHA-256 {file['sha256']}",
        "versions": ", ".join(f"{name} {number}" for name, number in card["versions"].items()),
        "compared": f"with `longstride score`: the largest difference is {card['largest_difference']:.1e}",
    }
    parts = [
        f"# {_text(model['name'])} of {_text(model['run'])}",
        f"How unusual is the newest row of a window of {card['window']:,} rows{step}, of {channels}? Deployed on "
        f"{card['date']} by Longstride {card['versions']['longstride']}.",
        "## Run it",
        f"Longstride is not needed, only numpy and {file['runtime']}{others}. `{EXAMPLE}` holds a few windows, "
        "and what is expected of them.",
        f"```python\n{snippet}```",
        "## In and out",
        _table(("", "type", "shape", "what"), tensors),
        "A batch may have any size. Rows are in order, the newest last, and each is one step after the one "
        "before: a window must not reach over a gap. A value that is missing is NaN. A row without any value has "
        "the score NaN, and is no alarm.",
        "A score is 0 for the median of normal rows, and one in a hundred of them scores above 1. The threshold "
        f"is {score['threshold']:.6g}: a share of {score['alarms']:g} of the normal rows scores above it. It was "
        f"set by {score['normal_rows']:,} normal rows of {_text(calibration['of'])} "
        f"({_text(calibration['split'])}), which count as {score['independent_rows']:,} independent ones. The "
        "promise is about rows like those: after a drift, calibrate and deploy again.",
        *_of_task(card["task"], card["of"]),
        "## Channels",
        _table(("", "channel", "unit", "mean", "scale"), named),
        *_of_series(card["series"]),
        "## Made of",
        _table(("", ""), made.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _of_task(task: dict[str, Any], outputs: list[str]) -> list[str]:
    if task["name"] == "reconstruct":
        return []
    names = ", ".join(map(_text, outputs))
    if task["name"] == "classify":
        return [f"The model says how likely these labels are, in the order of errors: {names}."]
    return [
        f"The last {task['horizon']:,} rows are forecast from the {task['window']:,} rows before them, and are "
        f"judged, in these channels, in the order of errors: {names}."
    ]


def _of_series(numbers: dict[str, int]) -> list[str]:
    if not numbers:
        return []
    return [
        "## Series",
        "Each is compared with its own normal rows. Every other one has the number 0, and is compared with all.",
        _table(("number", "series"), ((number, _text(name)) for name, number in numbers.items())),
    ]


def _shape(sizes: list[object]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def _text(name: str) -> str:
    """A name that strangers may have chosen, as text on one line of Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!&~])", r"\\\1", " ".join(name.split()))
