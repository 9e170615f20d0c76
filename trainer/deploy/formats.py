"""The files that are written, each with the runtime that reads it: torch.export and ONNX."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from longstride.storage.packages import PackageError, needs

__all__ = ["EXAMPLE", "FORMATS", "Arrays", "Format", "Runtime", "quiet"]

Arrays = dict[str, NDArray[Any]]
Runtime = Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]
"""Runs a file that was read: inputs by name to outputs in their order."""

EXAMPLE = "example.npz"
"""A few windows, and what is expected of them."""
LOWEST_TORCH = "2.13"
"""Those of 2.8 and 2.9 give the states of an LSTM one axis too many; those between were not tried."""
OPSET = 18
"""Of ONNX: what torch writes without a conversion; onnxruntime knows it from 1.14 on."""


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    file: str
    """Its name."""
    packages: tuple[str, ...]
    """What writes and checks it, besides torch."""
    runtime: str
    """The package that reads it."""
    encode: Callable[[ExportedProgram, tuple[str, ...], tuple[str, ...]], bytes]
    """The bytes of a program with inputs and outputs of these names."""
    read: Callable[[Path], Runtime]
    snippet: str
    """Ten lines that run it without Longstride."""

    def check(self) -> None:
        """Raise PackageError where a package is not installed, or torch is too old."""
        if torch.__version__ < LOWEST_TORCH:
            raise PackageError(
                f"torch {torch.__version__} cannot export every model, and {LOWEST_TORCH} can: "
                f"`pip install 'torch>={LOWEST_TORCH}'` installs it",
                code="package-missing",
            )
        for package in self.packages:
            needs(package)

    def versions(self) -> dict[str, str]:
        """Those of the packages that made the file."""
        return {name: version(name) for name in ("longstride", "torch", *self.packages)}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what exporters say of their own parts to whoever develops them."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _encode_torch(program: ExportedProgram, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def _read_torch(path: Path) -> Runtime:
    module = torch.export.load(path).module()

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        with torch.no_grad():
            return [one.numpy() for one in module(*map(torch.from_numpy, inputs.values()))]

    return run


def _encode_onnx(program: ExportedProgram, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bytes:
    made: Any = torch.onnx.export(
        program, dynamo=True, verbose=False, input_names=inputs, output_names=outputs, opset_version=OPSET
    )
    ir = needs("onnx_ir")
    graph = made.model.graph
    for value in (*graph.inputs, *graph.outputs):  # the first axis has the name of a symbol of torch
        value.shape = ir.Shape(["batch", *value.shape[1:]])
    for node in made.model.graph.all_nodes():
        node.metadata_props.clear()  # lines of code, with paths of this machine
    data: bytes = made.model_proto.SerializeToString()
    return data


def _read_onnx(path: Path) -> Runtime:
    onnxruntime = needs("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = list(map(np.asarray, session.run(None, dict(inputs))))
        return found

    return run


TORCH_SNIPPET = """\
import numpy as np
import torch

model = torch.export.load("model.pt2").module()
example = np.load("example.npz")
inputs = [torch.from_numpy(example[name]) for name in {inputs}]
with torch.no_grad():
    score, alarm, scores, errors = model(*inputs)
assert np.allclose(score, example["score"], rtol=1e-4, atol=1e-4, equal_nan=True)
print(score, alarm)
"""
ONNX_SNIPPET = """\
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
example = np.load("example.npz")
inputs = {{name: example[name] for name in {inputs}}}
score, alarm, scores, errors = session.run(None, inputs)
assert np.allclose(score, example["score"], rtol=1e-4, atol=1e-4, equal_nan=True)
print(score, alarm)
"""

FORMATS = {
    "torch": Format("model.pt2", (), "torch", _encode_torch, _read_torch, TORCH_SNIPPET),
    "onnx": Format(
        "model.onnx", ("onnx", "onnxscript", "onnxruntime"), "onnxruntime", _encode_onnx, _read_onnx, ONNX_SNIPPET
    ),
}
"""By name."""
