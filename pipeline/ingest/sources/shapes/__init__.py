"""Sources whose columns and rows are given another shape as they are read."""
