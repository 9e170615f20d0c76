"""Longstride: an out-of-core data pipeline for million-step multivariate series."""
