"""Which rows of a store are scored, and by which windows."""
