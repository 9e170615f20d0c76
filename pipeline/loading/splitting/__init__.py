"""Ways to split the rows of stores for training, validation and test."""
