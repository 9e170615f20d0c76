"""How the values of a column are written: marks, what stands before and behind numbers, words for states."""
