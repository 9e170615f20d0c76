"""What clocks do: rows without times, midnight without a date, the hour that comes twice in autumn."""
