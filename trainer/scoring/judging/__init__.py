"""How well scores find labelled rows."""
