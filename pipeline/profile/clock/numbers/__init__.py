"""Columns of numbers that are times, or parts of them."""
