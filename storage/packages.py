"""Packages that are not always installed, and what to install where one is missing."""

from importlib import import_module
from typing import Any

from longstride.storage.errors import LongstrideError

__all__ = ["PackageError", "needs", "package_error"]

EXTRAS = {
    "asammdf": "mdf",
    "distributed": "dask",
    "edfio": "edf",
    "fastexcel": "excel",
    "h5netcdf": "netcdf",
    "h5py": "hdf5",
    "jinja2": "",
    "matplotlib": "",
    "mcap": "ros",
    "mcap_ros2": "ros",
    "nptdms": "tdms",
    "numcodecs": "",
    "obstore": "s3",
    "onnx": "onnx",
    "onnx_ir": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pcodec": "",
    "polars": "",
    "pyarrow": "",
    "s3fs": "s3",
    "safetensors": "arrays",
    "scipy": "matlab",
    "scipy.stats": "evaluate",
    "sklearn": "evaluate",
    "tensorboard": "tensorboard",
    "xarray": "netcdf",
    "zarr": "",
}
"""The extra that brings a package, by the name of its import, or of the module that is used; "" where Longstride
without extras does."""


class PackageError(LongstrideError, ImportError):
    """A package is not installed that the work at hand needs."""


def needs(module: str) -> Any:
    """Import a module of a package that is not always installed. Raises PackageError where it is not."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise package_error(error, module) from None


def package_error(error: ModuleNotFoundError, module: str = "") -> ModuleNotFoundError | PackageError:
    """What to install where one of these packages is missing; the error itself where it is another module."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return error
    extra = EXTRAS.get(module, EXTRAS[package])
    command = f"pip install 'longstride[{extra}]'" if extra else "pip install longstride"
    return PackageError(f"the package {package} is not installed: `{command}` installs it", code="package-missing")
