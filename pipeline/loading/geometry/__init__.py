"""What the rows of a window are: how many, how far apart, where they may begin."""
