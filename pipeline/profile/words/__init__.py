"""Words and numbers as they are written: of times, of missing values, and of a proposal."""
