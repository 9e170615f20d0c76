"""The errors of normal rows that a run keeps: `calibration.pt` in its directory, of 20 MB at most."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import torch
from torch import Tensor

from longstride.storage.atomic import sync_directory, write_file
from longstride.storage.places.files import open_file
from longstride.storage.places.object_answers import PlaceError
from longstride.trainer.errors import RunError
from longstride.trainer.saved.checkpoint import unpack_state
from longstride.trainer.saved.rundir import CALIBRATION_FILE

__all__ = ["CALIBRATION_FILE", "Calibration", "read_calibration", "write_calibration"]

MAX_BYTES = 2**28
"""Far more than any calibration has."""
TYPES = {
    "mean": (torch.float32, "KN"),
    "scale": (torch.float32, "KN"),
    "errors": (torch.float16, "MGN"),
    "weights": (torch.float32, "MG"),
    "rows": (torch.int64, "M"),
    "series": (torch.int64, "M"),
}
"""Type of the numbers in each tensor, and a letter for each axis."""
DTYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64")
OLDER = {"data": "", "dtype": "", "max_gap_ns": 0}
"""What an older version did not write."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Errors of M normal rows, by channel, and by position in the window.

    A standardised error is (squared error - mean) / scale, by position and channel.
    """

    mean: Tensor
    """(K, N): the mean squared error of normal rows at each position."""
    scale: Tensor
    """(K, N): the standard deviation of their errors, or the floor below it."""
    errors: Tensor
    """(M, G, N): standardised errors of rows, by the window in which a row lies at each of G positions; NaN where
    a value is missing, or where there is no such window."""
    weights: Tensor
    """(M, G): how much that window counts, from 0 to 1: the less, the more of its values are missing."""
    rows: Tensor
    """(M,): their numbers in the store, in order."""
    series: Tensor
    """(M,): the series of each, as an index into `series_names`."""
    series_names: list[str]
    split: str
    """Which rows they were chosen from: those of validation, of training, or all."""
    of: str
    """What the store or array was called; it is told, and never opened."""
    fingerprint: str
    """Of the rows, values and labels that they were chosen from."""
    state: str
    """SHA-256 of the state of the model."""
    data: str
    """Of all values of the store that they were chosen from; empty where an older version did not say."""
    dtype: str
    """Type of the values that they were chosen from; empty where an older version did not say."""
    max_gap_ns: int
    """The longest step within a segment, in nanoseconds; 0 where it is not known how far apart rows are."""

    @property
    def digest(self) -> str:
        """SHA-256 of what scores depend on."""
        found = hashlib.sha256(repr((self.series_names, self.state)).encode())
        for name in TYPES:
            found.update(getattr(self, name).contiguous().numpy().tobytes())
        return found.hexdigest()

    @property
    def held_as(self) -> "np.dtype[np.floating]":
        """The floating type to which rows that come later are rounded, as in the store of the calibration."""
        dtype = np.dtype(self.dtype or np.float32)
        is_wide = dtype.itemsize >= 4  # a whole number has more digits than float32
        return dtype if dtype.kind == "f" else np.dtype(np.float64 if is_wide else np.float32)

    @property
    def dtype_doubt(self) -> str:
        """What is to be said where it is not known how rows are to be rounded; nothing elsewhere."""
        if self.dtype:
            return ""
        return (
            f"the calibration does not say of which type the values of {self.of} are, since it is an older one: "
            "rows are rounded to float32. If the store holds float64, or whole numbers of 32 bits or more, "
            "`longstride calibrate` again"
        )

    def check(self) -> None:
        """Raise ValueError for what cannot be a calibration."""
        sizes: dict[str, int] = {}
        for name, (dtype, axes) in TYPES.items():
            tensor = getattr(self, name)
            if not isinstance(tensor, Tensor) or tensor.dtype != dtype or tensor.ndim != len(axes):
                raise ValueError(f"{name} is not a tensor of {dtype} with {len(axes)} axes")
            if any(sizes.setdefault(axis, size) != size for axis, size in zip(axes, tensor.shape, strict=True)):
                raise ValueError(f"{name} has the shape {tuple(tensor.shape)}, which does not fit the others")
        if not all(
            isinstance(name, str) for name in [self.split, self.of, self.fingerprint, self.state, self.data]
        ):
            raise ValueError("a name is not a text")
        if self.dtype not in ("", *DTYPES) or type(self.max_gap_ns) is not int or not 0 <= self.max_gap_ns < 2**63:
            raise ValueError("the type of values is unknown, or the longest step is no length of time")
        if not isinstance(self.series_names, list) or not all(isinstance(one, str) for one in self.series_names):
            raise ValueError("the names of series are not texts")
        if not all(sizes.values()):
            raise ValueError("there are no rows, or no windows, or no channels")
        inside = (self.series >= 0) & (self.series < len(self.series_names))
        if not inside.all() or not (self.rows.diff() > 0).all():
            raise ValueError("rows are out of order, or of unknown series")
        is_right = ((self.scale > 0) & self.scale.isfinite()) | self.scale.isnan()
        if self.mean.isinf().any() or self.mean.isnan().all():
            raise ValueError("a mean is infinite, or there is none")
        if (
            self.errors.isinf().any()
            or not is_right.all()
            or not ((self.weights >= 0) & (self.weights <= 1)).all()
        ):
            raise ValueError("an error is infinite, a scale not above 0, or a weight not from 0 to 1")


def write_calibration(run: Path, calibration: Calibration) -> None:
    """Replace the calibration of a run in one step."""
    buffer = io.BytesIO()
    torch.save(asdict(calibration), buffer)
    data = buffer.getvalue()
    head = json.dumps({"bytes": len(data), "crc32c": f"{google_crc32c.value(data):08x}"}).encode()
    write_file(run / CALIBRATION_FILE, [head + b"\n", data])
    sync_directory(run)


def read_calibration(run: Path, state: str) -> Calibration:
    """Read the calibration of a run, made by the model of this state.

    Raises RunError where there is none, where it is damaged, and where it was made by another state.
    """
    path = run / CALIBRATION_FILE
    remedy = f"`longstride calibrate {run} STORE`, with the store of its training, makes one"
    try:
        with open_file(path) as file:
            head, _, data = file.read(MAX_BYTES).partition(b"\n")
    except FileNotFoundError:
        raise RunError(
            f"{run} has no {CALIBRATION_FILE}, so it is not known which errors normal rows have: it was stopped, "
            f"held out no rows, or an older version trained it; {remedy}",
            code="calibration-missing",
        ) from None
    except PermissionError:
        raise
    except (OSError, PlaceError) as error:
        raise _damaged(path, str(error), remedy) from error
    try:
        found = {"bytes": len(data), "crc32c": f"{google_crc32c.value(data):08x}"}
        if json.loads(head) != found:
            raise ValueError("it is not as it was written")
        calibration = Calibration(**_fields(unpack_state(data)))
        calibration.check()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, " ".join(str(error).split())[:200], remedy) from error
    if calibration.state != state:
        raise RunError(
            f"{path} is of another state of the model than the one that scores now: training went on, or a "
            f"checkpoint was lost; {remedy} again",
            code="calibration-differs",
        )
    return calibration


def _fields(state: dict[str, Any] | None) -> dict[str, Any]:
    names = {field.name for field in fields(Calibration)}
    found = OLDER | (state or {})
    if found.keys() != names:
        raise ValueError(f"expected {', '.join(sorted(names))}")
    return found


def _damaged(path: Path, fault: str, remedy: str) -> RunError:
    return RunError(f"{path} is damaged ({fault}); {remedy} again", code="calibration-damaged")
