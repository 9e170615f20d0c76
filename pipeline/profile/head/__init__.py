"""What the lines above a table tell: how far apart its rows are, when they begin, what its columns are called."""
