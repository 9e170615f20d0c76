"""The query of a recipe: read word by word, and written again from words that look at one row alone."""
