"""HDF5 files: datasets that have as many rows, read by ranges."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.leaves import Leaf, noted, table_of
from longstride.pipeline.ingest.sources.tables.source import TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["Hdf5Source", "opened"]

MARK = "/"


class Hdf5Source(TableSource):
    """An HDF5 file. Vectors are columns, and so are columns of matrices and fields of records."""

    kind = "HDF5"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """The table that is asked for."""
        with opened(self.file) as (leaves, others):
            yield noted(table_of(self.name, leaves, self.table, "dataset or group", MARK), self.name, others)


@contextmanager
def opened(name: str) -> Iterator[tuple[list[Leaf], list[str]]]:
    """Arrays of a file, and names of those that hold neither numbers nor texts. Raises what h5py raises."""
    h5py = needs("h5py")
    if "://" in name:
        with open_file(name) as raw, h5py.File(raw, "r") as file:
            yield _of_file(h5py, name, file)
    else:
        with h5py.File(name, "r") as file:
            yield _of_file(h5py, name, file)


def _of_file(h5py: Any, name: str, file: Any) -> tuple[list[Leaf], list[str]]:
    leaves: list[Leaf] = []
    others: list[str] = []
    own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
    is_matlab = any("MATLAB_class" in file[name].attrs for name in own)

    def visit(path: str, one: Any) -> None:
        """Each group and dataset comes once, whatever links lead to it."""
        if "pandas_type" in one.attrs and isinstance(one, h5py.Group):
            raise SourceError(
                name,
                f"{path!r} is a DataFrame that pandas wrote: give it to Longstride in Python, as by "
                f"`longstride.ingest(pandas.read_hdf({name!r}, {path!r}), ...)`, or write it with `to_parquet`",
                code="source-format",
            )
        if isinstance(one, h5py.Dataset) and not path.startswith("#"):
            names = tuple(path.split(MARK))
            found = list(_of_dataset(h5py, one, names, is_matlab=is_matlab))
            leaves.extend(found)
            asked = [(*names, field) for field in one.dtype.names or ()] or [names]
            others.extend(MARK.join(name) for name in asked if name not in {leaf.path for leaf in found})

    file.visititems(visit)
    return leaves, others


def _of_dataset(h5py: Any, data: Any, path: tuple[str, ...], *, is_matlab: bool) -> Iterator[Leaf]:
    """Arrays of a dataset: one, or one for each field of its records; none where it holds something else."""
    if data.shape is None or data.attrs.get("MATLAB_empty") or data.external or data.is_virtual:
        return  # the rows of the last two are in files that it names
    if data.attrs.get("MATLAB_class") in (b"char", b"cell", "char", "cell"):
        return
    if data.dtype.names is not None:
        for field in data.dtype.names:
            if len(data.shape) == 1 and data.dtype[field].kind in "biufcS":
                yield _leaf((*path, field), data.shape, data.fields(field))
    elif h5py.check_string_dtype(data.dtype) is not None:
        yield _leaf(path, data.shape, data.asstr(errors="replace"))
    elif data.dtype.kind in "biufc":
        if is_matlab and len(data.shape) > 1:  # which writes the first dimension last
            yield _turned(path, data)
        else:
            yield _leaf(path, data.shape, data)


def _leaf(path: tuple[str, ...], shape: tuple[int, ...], data: Any) -> Leaf:
    if not shape:
        return Leaf(path, (1,), lambda a, b: np.asarray([data[()]]), lambda a, b: np.asarray([data[()]]))
    if len(shape) == 2 and 1 in shape:
        is_row = shape[0] == 1

        def vector(start: int, stop: int) -> NDArray[Any]:
            return np.asarray(data[0, start:stop] if is_row else data[start:stop, 0])

        return Leaf(path, (max(shape),), vector, vector)
    return Leaf(path, shape, lambda a, b: np.asarray(data[a:b]), lambda a, b: np.asarray(data[:, a:b]).T)


def _turned(path: tuple[str, ...], data: Any) -> Leaf:
    if len(data.shape) == 2 and 1 in data.shape:
        return _leaf(path, data.shape, data)
    shape = data.shape[::-1]
    return Leaf(path, shape, lambda a, b: np.asarray(data[..., a:b]).T, lambda a, b: np.asarray(data[a:b]))
