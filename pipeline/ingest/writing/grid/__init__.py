"""Rows at even steps: a value for each step, and what to do with steps that have none."""
