"""How a text file is written, told from its first lines."""
