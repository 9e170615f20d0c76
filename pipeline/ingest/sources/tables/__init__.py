"""Files of other programs that are read as one table, each by a package of its own."""
