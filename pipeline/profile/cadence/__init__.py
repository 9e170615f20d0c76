"""How far apart rows are: their steps, gaps, repeated times, and clocks that are coarser than rows."""
