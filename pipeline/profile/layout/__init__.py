"""How a log is laid out: a row for each sensor, a file for each sensor, a column for each time of day."""
