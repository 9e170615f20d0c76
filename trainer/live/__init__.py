"""Scores of rows as they come."""
