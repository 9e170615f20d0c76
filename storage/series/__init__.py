"""Series as they are read: their rows, segments and statistics, wherever they come from."""
