"""CSV: its header, lines, rows and faults."""
