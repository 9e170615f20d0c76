"""Which columns hold the time of a row, and how it is written, by the sense that the clock makes."""
