"""Files of logs: found, opened, and cut into pieces of rows."""
