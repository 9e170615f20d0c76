"""Stores that tests write, and what must be in them."""
