"""NetCDF files: the variables along one dimension, with their times decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.leaves import Leaf, LeafTable
from longstride.pipeline.ingest.sources.tables.source import TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["NetcdfSource"]


class NetcdfSource(TableSource):
    """A NetCDF file of version 3 or 4: rows are along the dimension that has times, or the one that is named."""

    kind = "NetCDF"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """Variables along a dimension; coordinates of others are left out."""
        xarray = needs("xarray")
        with open_file(self.file) as raw:
            is_old = raw.read(3) == b"CDF"
            needs("scipy.io" if is_old else "h5netcdf")
            raw.seek(0)
            given = raw if "://" in self.file else self.file
            with self._opened_as(xarray, given, "scipy" if is_old else "h5netcdf") as data:
                yield self._along(data)

    def _opened_as(self, xarray: Any, given: Any, engine: str) -> Any:
        plain = {"engine": engine, "chunks": None, "decode_timedelta": False}
        try:
            return xarray.open_dataset(given, **plain)
        except ValueError as error:
            with xarray.open_dataset(given, **plain, decode_times=False):  # raises where it is not about times
                pass
            raise SourceError(
                self.name,
                f"its times cannot be read ({' '.join(str(error).split())[:200]}): write them since a date of the "
                "standard calendar, as `convert_calendar('standard')` of xarray does",
                code="source-format",
            ) from error

    def _along(self, data: Any) -> LeafTable:
        timed = {one.dims[0] for one in data.variables.values() if one.dtype.kind == "M" and len(one.dims) == 1}
        sizes = {str(name): size for name, size in data.sizes.items() if size}
        if self.table is None and len(timed) == 1:
            name: str | None = str(next(iter(timed)))
        else:
            name = self._choose(sizes, "dimension")
        along = [str(key) for key, one in data.variables.items() if name in one.dims]
        reader = LeafTable({key: _leaf(data, key, name) for key in along})
        if others := [repr(key) for key in map(str, data.variables) if key not in along]:
            reader.notes = [f"left out of {self.name}, not being along {name!r}: {', '.join(others)}"]
        units = {key: str(data[key].attrs.get("units", "")) for key in along}
        reader.units = {key: unit for key, unit in units.items() if unit}
        return reader


def _leaf(data: Any, key: str, name: Any) -> Leaf:
    array = data[key].transpose(name, ...)

    def rows(start: int, stop: int) -> Any:
        return array.isel({name: slice(start, stop)}).values

    return Leaf((key,), array.shape, rows, rows)
