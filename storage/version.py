"""The version of this package: `importlib.metadata` takes 15 ms to look it up."""

__all__ = ["__version__"]

__version__ = "0.1.0"
