"""Rows that a program holds or makes, given in place of files."""
