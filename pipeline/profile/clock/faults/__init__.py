"""Clocks that were never set, and times whose parts were lost."""
