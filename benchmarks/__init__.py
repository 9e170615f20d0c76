"""Measures the other packages and draws the tables."""
