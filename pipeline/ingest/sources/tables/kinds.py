"""Which kind of table a file holds, by its first bytes and name. Its module is imported for such a file alone."""

from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from longstride.pipeline.ingest.sources.tables.source import TableSource

__all__ = ["BDF", "TABLES", "TableKind", "is_packed_table", "kind_of_table"]

BDF = b"\xffBIOSEMI"


class TableKind(NamedTuple):
    """A kind of file that a package of its own reads."""

    module: str
    source: str
    """Its class."""
    suffixes: tuple[str, ...]
    """How names end. They count as well, for other files begin with the same bytes."""
    magic: tuple[bytes, ...]
    """How contents begin."""

    def load(self) -> "type[TableSource]":
        """The class that reads this kind."""
        found: type[TableSource] = getattr(import_module(f"{__package__}.{self.module}"), self.source)
        return found


TABLES = (
    TableKind("edf", "EdfSource", (".edf", ".bdf", ".rec"), (b"0       ", BDF)),
    TableKind(
        "excel", "ExcelSource", (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    ),
    TableKind("hdf5", "Hdf5Source", (".h5", ".hdf5", ".hdf", ".he5"), (b"\x89HDF",)),
    TableKind("matlab", "MatlabSource", (".mat",), (b"MATLAB", b"\x89HDF")),
    TableKind("mcap", "McapSource", (".mcap",), (b"\x89MCAP0\r\n",)),
    TableKind("mdf", "MdfSource", (".mf4", ".mdf", ".dat"), (b"MDF ",)),
    TableKind("netcdf", "NetcdfSource", (".nc", ".nc4", ".cdf", ".netcdf"), (b"CDF\x01", b"CDF\x02", b"\x89HDF")),
    TableKind("tdms", "TdmsSource", (".tdms",), (b"TDSm",)),
)


def kind_of_table(name: str, begin: bytes) -> TableKind | None:
    """The kind of a file of this name that begins so; None for any other file."""
    return next(
        (kind for kind in TABLES if begin.startswith(kind.magic) and name.lower().endswith(kind.suffixes)), None
    )


def is_packed_table(name: str, begin: bytes) -> bool:
    """Whether a compressed file of this name holds a table, if its text begins so."""
    suffixes = PurePosixPath(name.lower()).suffixes
    return any(begin.startswith(kind.magic) and set(kind.suffixes) & set(suffixes) for kind in TABLES)
