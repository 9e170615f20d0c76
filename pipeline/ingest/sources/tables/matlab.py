"""Files of MATLAB: variables and fields of structs that have as many rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.hdf5 import opened
from longstride.pipeline.ingest.sources.tables.leaves import Leaf, noted, table_of
from longstride.pipeline.ingest.sources.tables.source import TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["MatlabSource"]

OF_HDF5 = b"MATLAB 7.3"
MARK = "."


class MatlabSource(TableSource):
    """A file of MATLAB, of version 5 to 7.3. Vectors are columns, and so are the columns of matrices."""

    kind = "MATLAB"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """The table that is asked for. Version 7.3 is HDF5, and read by ranges; the others are in memory."""
        with open_file(self.file) as raw:
            begin = raw.read(len(OF_HDF5))
        if begin.startswith((OF_HDF5, b"\x89HDF")):
            with opened(self.file) as (leaves, others):
                yield noted(table_of(self.name, leaves, self.table, "variable", MARK), self.name, others)
            return
        scipy = needs("scipy.io")
        with open_file(self.file) as raw:
            found = scipy.loadmat(raw, simplify_cells=True)
        variables = {name: value for name, value in found.items() if not str(name).startswith("__")}
        leaves, others = _leaves((), variables)
        reader = table_of(self.name, leaves, self.table, "variable", MARK)
        reader.is_held = True
        yield noted(reader, self.name, others)


def _leaves(path: tuple[str, ...], value: Any) -> tuple[list[Leaf], list[str]]:
    """Arrays of variables, and names of what is none: objects, cells and arrays of structs."""
    if isinstance(value, dict):
        found = [_leaves((*path, str(name)), inner) for name, inner in value.items()]
        return [leaf for leaves, _ in found for leaf in leaves], [name for _, names in found for name in names]
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic | int | float | complex) else None
    if array is not None and array.dtype.kind == "O" and all(isinstance(one, str) for one in array.flat):
        array = array.astype(str)
    if isinstance(value, str):
        return [], []  # a text such as a name is no column
    if array is None or array.dtype.kind not in "biufcSU" or array.dtype.names is not None:
        return [], [MARK.join(path)]
    array = array.reshape(1) if array.ndim == 0 else array
    return [Leaf(path, array.shape, lambda a, b: array[a:b], lambda a, b: array[:, a:b].T)], []
