"""The store: what lies on disk and how it is read. Knows Zarr and numpy; no Polars, no Dask, no torch."""
